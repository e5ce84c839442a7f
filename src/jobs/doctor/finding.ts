import { HoldfastError, toPlainError } from '../../base/errors.ts';

/** What a section is about, in the order in which they are shown. */
export type Section = 'configuration' | 'tools' | 'secrets' | 'owners' | 'sources' | 'sites' | 'clocks' | 'policy';

/** One precondition that was tried. */
export interface Finding {
  section: Section;
  /** Which one: the name of a source, a site, a program, a secret. */
  subject: string;
  /** `problem`: backups or restores fail, or cannot be relied on. What could not be tried is never `ok`. */
  status: 'ok' | 'warning' | 'problem';
  /** One sentence: what was found. */
  what: string;
  why?: string;
  hint?: string;
}

/** Makes findings about one subject. */
export class Findings {
  readonly list: Finding[] = [];
  readonly #section: Section;
  readonly #subject: string;

  constructor(section: Section, subject: string) {
    this.#section = section;
    this.#subject = subject;
  }

  ok(what: string): void {
    this.#add({ status: 'ok', what });
  }

  warn(what: string, details: { why?: string | undefined; hint?: string | undefined } = {}): void {
    this.#add({ status: 'warning', what, ...details });
  }

  problem(what: string, details: { why?: string | undefined; hint?: string | undefined } = {}): void {
    this.#add({ status: 'problem', what, ...details });
  }

  /** An error of a check is what the check found. */
  failed(error: unknown): void {
    const { message, why, hint } = error instanceof HoldfastError ? error : toPlainError(error);
    this.problem(message, { why, hint });
  }

  #add({
    status,
    what,
    why,
    hint,
  }: Omit<Finding, 'section' | 'subject'> & { why?: string | undefined; hint?: string | undefined }): void {
    this.list.push({
      section: this.#section,
      subject: this.#subject,
      status,
      what,
      ...(why && { why }),
      ...(hint && { hint }),
    });
  }
}

/** Runs a check by itself: whatever breaks in it is a finding, and the other checks go on. */
export async function examine(
  section: Section,
  subject: string,
  check: (findings: Findings) => Promise<void> | void,
  signal?: AbortSignal,
): Promise<Finding[]> {
  signal?.throwIfAborted();
  const findings = new Findings(section, subject);
  try {
    await check(findings);
  } catch (error) {
    signal?.throwIfAborted();
    findings.failed(error);
  }
  return findings.list;
}
