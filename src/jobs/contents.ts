import { HoldfastError } from '../base/errors.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import type { SourceType } from '../repository/snapshot.ts';
import type { EntryLine } from '../sources/files/manifest.ts';
import type { TableLine } from '../sources/postgres/manifest.ts';
import { openReader, withReading } from './restore.ts';
import { findSnapshot } from './snapshots.ts';

/** What lies in a snapshot, one line for each table or file. */
export interface ContentLine {
  kind: string;
  /** `schema.table`, or a path; bytes of a path that are no UTF-8 are shown as U+FFFD. */
  name: string;
  /** Bytes. */
  size?: number;
  rows?: number;
  /** ISO 8601. */
  modified?: string;
  /** Permission bits of a file. */
  mode?: number;
  /** Of a symbolic link. */
  target?: string;
}

export interface ContentListing {
  source: string;
  type: SourceType;
  snapshot: { id: string; sequence: number; time: string };
  lines(): AsyncIterable<ContentLine>;
}

/**
 * Lists a snapshot.
 *
 * @param path of a tree: only this and what is under it; of a database: only this schema, or `schema.table`
 */
export async function listContents(access: RepositoryAccess, address: string, path?: string): Promise<ContentListing> {
  const found = await findSnapshot(access, address);
  const { snapshot } = found;
  const reader = await openReader(access, found);
  return {
    source: snapshot.name,
    type: snapshot.type,
    snapshot: { id: snapshot.id, sequence: snapshot.sequence, time: snapshot.time },
    async *lines() {
      for await (const line of reader.lines<{ kind: string }>()) {
        const content = contentOf(line);
        if (content && (path === undefined || isUnder(content, path))) yield content;
      }
    },
  };
}

function contentOf(line: { kind: string }): ContentLine | undefined {
  if (line.kind === 'table') {
    const { schema, name, stream } = line as TableLine;
    return { kind: 'table', name: `${schema}.${name}`, size: stream.size, rows: stream.rows?.rows ?? 0 };
  }
  if (line.kind === 'large-objects') {
    const { objects } = line as { kind: string; objects: { size: number }[] };
    const size = objects.reduce((sum, object) => sum + object.size, 0);
    return { kind: 'large objects', name: 'large objects', size, rows: objects.length };
  }
  if (line.kind === 'output') {
    const { filename, stream } = line as { kind: string; filename: string; stream: { size: number } };
    return { kind: 'output', name: filename, size: stream.size };
  }
  if (!('path' in line) || line.kind === 'root') return undefined;
  const entry = line as EntryLine;
  const content: ContentLine = { kind: entry.kind, name: shown(entry.path), mode: entry.mode };
  content.modified = new Date(Number(BigInt(entry.mtime) / 1_000_000n)).toISOString();
  if (entry.kind === 'file') content.size = entry.size;
  if (entry.kind === 'symlink') content.target = shown(entry.target);
  return content;
}

/** What a line of a manifest is about, for a sentence: `table public.people`, `file contracts/a.pdf`, `archive`. */
export function contentName(line: { kind: string }): string {
  const content = contentOf(line);
  return content === undefined || content.kind === content.name
    ? (content?.kind ?? line.kind)
    : `${content.kind} ${content.name}`;
}

function shown(path: string | { base64: string }): string {
  return typeof path === 'string' ? path : Buffer.from(path.base64, 'base64').toString('utf8');
}

function isUnder({ kind, name }: ContentLine, path: string): boolean {
  const wanted = path.replace(/^\.?\/+/, '').replace(/\/+$/, '');
  const separator = kind === 'table' ? '.' : '/';
  return wanted === '' || name === wanted || name.startsWith(wanted + separator);
}

/**
 * The content of one file, table (as COPY text) or output.
 *
 * @throws HoldfastError `not-found` when the snapshot has no such thing
 */
export async function readContent(
  access: RepositoryAccess,
  address: string,
  path: string,
  write: (piece: Uint8Array) => Promise<void>,
): Promise<void> {
  const found = await findSnapshot(access, address);
  const reader = await openReader(access, found);
  await withReading(access, reader, 1, async (context) => {
    for await (const piece of await contentStream(found.snapshot.type, context, path)) await write(piece);
  });
}

type Context = Parameters<Parameters<typeof withReading>[3]>[0];

async function contentStream(type: SourceType, context: Context, path: string): Promise<AsyncIterable<Buffer>> {
  if (type === 'postgres') {
    const { catTable } = await import('../sources/postgres/restore-listing.ts');
    return catTable(context, path);
  }
  if (type === 'files') {
    const { catFile } = await import('../sources/files/contents.ts');
    return catFile(context, path);
  }
  for await (const line of context.lines()) {
    if (line.kind !== 'output') continue;
    const { filename, stream } = line as unknown as { filename: string; stream: never };
    // Globals have two: the first is the one for people.
    if (type === 'command' || path === '' || path === filename) return context.reader.read(stream);
  }
  throw new HoldfastError('not-found', `The snapshot holds no output${path === '' ? '' : ` ${path}`}.`);
}
