import { HoldfastError } from '../../base/errors.ts';
import type { ManifestLine } from '../source.ts';
import type {
  ArchiveLine,
  DatabaseLine,
  LargeObjectsLine,
  OmittedLine,
  PostgresLine,
  SequenceLine,
  TableLine,
} from './manifest.ts';

/** A whole postgres manifest in memory: some hundred bytes for each table, and 64 for each chunk of it. */
export interface PostgresManifest {
  database: DatabaseLine;
  archive: ArchiveLine;
  tables: TableLine[];
  sequences: SequenceLine[];
  largeObjects: LargeObjectsLine | undefined;
  omitted: OmittedLine[];
}

/** @throws HoldfastError `object-damaged` when a line is missing, or of an unknown kind */
export async function readManifest(lines: AsyncIterable<ManifestLine>): Promise<PostgresManifest> {
  let database: DatabaseLine | undefined;
  let archive: ArchiveLine | undefined;
  let largeObjects: LargeObjectsLine | undefined;
  const tables: TableLine[] = [];
  const sequences: SequenceLine[] = [];
  const omitted: OmittedLine[] = [];
  for await (const each of lines) {
    const line = each as PostgresLine;
    if (line.kind === 'table') tables.push(line);
    else if (line.kind === 'sequence') sequences.push(line);
    else if (line.kind === 'omitted') omitted.push(line);
    else if (line.kind === 'database') database = line;
    else if (line.kind === 'archive') archive = line;
    else if (line.kind === 'large-objects') largeObjects = line;
    else throw unreadable(`it has a line of the unknown kind ${JSON.stringify((each as ManifestLine).kind)}`);
  }
  if (database === undefined || archive === undefined) throw unreadable('it lacks the database or the schema archive');
  return { database, archive, tables, sequences, largeObjects, omitted };
}

function unreadable(why: string): HoldfastError {
  return new HoldfastError('object-damaged', 'The manifest of the snapshot is not one of a database.', {
    why: `Read as such, ${why}.`,
    hint: 'Was it made by a newer Holdfast? Then use that one.',
  });
}
