import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { markerName, markerText } from '../files/marker.ts';
import type { RestoreContext, Shortfall } from '../source.ts';
import { type PartWanted, type Selection, selectEntries } from './archive-selection.ts';
import { readToc } from './archive-toc.ts';
import { directoryReadme } from './directory-readme.ts';
import type { TableLine } from './manifest.ts';
import { type PostgresManifest, readManifest } from './manifest-read.ts';
import { quoteIdentifier, quoteLiteral, quoteQualified } from './quote.ts';
import { type WrittenFile, writeFileTask, writeLargeObjectsTask } from './restore-tasks.ts';

/**
 * A database as plain files, for people and programs that have no Holdfast:
 *
 * ```
 * README.md               how to load it
 * schema.dump             definitions, for pg_restore
 * tables.json             one object for each table: file, columns, rows, and the statement that loads it
 * tables/<n>-<name>.copy  COPY text
 * sequences.json          values, and the statement that sets each
 * large-objects/<oid>     content
 * large-objects.json      owners, privileges, comments
 * database.json           properties of the database, roles, extensions
 * omitted.json            what the snapshot does not carry, and why
 * ```
 */
const fileNames = {
  readme: 'README.md',
  schema: 'schema.dump',
  tables: 'tables.json',
  tableFiles: 'tables',
  sequences: 'sequences.json',
  largeObjectFiles: 'large-objects',
  largeObjects: 'large-objects.json',
  database: 'database.json',
  omitted: 'omitted.json',
} as const;

export interface DirectorySettings extends PartWanted {
  /** Must not exist, or be empty; one that an interrupted restore of ours left is begun anew. */
  target: string;
}

/** @throws HoldfastError `target-exists`, `target-failed`, and what reading the repository throws */
export async function restoreToDirectory(
  context: RestoreContext,
  settings: DirectorySettings,
): Promise<{ totals: Record<string, number>; shortfalls: Shortfall[] }> {
  const manifest = await readManifest(context.lines());
  const archive = await context.reader.whole(manifest.archive.stream);
  const selection = selectEntries(readToc(archive), manifest.database, settings);
  const { target } = settings;
  try {
    await prepare(target);
    return await new DirectoryRestore(context, target, manifest, selection).run(archive);
  } catch (error) {
    if (error instanceof HoldfastError || context.signal.aborted || systemCode(error) === undefined) throw error;
    throw new HoldfastError('target-failed', `Could not restore into ${target}.`, {
      why: (error as Error).message,
      hint: 'Check its rights and free space.',
      cause: error,
    });
  }
}

/** Makes the directory and marks it as incomplete, after removing what an interrupted restore of ours left. */
async function prepare(target: string): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o700 });
  const there = await readdir(target);
  const ours = new Set<string>([markerName, ...Object.values(fileNames)]);
  if (there.length > 0 && !(there.includes(markerName) && there.every((name) => ours.has(name)))) {
    throw new HoldfastError('target-exists', `The target ${target} is not empty.`, {
      why: 'A restore never goes over something that is there.',
      hint: 'Name a directory that is empty or does not exist.',
    });
  }
  for (const name of there) if (name !== markerName) await rm(join(target, name), { recursive: true });
  if (!there.includes(markerName)) await writeDurably(join(target, markerName), markerText);
  await mkdir(join(target, fileNames.tableFiles), { mode: 0o700 });
}

class DirectoryRestore {
  readonly #context: RestoreContext;
  readonly #target: string;
  readonly #manifest: PostgresManifest;
  readonly #selection: Selection;

  constructor(context: RestoreContext, target: string, manifest: PostgresManifest, selection: Selection) {
    this.#context = context;
    this.#target = target;
    this.#manifest = manifest;
    this.#selection = selection;
  }

