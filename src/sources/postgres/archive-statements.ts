import type { Duplex } from 'node:stream';
import type { TocEntry } from './archive-toc.ts';
import { displayName, quoteIdentifier, quoteQualified } from './quote.ts';
import { rowsError } from './restore-errors.ts';
import type { Session } from './session.ts';

/**
 * Runs the statements of archive entries over a session, with what pg_restore would set around them: tablespace, table
 * access method, owner. Each entry goes to the server by itself and is never seen by psql, so nothing in it is a
 * meta-command, and an error belongs to one object.
 */

/** Settings of sessions that run entries, as pg_restore has them, and no wait for the disk after each statement. */
export const restoreSettings = 'SET check_function_bodies = off; SET synchronous_commit = off';

/** `ALTER <type> <name> OWNER TO`: the name is made of namespace and tag. */
const ownedByName = new Set([
  'COLLATION',
  'CONVERSION',
  'DOMAIN',
  'EVENT TRIGGER',
  'FOREIGN DATA WRAPPER',
  'FOREIGN TABLE',
  'MATERIALIZED VIEW',
  'PROCEDURAL LANGUAGE',
  'PUBLICATION',
  'SCHEMA',
  'SEQUENCE',
  'SERVER',
  'STATISTICS',
  'SUBSCRIPTION',
  'TABLE',
  'TEXT SEARCH CONFIGURATION',
  'TEXT SEARCH DICTIONARY',
  'TYPE',
  'VIEW',
]);
/** The name needs argument types or an access method, which only the DROP statement spells out. */
const ownedBySignature = new Set([
  'AGGREGATE',
  'FUNCTION',
  'OPERATOR',
  'OPERATOR CLASS',
  'OPERATOR FAMILY',
  'PROCEDURE',
]);
/** Their statements evaluate rows of tables, so errors may quote them. */
const readsRows = new Set([
  'CHECK CONSTRAINT',
  'CONSTRAINT',
  'FK CONSTRAINT',
  'INDEX',
  'MATERIALIZED VIEW DATA',
  'TABLE ATTACH',
]);

const relationTypes = /^(TABLE|VIEW|MATERIALIZED VIEW|FOREIGN TABLE|SEQUENCE|INDEX|TYPE|DOMAIN|STATISTICS)$/;

/** How people write what an entry makes: `index public.t_pkey`, `trigger t audit in public`, `privileges of table t`. */
export function describeEntry(entry: TocEntry): string {
  const { desc, namespace, tag } = entry;
  if (relationTypes.test(desc) && namespace !== '') return `${desc.toLowerCase()} ${displayName(namespace, tag)}`;
  // Labels of other entries are not plain names: `t audit`, `f(integer)`, `TABLE t`.
  const type = desc === 'ACL' ? 'privileges of' : desc === 'COMMENT' ? 'comment on' : desc.toLowerCase();
  const label = tag.replace(/^[A-Z][A-Z ]*(?= )/, (word) => word.toLowerCase());
  return `${type} ${label}${namespace === '' ? '' : ` in ${namespace}`}`;
}

/** What of the place that is restored into matters to statements. */
export interface RestorePlace {
  /** Tablespaces of the server; what names another goes into the default one. */
  tablespaces: ReadonlySet<string>;
  /** Everything belongs to the role that restores. */
  withoutOwners?: boolean | undefined;
  /** The server's log gets nothing of what is refused: for rows of others than its own. */
  quiet?: boolean | undefined;
}

export class EntryRunner {
  readonly session: Session;
  readonly #place: RestorePlace;
  readonly #role: string;
  /** What the session is set to; unknown at first, since role and database have defaults of their own. */
  #tablespace: string | undefined;
  #accessMethod: string | undefined;

  /** @param role what objects belong to when they are made */
  constructor(session: Session, place: RestorePlace, role: string) {
    this.session = session;
    this.#place = place;
    this.#role = role;
  }

