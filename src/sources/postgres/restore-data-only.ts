import { HoldfastError } from '../../base/errors.ts';
import type { RestoreContext, Shortfall } from '../source.ts';
import { type PartWanted, type Selection, selectEntries } from './archive-selection.ts';
import type { ArchiveToc } from './archive-toc.ts';
import type { PostgresConnection } from './connection.ts';
import { copyIn } from './copy-in.ts';
import { compareLoaded } from './data-only-compare.ts';
import { assertEmpty, type DataTable, findTables } from './data-only-tables.ts';
import { describeKey, type ForeignKey, foreignKeysOf, inOrderOfKeys, violationQuery } from './foreign-keys.ts';
import type { LargeObjectsLine, SequenceLine } from './manifest.ts';
import type { PostgresManifest } from './manifest-read.ts';
import { readMapped } from './mapped-snapshot.ts';
import { displayName, quoteIdentifier, quoteQualified } from './quote.ts';
import { putChecksBack, takeChecks } from './restore-checks.ts';
import { rowsError } from './restore-errors.ts';
import { setSequences } from './restore-finishing.ts';
import { loadLargeObjects } from './restore-large-objects.ts';
import { sqlstate, sqlstateOf } from './server-errors.ts';
import { openSession, type Session } from './session.ts';

export interface DataOnlySettings extends PartWanted {
  /** To the database that has the tables. */
  connection: PostgresConnection;
}

/** Rows and values that are wanted. */
interface Wanted {
  lines: PostgresManifest['tables'];
  sequences: SequenceLine[];
  largeObjects: LargeObjectsLine | undefined;
}

/** How long others may keep a table locked. */
const lockTimeout = '30s';
/** Tables of one LOCK. */
const lockBatch = 200;

/** Looks at the database without changing it. @throws HoldfastError whatever would stop restoreDataOnly before it begins */
export async function inspectDataTarget(
  context: Pick<RestoreContext, 'lines' | 'reader' | 'signal'>,
  settings: DataOnlySettings,
): Promise<void> {
  const wanted = await readWanted(context, settings);
  await using session = await open(settings, context.signal);
  const tables = await findTables(session, wanted.lines, wanted.sequences);
  await assertEmpty(session, tables, numbersOf(wanted));
}

/**
 * Restores rows, values of sequences and large objects into a database that has the tables, all of them empty. One
 * transaction does everything, and is rolled back unless the tables then hold what the snapshot says.
 *
 * @throws HoldfastError `target-exists` when anything is not empty, `not-found`, `target-failed`, `verification-failed` when
 *   what came out is not what the snapshot holds, and what reading the repository throws
 */
export async function restoreDataOnly(
  context: RestoreContext,
  settings: DataOnlySettings,
): Promise<{ totals: Record<string, number>; shortfalls: Shortfall[] }> {
  const wanted = await readWanted(context, settings);
  await using session = await open(settings, context.signal);
  const tables = await findTables(session, wanted.lines, wanted.sequences);
  const load = new DataLoad(context, session, wanted, tables);
  await session.run(`BEGIN; SET LOCAL lock_timeout = '${lockTimeout}'; SET CONSTRAINTS ALL DEFERRED`);
  const shortfalls = await load.run();
  await session.run('SET CONSTRAINTS ALL IMMEDIATE', 'A constraint does not hold for the restored rows.');
  await session.run('COMMIT', 'Could not commit the restored rows.');
  return { totals: load.totals, shortfalls };
}

function open({ connection }: DataOnlySettings, signal: AbortSignal): Promise<Session> {
  return openSession(connection, { applicationName: 'holdfast restore', failure: 'target-failed', signal });
}

async function readWanted(
  context: Pick<RestoreContext, 'lines' | 'reader'>,
  settings: DataOnlySettings,
): Promise<Wanted> {
  const { manifest, toc } = await readMapped(context, {});
  const selection = selectEntries(toc, manifest.database, settings);
  const lines = manifest.tables.filter((line) => selection.rows(line));
  if (lines.length === 0) throw new HoldfastError('not-found', 'What was named holds no table with rows.');
  return {
    lines,
    sequences: manifest.sequences.filter(isWanted(toc, selection)),
    largeObjects: selection.whole ? manifest.largeObjects : undefined,
  };
}