  async run(archive: Buffer) {
    const { database, sequences, largeObjects, omitted } = this.#manifest;
    const objects = this.#selection.whole ? largeObjects : undefined;
    const lines = this.#manifest.tables.filter((line) => this.#selection.rows(line));
    const bytes = lines.reduce((sum, { stream }) => sum + stream.size, 0) + (objects?.stream.size ?? 0);
    await writeDurably(this.#path(fileNames.schema), archive);
    const tables = lines.map((line, at) => ({ ...describe(line, at, lines.length), line }));
    const onProgress = this.#progress(bytes);
    const tasks = tables.map((table) => ({
      size: table.bytes,
      run: async () => {
        const input = { path: this.#path(table.file), stream: table.line.stream };
        const { sha256 } = await this.#context.lanes.run<WrittenFile>(writeFileTask, input, { onProgress });
        table.sha256 = sha256;
      },
    }));
    if (objects !== undefined) {
      const path = this.#path(fileNames.largeObjectFiles);
      await mkdir(path, { mode: 0o700 });
      const input = { path, stream: objects.stream };
      tasks.push({
        size: objects.stream.size,
        run: () => this.#context.lanes.run<void>(writeLargeObjectsTask, input, { onProgress }),
      });
    }
    tasks.sort((a, b) => b.size - a.size);
    await Promise.all(tasks.map(({ run }) => run()));
    const values = sequences.map((line) => ({ ...line, kind: undefined, set: setStatement(line) }));
    await this.#json(
      fileNames.tables,
      tables.map(({ line: _, ...described }) => described),
    );
    await this.#json(fileNames.sequences, values);
    await this.#json(fileNames.largeObjects, objects?.objects ?? []);
    await this.#json(fileNames.database, database);
    await this.#json(
      fileNames.omitted,
      omitted.map(({ object, reason }) => ({ object, reason })),
    );
    await writeDurably(this.#path(fileNames.readme), directoryReadme(database));
    // Last: from here on it is complete.
    await rm(this.#path(markerName));
    const directory = await open(this.#target);
    await directory.sync();
    await directory.close();
    return {
      totals: {
        tables: lines.length,
        rows: lines.reduce((sum, { stream }) => sum + (stream.rows?.rows ?? 0), 0),
        bytes,
        sequences: values.length,
        largeObjects: objects?.objects.length ?? 0,
      },
      shortfalls: this.#manifest.omitted.map(({ object, reason }) => ({
        object,
        reason: `Not in the snapshot: ${reason}`,
        degrades: false,
      })),
    };
  }

  #path(name: string): string {
    return join(this.#target, name);
  }

  async #json(name: string, value: unknown): Promise<void> {
    await writeDurably(this.#path(name), `${JSON.stringify(value, null, 2)}\n`);
  }

  #progress(total: number): (amount: number) => void {
    let done = 0;
    return (amount) => {
      done += amount;
      this.#context.emit({ type: 'progress', activity: 'rows', done, total, unit: 'bytes' });
    };
  }
}

function describe(line: TableLine, at: number, count: number) {
  const { schema, name, columns, stream } = line;
  const number = String(at + 1).padStart(String(count).length, '0');
  const safe = `${schema}.${name}`.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 100);
  return {
    file: `${fileNames.tableFiles}/${number}-${safe}.copy`,
    schema,
    name,
    columns,
    rows: stream.rows?.rows ?? 0,
    bytes: stream.size,
    /** Of the file; known when it is written. */
    sha256: '',
    load: loadStatement(line),
  };
}

function loadStatement({ schema, name, columns, loadThrough, extension }: TableLine): string {
  const target = loadThrough ? quoteQualified(loadThrough.schema, loadThrough.name) : quoteQualified(schema, name);
  const list = columns.length === 0 ? '' : ` (${columns.map(quoteIdentifier).join(', ')})`;
  const copy = `COPY ${target}${list} FROM STDIN`;
  return extension === undefined ? copy : `DELETE FROM ONLY ${target} ${extension.condition ?? ''}; ${copy}`;
}

function setStatement({ schema, name, lastValue, isCalled }: PostgresManifest['sequences'][number]): string {
  return `SELECT setval(${quoteLiteral(quoteQualified(schema, name))}, ${BigInt(lastValue)}, ${isCalled})`;
}

async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(path, content, { mode: 0o600, flag: 'wx', flush: true });
}
