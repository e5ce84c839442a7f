/** The checks of one proof: planned first, so that none is forgotten, then answered one by one. */
import type { Clock } from '../../base/clock.ts';
import type { SourceType } from '../../repository/snapshot.ts';
import type { Check } from '../../sources/source.ts';
import type { PlannedCheck } from './extra.ts';
import { type CheckId, type Verdict, type VerifyCheck, worst } from './report.ts';

const titles = {
  authenticity: 'The newest snapshot, signed by who may',
  objects: 'Every object there and authentic',
  restore: 'Restored in full',
  schema: 'Every definition',
  tables: 'Rows of every table',
  sequences: 'Every sequence',
  'large-objects': 'Every large object',
  roles: 'Roles and memberships',
  database: 'Properties of the database',
  files: 'Every entry of the tree',
  content: 'Every byte of the output',
} as const;
type OwnCheckId = keyof typeof titles;

const always: readonly OwnCheckId[] = ['authenticity', 'objects', 'restore'];
const compared: Record<SourceType, readonly OwnCheckId[]> = {
  postgres: ['schema', 'tables', 'sequences', 'large-objects', 'roles', 'database'],
  'postgres-globals': ['roles', 'content'],
  files: ['files'],
  command: ['content'],
};

/** Of a source whose type is not known, what can be said of any. */
export function plannedChecks(type: SourceType | undefined): PlannedCheck[] {
  return [...always, ...(type ? compared[type] : [])].map((id) => ({ id, title: titles[id] }));
}

export interface Answer {
  verdict: Verdict;
  /** Milliseconds. */
  durationMs: number;
  equal?: number;
  figures?: Record<string, number>;
  findings?: readonly Check[];
  why?: string;
}

export class CheckList {
  readonly #planned: PlannedCheck[];
  readonly #clock: Clock;
  readonly #answers = new Map<CheckId, VerifyCheck>();

  constructor(planned: readonly PlannedCheck[], clock: Clock) {
    this.#planned = [...planned];
    this.#clock = clock;
  }

  /** Adds checks that become known later. */
  plan(more: readonly PlannedCheck[]): void {
    for (const check of more) if (!this.#planned.some(({ id }) => id === check.id)) this.#planned.push(check);
  }

  answer(id: CheckId, answer: Answer): void {
    const { verdict, durationMs, equal = 0, figures = {}, findings = [], why } = answer;
    const title = this.#planned.find((planned) => planned.id === id)?.title ?? id;
    const reason = why ?? (verdict === 'pass' ? undefined : reasonOf(findings));
    this.#answers.set(id, {
      id,
      title,
      verdict,
      durationMs,
      equal,
      figures,
      findings: [...findings],
      ...(reason !== undefined && { why: reason }),
    });
  }

  /** A check that others made. */
  add(check: VerifyCheck): void {
    this.plan([check]);
    this.#answers.set(check.id, check);
  }

  isAnswered(id: CheckId): boolean {
    return this.#answers.has(id);
  }

  /** Does the work of one check, and answers with what it gives and the time that it took. */
  async make(id: CheckId, work: () => Promise<Omit<Answer, 'durationMs'>>): Promise<void> {
    const started = this.#clock.monotonic();
    const answer = await work();
    this.answer(id, { ...answer, durationMs: this.#clock.monotonic() - started });
  }

  /** All of them in the order of the plan. Whatever was not made could not be verified. @param why in one sentence */
  finish(why: string): VerifyCheck[] {
    return this.#planned.map(
      ({ id, title }) =>
        this.#answers.get(id) ?? {
          id,
          title,
          verdict: 'could-not-verify',
          durationMs: 0,
          equal: 0,
          figures: {},
          findings: [],
          why,
        },
    );
  }
}

/** What differs is a failure, what could not be compared is not known; nothing found is a pass only of something done. */
export function verdictOfFindings(findings: readonly Check[]): Verdict {
  return worst([
    'pass',
    ...findings.map(
      ({ verdict }): Verdict => (verdict === 'differs' ? 'fail' : verdict === 'equal' ? 'pass' : 'could-not-verify'),
    ),
  ]);
}

function reasonOf(findings: readonly Check[]): string {
  const [first] = [...findings].sort((a, b) => Number(a.verdict !== 'differs') - Number(b.verdict !== 'differs'));
  if (first === undefined) return 'It was not made.';
  const more = findings.length - 1;
  const detail = first.detail ?? 'It is another.';
  return `${first.object}: ${detail}${more > 0 ? ` And ${more} more.` : ''}`;
}
