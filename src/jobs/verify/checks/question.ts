import type { Clock } from '../../../base/clock.ts';
import { HoldfastError } from '../../../base/errors.ts';
import type { Check } from '../../../sources/source.ts';
import { type CheckId, type Verdict, type VerifyCheck, worst } from '../report.ts';

/** What a check came to, without its time. */
export interface Answer {
  /** Left out: what the findings make of it, and `pass` without any. */
  verdict?: Verdict;
  equal?: number;
  figures?: Record<string, number>;
  findings?: Check[];
  why?: string | undefined;
}

export interface Question {
  id: CheckId;
  title: string;
  clock: Clock;
  signal: AbortSignal;
}

/**
 * Asks, and takes the time. What could not be examined is `could-not-verify`, and never an error of the proof as a whole.
 *
 * @throws the signal's reason when aborted; whatever is no HoldfastError
 */
export async function ask(question: Question, find: () => Promise<Answer>): Promise<VerifyCheck> {
  const { id, title, clock, signal } = question;
  signal.throwIfAborted();
  const started = clock.monotonic();
  let answer: Answer;
  try {
    answer = await find();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof HoldfastError)) throw error;
    answer = { verdict: 'could-not-verify', why: [error.message, error.why].filter(Boolean).join(' ') };
  }
  const { equal = 0, figures = {}, findings = [] } = answer;
  const verdict = answer.verdict ?? verdictOf(findings);
  const why = answer.why ?? (verdict === 'pass' ? undefined : summaryOf(findings));
  return {
    id,
    title,
    verdict,
    durationMs: clock.monotonic() - started,
    equal,
    figures,
    findings,
    ...(why === undefined ? {} : { why }),
  };
}

function verdictOf(findings: readonly Check[]): Verdict {
  if (findings.length === 0) return 'pass';
  return worst(findings.map(({ verdict }) => (verdict === 'differs' ? 'fail' : 'could-not-verify')));
}

function summaryOf(findings: readonly Check[]): string {
  const [first] = findings;
  if (first === undefined) return 'Nothing was compared.';
  const text = `${first.object}: ${first.detail ?? 'It is another.'}`;
  return findings.length === 1 ? text : `${text} And ${findings.length - 1} more.`;
}

/** `a, b, c and 4 more`, so that a sentence stays one. */
export function someOf(names: readonly string[], shown = 5): string {
  if (names.length > shown) return `${names.slice(0, shown).join(', ')} and ${names.length - shown} more`;
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
