import type { Check } from '../source.ts';
import { readToc } from './archive-toc.ts';
import type { Relation } from './catalog-relations.ts';
import type { PostgresManifest } from './manifest-read.ts';
import { displayName, quoteQualified } from './quote.ts';

/**
 * Tables and sequences that the snapshot defines, and of whose rows or value it tells nothing, not even that they were left
 * out: whoever made it has lost them. To compare what it does tell of would find nothing.
 *
 * @param relations of the restored database
 * @param archive the schema archive of the snapshot
 */
export function compareUntold(
  relations: ReadonlyMap<string, Relation>,
  { tables, sequences, omitted }: Pick<PostgresManifest, 'tables' | 'sequences' | 'omitted'>,
  archive: Buffer,
): Check[] {
  const told = new Set([...tables, ...sequences].map(({ schema, name }) => quoteQualified(schema, name)));
  const leftOut = new Set(omitted.map(({ object }) => object));
  const untold = [...relations].filter(
    ([key, { kind, schema, name }]) =>
      (kind === 'r' || kind === 'S') && !told.has(key) && !leftOut.has(displayName(schema, name)),
  );
  if (untold.length === 0) return [];
  const defined = new Set(
    readToc(archive)
      .entries.filter(({ desc }) => desc === 'TABLE' || desc === 'SEQUENCE')
      .map(({ namespace, tag }) => quoteQualified(namespace, tag)),
  );
  // What the snapshot does not define is more than it has, and told of elsewhere.
  return untold
    .filter(([key]) => defined.has(key))
    .map(([, { kind, schema, name }]) => ({
      kind: kind === 'S' ? 'sequence' : 'table',
      object: displayName(schema, name),
      verdict: 'differs',
      detail: `The snapshot defines it, and neither has its ${kind === 'S' ? 'value' : 'rows'} nor says that they were left out.`,
    }));
}
