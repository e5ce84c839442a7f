/** Comments of the source that a copy gets: only those that were reviewed and are kept. */
import { createHash } from 'node:crypto';
import type { TocEntry } from '../../sources/postgres/archive-toc.ts';
import type { Lock } from '../lock.ts';

/**
 * pg_dump does not tell which object a comment's entry is of in the words of the catalog, so they are told apart by the
 * fingerprint of their text, which the lock file has: a text that is dropped anywhere is dropped everywhere.
 */
export function commentFilter({ definitions }: Pick<Lock, 'definitions'>): (entry: TocEntry) => boolean {
  const kept = new Set<string>();
  const dropped = new Set<string>();
  for (const [id, { rule, fingerprint }] of definitions) {
    if (id.startsWith('comment ')) (rule === 'keep' ? kept : dropped).add(fingerprint);
  }
  return ({ defn }) => {
    const literal = / IS '((?:[^']|'')*)';\s*$/.exec(defn.toString('utf8'))?.[1];
    if (literal === undefined) return false;
    const fingerprint = createHash('sha256').update(literal.replaceAll("''", "'")).digest('hex').slice(0, 16);
    return kept.has(fingerprint) && !dropped.has(fingerprint);
  };
}