function isWanted(toc: ArchiveToc, selection: Selection): (line: SequenceLine) => boolean {
  if (selection.whole) return () => true;
  const names = new Set(
    toc.entries
      .filter((entry) => entry.desc === 'SEQUENCE' && selection.entry(entry))
      .map((entry) => quoteQualified(entry.namespace, entry.tag)),
  );
  return ({ schema, name }) => names.has(quoteQualified(schema, name));
}

function numbersOf({ largeObjects }: Wanted): number[] {
  return (largeObjects?.objects ?? []).map(({ oid }) => oid);
}

interface Trigger {
  table: string;
  name: string;
  /** `pg_trigger.tgenabled` */
  enabled: string;
}

class DataLoad {
  readonly totals: Record<string, number>;
  readonly #context: RestoreContext;
  readonly #session: Session;
  readonly #wanted: Wanted;
  readonly #tables: readonly DataTable[];
  #done = 0;

  constructor(context: RestoreContext, session: Session, wanted: Wanted, tables: readonly DataTable[]) {
    this.#context = context;
    this.#session = session;
    this.#wanted = wanted;
    this.#tables = tables;
    const { lines, sequences, largeObjects } = wanted;
    this.totals = {
      tables: lines.length,
      rows: lines.reduce((sum, { stream }) => sum + (stream.rows?.rows ?? 0), 0),
      bytes: lines.reduce((sum, { stream }) => sum + stream.size, largeObjects?.stream.size ?? 0),
      sequences: sequences.length,
      largeObjects: largeObjects?.objects.length ?? 0,
    };
  }

  async run(): Promise<Shortfall[]> {
    const session = this.#session;
    const oids = this.#tables.map(({ oid }) => oid);
    await this.#lock();
    await assertEmpty(session, this.#tables, numbersOf(this.#wanted));
    const quiet = await this.#replicate();
    const triggers = await this.#disableTriggers(quiet);
    const keys = await foreignKeysOf(session, oids);
    const checks = await takeChecks(session, oids);
    this.#step('Restoring rows');
    await this.#load(quiet ? this.#tables : inOrderOfKeys(this.#tables, keys));
    await this.#loadLargeObjects();
    this.#step('Comparing with the snapshot');
    const shortfalls = await compareLoaded(this.#context, session, this.#tables);
    if (quiet) await this.#checkKeys(keys);
    await this.#setSequences();
    await putChecksBack(session, checks);
    for (const trigger of triggers) await this.#setTrigger(trigger, trigger.enabled);
    return [...shortfalls, ...(await this.#unrefreshed())];
  }

  #step(text: string): void {
    this.#context.signal.throwIfAborted();
    this.#context.emit({ type: 'step', text });
  }

  /** Nobody else may write to them until the end. */
  async #lock(): Promise<void> {
    for (let from = 0; from < this.#tables.length; from += lockBatch) {
      const names = this.#tables.slice(from, from + lockBatch).map(({ name }) => `ONLY ${name}`);
      await this.#session.run(
        `LOCK TABLE ${names.join(', ')} IN SHARE ROW EXCLUSIVE MODE`,
        'Could not lock the tables for the restore.',
      );
    }
  }

  /** @returns whether triggers, those of foreign keys among them, are off: a role may not be allowed to ask for that */
  async #replicate(): Promise<boolean> {
    const session = this.#session;
    await session.run('SAVEPOINT replicate');
    try {
      await session.run('SET LOCAL session_replication_role = replica');
      return true;
    } catch (error) {
      if (sqlstateOf(error) !== sqlstate.insufficientPrivilege) throw error;
      await session.run('ROLLBACK TO SAVEPOINT replicate');
      return false;
    }
  }