  /** Makes the object of an entry, with its owner. @throws HoldfastError naming it */
  async run(entry: TocEntry): Promise<void> {
    const what = `Could not restore ${describeEntry(entry)}.`;
    await this.#prepare(entry, what);
    await this.#send(entry.defn, entry, what);
    const after = followUp(entry, this.#owns(entry) ? undefined : entry.owner);
    if (after !== undefined) await this.#send(after, entry, what);
  }

  /** Whether the entry's object belongs to whom it should, just by having been made. */
  #owns(entry: TocEntry): boolean {
    if (this.#place.withoutOwners === true) return true;
    // An entry without a statement is about something that every database has, such as the schema public.
    return entry.owner === this.#role && !entry.defn.subarray(0, 2).equals(comment);
  }

  /** Other statements in the place of the entry's own. */
  async runInstead(entry: TocEntry, sql: string): Promise<void> {
    await this.#send(Buffer.from(sql), entry, `Could not restore ${describeEntry(entry)}.`);
  }

  async #send(sql: Buffer, entry: TocEntry, what: string): Promise<void> {
    if (sql.length === 0) return;
    try {
      await sendStatements(this.session, sql);
    } catch (error) {
      throw readsRows.has(entry.desc) ? rowsError(this.session, error, what) : this.session.fail(error, what);
    }
  }

  async #prepare(entry: TocEntry, what: string): Promise<void> {
    if (entry.tablespace !== null) {
      const wanted = this.#place.tablespaces.has(entry.tablespace) ? entry.tablespace : '';
      if (wanted !== this.#tablespace) {
        await this.session.run(`SET default_tablespace = ${wanted === '' ? "''" : quoteIdentifier(wanted)}`, what);
        this.#tablespace = wanted;
      }
    }
    // A partitioned table has no storage: since 1.16 its method follows as a statement of its own.
    if (entry.tableAm !== null && entry.relkind !== 'p' && entry.tableAm !== this.#accessMethod) {
      await this.session.run(`SET default_table_access_method = ${quoteIdentifier(entry.tableAm)}`, what);
      this.#accessMethod = entry.tableAm;
    }
  }
}

const comment = Buffer.from('--');

/**
 * What must follow the statement of an entry: its owner, and the access method of a partitioned table.
 *
 * @param owner undefined: as it is
 */
export function followUp(entry: TocEntry, owner: string | undefined): Buffer | undefined {
  const statements: Buffer[] = [];
  if (entry.relkind === 'p' && entry.tableAm !== null) {
    const table = quoteQualified(entry.namespace, entry.tag);
    statements.push(Buffer.from(`ALTER TABLE ${table} SET ACCESS METHOD ${quoteIdentifier(entry.tableAm)};`));
  }
  const subject = ownedSubject(entry);
  if (owner !== undefined && owner !== '' && entry.dropStmt.length > 0 && subject !== undefined) {
    statements.push(
      Buffer.concat([Buffer.from('ALTER '), subject, Buffer.from(` OWNER TO ${quoteIdentifier(owner)}`)]),
    );
  }
  return statements.length === 0 ? undefined : Buffer.concat(statements);
}

function ownedSubject(entry: TocEntry): Buffer | undefined {
  if (ownedByName.has(entry.desc)) {
    const name = entry.namespace === '' ? quoteIdentifier(entry.tag) : quoteQualified(entry.namespace, entry.tag);
    return Buffer.from(`${entry.desc} ${name}`);
  }
  if (!ownedBySignature.has(entry.desc)) return undefined;
  const drop = entry.dropStmt.toString('latin1').trimEnd();
  return Buffer.from(drop.replace(/^DROP /, '').replace(/;$/, ''), 'latin1');
}

/**
 * Sends bytes as they are: pg would take a string and encode it as UTF-8, which what an SQL_ASCII database holds need not
 * be. Rows that come back are dropped.
 *
 * @throws what the server said
 */
export function sendStatements(session: Session, sql: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    session.client.query(new RawStatements(sql, resolve, reject));
  });
}

const queryMessage = 0x51;

/** What pg's client takes for a query of one's own. */
class RawStatements {
  readonly #sql: Uint8Array;
  readonly handleReadyForQuery: () => void;
  readonly handleError: (error: unknown) => void;

  constructor(sql: Uint8Array, resolve: () => void, reject: (error: unknown) => void) {
    this.#sql = sql;
    this.handleReadyForQuery = resolve;
    this.handleError = reject;
  }

  submit({ stream }: { stream: Duplex }): void {
    const message = Buffer.alloc(5 + this.#sql.length + 1);
    message[0] = queryMessage;
    message.writeUInt32BE(message.length - 1, 1);
    message.set(this.#sql, 5);
    stream.write(message);
  }

  handleCopyInResponse(connection: { sendCopyFail(message: string): void }): void {
    connection.sendCopyFail('no COPY is expected here');
  }

  handleCommandComplete(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
}
