import type { Shortfall } from '../source.ts';
import { type ByteText, shownPath } from './byte-text.ts';
import type { EntryKind } from './kinds.ts';
import { Shortfalls } from './shortfalls.ts';
import type { WriteProblem } from './write-batch.ts';

/** Gathers what a restore could not do. What concerns many entries in the same way is told once. */
export class RestoreProblems {
  #owners = 0;
  #privileges = 0;
  readonly #attributes = new Map<string, { count: number; example: ByteText }>();
  readonly #entries = new Shortfalls();
  readonly #lacking = new Set<ByteText>();

  add(path: ByteText, problems: readonly WriteProblem[]): void {
    for (const problem of problems) {
      switch (problem.type) {
        case 'owner':
          this.#owners++;
          break;
        case 'privilege':
          this.#privileges++;
          break;
        case 'attribute': {
          const key = `${problem.name}\n${problem.code}`;
          const found = this.#attributes.get(key) ?? { count: 0, example: path };
          found.count++;
          this.#attributes.set(key, found);
          break;
        }
        case 'content':
          this.#lacking.add(path);
          this.#entries.add(shownPath(path), problem.reason, { degrades: true });
          break;
      }
    }
  }

  notMade(path: ByteText, kind: EntryKind): void {
    this.#entries.add(shownPath(path), `a ${kind} could not be made by this user, or on this file system`, {
      degrades: true,
    });
  }

  /** Whether a file was left out because its content is damaged. */
  lacks(path: ByteText): boolean {
    return this.#lacking.has(path);
  }

  shortfalls(): Shortfall[] {
    const all = this.#entries.all();
    if (this.#owners > 0) {
      const root = process.geteuid?.() === 0;
      all.push({
        object: 'owners',
        reason: `${count(this.#owners)} could not be given to the owner they had${root ? '' : '; only root may do that'}`,
        // Whoever restores without being root knows it; root is surprised.
        degrades: root,
      });
    }
    if (this.#privileges > 0) {
      all.push({
        object: 'setuid and setgid bits',
        reason: `${count(this.#privileges)} went without them, because the owner is another`,
        degrades: false,
      });
    }
    for (const [key, { count: entries, example }] of this.#attributes) {
      const [name, code] = key.split('\n');
      all.push({
        object: `attribute ${shownPath(name!)}`,
        reason: `${count(entries)} went without it (${code}), the first of them ${shownPath(example)}`,
        degrades: true,
      });
    }
    return all;
  }
}

function count(entries: number): string {
  return entries === 1 ? '1 entry' : `${entries} entries`;
}