  /** Those that would fire even so. @returns them, to be enabled again */
  async #disableTriggers(quiet: boolean): Promise<Trigger[]> {
    const triggers = await this.#session.query<Trigger>(
      `SELECT t.tgname::text AS name, t.tgenabled AS enabled,
              pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS table
       FROM pg_catalog.pg_trigger t
       JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE t.tgrelid = ANY ($1::pg_catalog.oid[]) AND NOT t.tgisinternal AND t.tgenabled = ANY ($2::"char"[])`,
      [this.#tables.map(({ oid }) => oid), quiet ? ['R', 'A'] : ['O', 'A']],
      'Could not list the triggers.',
    );
    for (const trigger of triggers) await this.#setTrigger(trigger, 'D');
    return triggers;
  }

  async #setTrigger({ table, name }: Trigger, enabled: string): Promise<void> {
    const words: Record<string, string> = { D: 'DISABLE', O: 'ENABLE', A: 'ENABLE ALWAYS', R: 'ENABLE REPLICA' };
    await this.#session.run(
      `ALTER TABLE ONLY ${table} ${words[enabled]} TRIGGER ${quoteIdentifier(name)}`,
      `Could not switch the trigger ${name} of ${table} off for the restore, and on again.`,
    );
  }

  /** Tables that the server refuses come again after the others, for as long as that gets further. */
  async #load(tables: readonly DataTable[]): Promise<void> {
    let left = tables;
    for (;;) {
      const refused: { table: DataTable; error: unknown }[] = [];
      for (const table of left) {
        if (table.line.stream.size === 0) continue;
        const error = await this.#loadTable(table);
        if (error !== undefined) refused.push({ table, error });
      }
      if (refused.length === 0) return;
      if (refused.length === left.length) throw refused[0]!.error;
      left = refused.map(({ table }) => table);
    }
  }

  /** @returns what to throw when the server refused the rows, and will refuse them again */
  async #loadTable({ line, name }: DataTable): Promise<unknown> {
    const session = this.#session;
    const { schema, columns, loadThrough } = line;
    const what = `Could not load table ${displayName(schema, line.name)}.`;
    const target = loadThrough === undefined ? name : quoteQualified(loadThrough.schema, loadThrough.name);
    const list = columns.length === 0 ? '' : ` (${columns.map(quoteIdentifier).join(', ')})`;
    await session.run('SAVEPOINT load', what);
    const before = this.#done;
    try {
      await copyIn(session, `COPY ${target}${list} FROM STDIN`, this.#counted(line));
      await session.run('RELEASE SAVEPOINT load', what);
      return undefined;
    } catch (error) {
      if (error instanceof HoldfastError || session.lost) throw session.lost ? session.fail(error, what) : error;
      await session.run('ROLLBACK TO SAVEPOINT load', what);
      this.#done = before;
      return rowsError(session, error, what, columns);
    }
  }

  async *#counted(line: DataTable['line']): AsyncGenerator<Buffer> {
    for await (const piece of this.#context.reader.read(line.stream)) {
      yield piece;
      this.#progress(piece.length, displayName(line.schema, line.name));
    }
  }

  #progress(amount: number, detail: string): void {
    this.#done += amount;
    const total = this.totals.bytes!;
    this.#context.emit({ type: 'progress', activity: 'rows', done: this.#done, total, unit: 'bytes', detail });
  }

  async #loadLargeObjects(): Promise<void> {
    const { largeObjects } = this.#wanted;
    if (largeObjects === undefined) return;
    const lane = {
      reader: this.#context.reader,
      progress: (amount: number) => this.#progress(amount, 'large objects'),
    };
    await loadLargeObjects(lane, this.#session, largeObjects, { inTransaction: true });
  }

  /** With their triggers off, foreign keys have not been looked at. @throws HoldfastError `target-failed` */
  async #checkKeys(keys: readonly ForeignKey[]): Promise<void> {
    for (const key of keys) {
      if (!key.validated) continue;
      const what = `Could not check the foreign key ${describeKey(key)}.`;
      const [row] = await this.#session.query<{ violated: boolean }>(violationQuery(key), [], what);
      if (!row!.violated) continue;
      throw new HoldfastError('target-failed', `A foreign key would be violated: ${describeKey(key)}.`, {
        why: 'Rows refer to rows that are not there. Nothing was restored.',
        hint: 'Restore that table too.',
      });
    }
  }

  /** A sequence that is restarted gets a storage of its own, so that setting it is undone with the transaction. */
  async #setSequences(): Promise<void> {
    const { sequences } = this.#wanted;
    for (const { schema, name } of sequences) {
      const what = `Could not set the sequence ${displayName(schema, name)}.`;
      await this.#session.run(`ALTER SEQUENCE ${quoteQualified(schema, name)} RESTART`, what);
    }
    await setSequences(this.#session, sequences);
  }

  async #unrefreshed(): Promise<Shortfall[]> {
    const [row] = await this.#session.query<{ views: number }>(
      `SELECT pg_catalog.count(*)::pg_catalog.int4 AS views FROM pg_catalog.pg_class WHERE relkind = 'm'`,
    );
    if (row!.views === 0) return [];
    const reason = `They were not refreshed: ${row!.views}. REFRESH MATERIALIZED VIEW fills each with what is there now.`;
    return [{ object: 'materialized views', reason, degrades: false }];
  }
}
