/** Reads places of rows and pairs of them from the source, under the snapshot of the copy. Writes nothing. */
import { HoldfastError } from '../../base/errors.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import { copyOut } from '../../sources/postgres/copy-out.ts';
import { quoteLiteral, quoteQualified } from '../../sources/postgres/quote.ts';
import { isConnectionLost, serverSaid, sqlstate, sqlstateOf } from '../../sources/postgres/server-errors.ts';
import { openSession, type Session } from '../../sources/postgres/session.ts';
import { type PlaceField, PlaceSink } from './place-sink.ts';
import type { PlaceSpace } from './places.ts';
import { describeReference, type Reference, type ReferenceEnd, type ReferenceTable } from './references.ts';
import { RowSet } from './row-set.ts';

export interface SubsetRelation extends ReferenceTable {
  /** As `tableName` writes it. */
  table: string;
  space: PlaceSpace;
}

export interface PairOptions {
  /** Pairs of these children, or of these parents, alone; all when undefined. */
  children?: RowSet | undefined;
  parents?: RowSet | undefined;
  /** Rows that refer to nothing there is come too, with `nowhere` as their parent. */
  dangling?: boolean;
}

/** Places in one statement. */
const placesAtOnce = 25_000;

export class RowReader implements AsyncDisposable {
  readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  /** @throws HoldfastError `source-failed` */
  static async open(connection: PostgresConnection, exportedSnapshot: string, signal: AbortSignal): Promise<RowReader> {
    const session = await openSession(connection, { applicationName: 'holdfast pseudonymize subset', signal });
    try {
      await session.run(
        `SET default_transaction_read_only = on;
         BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
         SET TRANSACTION SNAPSHOT ${quoteLiteral(exportedSnapshot)};
         SET LOCAL enable_tidscan = on; SET LOCAL work_mem = '64MB'`,
        'Could not use the exported snapshot of the database.',
      );
      return new RowReader(session);
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  /** Names may come to mean other relations, as locks do not keep the schema's name. @throws HoldfastError `source-failed` */
  async assertSame(relations: readonly SubsetRelation[]): Promise<void> {
    const all = relations.flatMap((relation) => [relation, ...relation.space.leaves]);
    const [row] = await this.session.query<{ other: number }>(
      `SELECT pg_catalog.count(*)::pg_catalog.int4 AS other
       FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.oid[])) AS w (name, oid)
       WHERE pg_catalog.to_regclass(w.name)::pg_catalog.oid IS DISTINCT FROM w.oid`,
      [all.map(({ schema, name }) => quoteQualified(schema, name)), all.map(({ oid }) => oid)],
      'Could not look the tables up.',
    );
    if (row!.other > 0) {
      throw new HoldfastError('source-failed', 'Tables were renamed while rows of the subset were chosen.', {
        hint: 'Run it again.',
      });
    }
  }

  /** All rows of a table. */
  async rows(relation: SubsetRelation): Promise<RowSet> {
    const set = new RowSet();
    const what = `Could not read which rows ${relation.table} has.`;
    await this.#copy(`${placeOf(relation)} FROM ${from(relation)}`, [fieldOf(relation, relation)], what, (row) =>
      set.add(row),
    );
    return set;
  }

  /**
   * The rows that satisfy conditions.
   *
   * @param where the operator's own text; it was checked by `assertCondition`
   * @throws HoldfastError `config` when the condition fails on a row
   */
  async matching(relation: SubsetRelation, conditions: readonly string[]): Promise<RowSet> {
    const set = new RowSet();
    const condition = conditions.map(bracketed).join(' AND ');
    const sql = `${placeOf(relation)} FROM ${from(relation)} WHERE ${condition}`;
    const sink = new PlaceSink([fieldOf(relation, relation)], (row) => set.add(row));
    try {
      await copyOut(this.session, binaryCopy(sql), sink);
    } catch (error) {
      throw this.#conditionError(error, relation.table);
    }
    return set;
  }

  /**
   * Lets the server take a condition in, as one statement, before it is put into others.
   *
   * @throws HoldfastError `config` when it is none
   */
  async assertCondition(relation: SubsetRelation, where: string): Promise<void> {
    try {
      // With a value pg uses the protocol that takes one statement only.
      await this.session.client.query({
        text: `SELECT FROM ${from(relation)} WHERE ${bracketed(where)} AND $1::pg_catalog.int4 = 0 LIMIT 0`,
        values: [0],
      });
    } catch (error) {
      throw this.#conditionError(error, relation.table);
    }
  }

  /** The rows whose reference leads nowhere because there is a NULL in it. */
  async withoutReference(relation: SubsetRelation, reference: Reference): Promise<RowSet> {
    const set = new RowSet();
    const { childEnd, given } = reference;
    await this.#copy(
      `${placeOf(childEnd, 'c')} FROM ${from(childEnd)} AS c WHERE NOT (${given})`,
      [fieldOf(relation, childEnd)],
      failure(reference),
      (row) => set.add(row),
    );
    return set;
  }

