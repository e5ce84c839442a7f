/** What tests of pseudonymized copies share: settings of a copy, and a lock file as people leave it after their review. */
import { readFile, writeFile } from 'node:fs/promises';
import { systemClock } from '../../src/base/clock.ts';
import { silent } from '../../src/base/events.ts';
import { scanSource } from '../../src/jobs/pseudonymize/classify.ts';
import type { CopySettings } from '../../src/jobs/pseudonymize/copy-settings.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import { type ColumnEntry, type Lock, parseLock, type Rule } from '../../src/pseudonyms/lock.ts';
import { writeLock } from '../../src/pseudonyms/lock-write.ts';
import type { ThrowawayConnection } from '../../src/sources/postgres/throwaway.ts';

/** The comment that a database must have to be replaced by a copy. */
export const copyMark = 'Pseudonymized copy made by holdfast';

/** A rule as short as a test wants it: a kind, or a kind with its options, domain and paths. */
export type ShortRule =
  | Rule['kind']
  | ({ kind: Rule['kind']; domain?: string; paths?: Record<string, Rule['kind'] | Rule> } & Record<string, unknown>);

export interface Review {
  /** `app.people.email` → what becomes of it; the others keep what the scan proposes. */
  columns?: Record<string, ShortRule>;
  /** Tables whose rows are left out. */
  truncate?: readonly string[];
  /** `comment table table app.people` → `drop`; the others keep what they have, and what is undecided is kept. */
  definitions?: Record<string, 'keep' | 'drop'>;
}

/** A key that tests may know. */
export function keyed(seed: number): Pick<CopySettings, 'key' | 'secret'> {
  const secret = Buffer.alloc(32, seed);
  return { key: new PseudonymKey(secret), secret };
}

export function copySettings(
  parts: { connection: ThrowawayConnection; lockFile: string; database: string } & Partial<CopySettings>,
): CopySettings {
  const { connection, database, ...more } = parts;
  return {
    source: 'app',
    connection,
    sampleRows: 200,
    emit: silent,
    signal: new AbortController().signal,
    ...keyed(7),
    target: { admin: { ...connection, database: 'postgres' }, database, replace: true },
    after: [],
    jobs: 2,
    env: process.env,
    clock: systemClock,
    ...more,
  };
}

/** Scans, and decides everything: as `review` says, else as the scan proposes. */
export async function reviewDatabase(settings: CopySettings, review: Review = {}): Promise<Lock> {
  await scanSource(settings, { write: true });
  return await changeLock(settings.lockFile, (lock) => reviewed(lock, review));
}

/** @throws Error when what `change` gives is no lock file */
export async function changeLock(lockFile: string, change: (lock: Lock) => Lock): Promise<Lock> {
  const text = await readFile(lockFile, 'utf8');
  // As a new file: beside a present one, rules of paths that are there would stay.
  const changed = writeLock(change(lockOf(text)));
  await writeFile(lockFile, changed);
  return lockOf(changed);
}

export function lockOf(text: string): Lock {
  const read = parseLock(text);
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return read.lock;
}

function reviewed(lock: Lock, { columns = {}, truncate = [], definitions = {} }: Review): Lock {
  const left = new Set([...Object.keys(columns), ...Object.keys(definitions)]);
  const tables = new Map(
    [...lock.tables].map(([table, entries]) => [
      table,
      new Map(
        [...entries].map(([column, entry]) => {
          const name = `${table}.${column}`;
          const wanted = truncate.includes(table) ? 'truncate' : columns[name];
          left.delete(name);
          return [column, wanted === undefined ? { ...entry, review: false } : decided(entry, wanted)];
        }),
      ),
    ]),
  );
  const found = new Map(
    [...lock.definitions].map(([id, { proposed: _, ...entry }]) => {
      const rule = definitions[id] ?? (entry.rule === 'undecided' ? 'keep' : entry.rule);
      left.delete(id);
      return [id, { ...entry, rule, review: false, ...(rule === 'keep' && { reason: 'reviewed' }) }];
    }),
  );
  if (left.size > 0) throw new Error(`nothing has these names: ${[...left].join(', ')}`);
  return { ...lock, tables, definitions: found };
}

function decided({ type }: ColumnEntry, wanted: ShortRule): ColumnEntry {
  const { kind, domain, paths, ...options } = typeof wanted === 'string' ? { kind: wanted } : wanted;
  return {
    rule: { kind, options, ...(domain !== undefined && { domain }) },
    ...(kind === 'keep' && { reason: 'reviewed' }),
    ...(paths !== undefined && {
      paths: new Map(
        Object.entries(paths).map(([path, rule]) => [
          path,
          typeof rule === 'string' ? { kind: rule, options: {} } : rule,
        ]),
      ),
    }),
    type,
    review: false,
  };
}