  /** Tells all pairs of a row and a row that it refers to. */
  async pairs(
    reference: Reference,
    child: SubsetRelation,
    parent: SubsetRelation,
    options: PairOptions,
    take: (child: number, parent: number) => void,
  ): Promise<void> {
    const { childEnd, parentEnd, equal, given } = reference;
    const join = options.dangling ? 'LEFT JOIN' : 'JOIN';
    const read = (c: Limited, p: Limited) =>
      this.#copy(
        `${c.place}, ${p.place} FROM ${c.from} ${join} ${p.from} ON ${equal} WHERE ${[given, ...c.limit, ...p.limit].join(' AND ')}`,
        [c.field, p.field],
        failure(reference),
        take,
      );
    const all = (end: ReferenceEnd, relation: SubsetRelation, alias: string): Limited => ({
      place: placeOf(end, alias),
      from: `${from(end)} AS ${alias}`,
      field: fieldOf(relation, end),
      limit: [],
    });
    const { children, parents } = options;
    if (children !== undefined) {
      for (const some of limited(child, childEnd, 'c', children)) await read(some, all(parentEnd, parent, 'p'));
    } else if (parents !== undefined) {
      for (const some of limited(parent, parentEnd, 'p', parents)) await read(all(childEnd, child, 'c'), some);
    } else await read(all(childEnd, child, 'c'), all(parentEnd, parent, 'p'));
  }

  async #copy(
    select: string,
    fields: readonly PlaceField[],
    what: string,
    take: (first: number, second: number) => void,
  ): Promise<void> {
    try {
      await copyOut(this.session, binaryCopy(select), new PlaceSink(fields, take));
    } catch (error) {
      throw this.session.fail(error, what);
    }
  }

  /** What the server says of a condition; nothing of what it says of rows, which it may quote. */
  #conditionError(error: unknown, table: string): unknown {
    const state = sqlstateOf(error);
    const what = `The condition of ${table} in the subset cannot be used.`;
    if (state === undefined || isConnectionLost(error) || !ofCondition(state)) return this.session.fail(error, what);
    return new HoldfastError('config', what, {
      why: state.startsWith('42') ? serverSaid(error) : `The server reports SQLSTATE ${state}.`,
      hint: 'Correct `where`: one condition in SQL, with functions and tables of other schemas than pg_catalog by their full names.',
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.close();
  }
}

interface Limited {
  place: string;
  from: string;
  field: PlaceField;
  limit: string[];
}

/** A side of a join in pieces: some rows of one leaf each. */
function* limited(relation: SubsetRelation, end: ReferenceEnd, alias: string, set: RowSet): Generator<Limited> {
  for (const [leaf, places] of relation.space.byLeaf(set)) {
    if (places.length === 0 || (end.leaves !== undefined && !end.leaves.has(leaf.oid))) continue;
    for (const part of places.parts(placesAtOnce)) {
      const list = quoteLiteral(`{${part.map((ctid) => `"${ctid}"`).join(',')}}`);
      yield {
        place: `${alias}.ctid`,
        from: `ONLY ${quoteQualified(leaf.schema, leaf.name)} AS ${alias}`,
        field: leaf,
        limit: [`${alias}.ctid = ANY (${list}::pg_catalog.tid[])`],
      };
    }
  }
}

/** Classes of errors that are the operator's: the statement, a value in it, what a function raised, a write. */
function ofCondition(state: string): boolean {
  if (state === sqlstate.insufficientPrivilege) return false;
  return ['42', '22', '21', '0A', 'P0', '25', '2F'].some((start) => state.startsWith(start));
}

/** On lines of its own, so that a comment in it ends. */
function bracketed(condition: string): string {
  return `(\n${condition}\n)`;
}

function failure(reference: Reference): string {
  return `Could not follow the reference ${describeReference(reference)}.`;
}

function binaryCopy(select: string): string {
  return `COPY (SELECT ${select}) TO STDOUT (FORMAT binary)`;
}

/** Tables that inherit are tables of their own; partitions are not. */
function from({ schema, name, partitioned }: Pick<ReferenceEnd, 'schema' | 'name' | 'partitioned'>): string {
  return `${partitioned ? '' : 'ONLY '}${quoteQualified(schema, name)}`;
}

function placeOf({ partitioned }: Pick<ReferenceEnd, 'partitioned'>, alias?: string): string {
  const prefix = alias === undefined ? '' : `${alias}.`;
  return partitioned ? `${prefix}tableoid, ${prefix}ctid` : `${prefix}ctid`;
}

/** How the places of `placeOf` are to be read. */
function fieldOf(
  { space }: SubsetRelation,
  end: Pick<ReferenceEnd, 'partitioned'> & Partial<ReferenceEnd>,
): PlaceField {
  if (end.partitioned) return space;
  const [only] = end.leaves ?? [];
  return only === undefined ? space.leaves[0]! : space.leaf(only)!;
}
