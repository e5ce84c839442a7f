import { createHash } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import { RowHash, type RowSum } from '../../repository/row-hash.ts';
import { type CopySink, copyOut } from './copy-out.ts';
import { quoteIdentifier, quoteLiteral, quoteQualified } from './quote.ts';
import { sqlstate, sqlstateOf } from './server-errors.ts';
import type { Session } from './session.ts';
import { type BlockRange, blocksCondition, withTidScan } from './table-parts.ts';

/** Which rows and columns of a table are copied. Survives structured cloning. */
export interface TableRows {
  schema: string;
  name: string;
  /** In the order of the COPY, generated ones left out; may be empty. */
  columns: string[];
  /** Of a config table of an extension: the clause that limits its rows, `WHERE …`. */
  condition?: string | null | undefined;
  /** Of a table without a condition: only the rows in these blocks. */
  blocks?: BlockRange | undefined;
}

/** The COPY statement of a table's rows: of this table alone, without those that inherit from it. */
export function copyStatement(table: TableRows): string {
  const target = quoteQualified(table.schema, table.name);
  const columns = table.columns.map(quoteIdentifier).join(', ');
  // COPY takes no empty list of columns, and without a list it would take them all; a SELECT may have none.
  if (columns === '' || table.condition || table.blocks) return selection(table, columns);
  return `COPY ${target} (${columns}) TO STDOUT`;
}

/** The COPY statement of a table's stored generated columns. */
export function generatedStatement(table: TableRows, columns: readonly string[]): string {
  return selection(table, columns.map(quoteIdentifier).join(', '));
}

function selection({ schema, name, condition, blocks }: TableRows, columns: string): string {
  const where = blocks === undefined ? (condition ?? '') : `WHERE ${blocksCondition(blocks)}`;
  const copy = `COPY (SELECT ${columns} FROM ONLY ${quoteQualified(schema, name)} ${where}) TO STDOUT`;
  return blocks === undefined ? copy : withTidScan(copy);
}

/**
 * SQL that fails with division_by_zero unless the name still means the relation with this oid. Renaming a schema takes
 * no lock on what is in it, so a lock on the relation does not keep its full name.
 */
export function assertSameRelation(schema: string, name: string, oid: number): string {
  const qualified = quoteLiteral(quoteQualified(schema, name));
  return `SELECT 1 / (CASE WHEN ${qualified}::regclass::oid = ${oid} THEN 1 ELSE 0 END)`;
}

/** Buffers that are free again: a new one for each of thousands of small tables would keep the collector busy. */
const spareBuffers: Buffer[] = [];

/** A sink that keeps nothing but fingerprints. */
export class FingerprintSink implements CopySink {
  readonly #buffer = spareBuffers.pop() ?? Buffer.allocUnsafeSlow(256 * 1024);
  readonly #rows: RowHash;
  readonly #taken: ((bytes: number) => void) | undefined;
  /** Sizes of the parts that are still to come. */
  readonly #sizes: number[];
  readonly #sha256: string[] = [];
  #hash = createHash('sha256');
  /** Bytes that the part under way lacks. */
  #left: number;
  #size = 0;

  /**
   * @param rowKey 16 bytes, hex
   * @param options `parts`: bytes of each part that has a SHA-256 of its own, at least one; `taken`: called with the
   *   bytes of each piece, may throw to stop
   */
  constructor(rowKey: string, { parts = [0], taken }: FingerprintOptions = {}) {
    this.#rows = new RowHash(Buffer.from(rowKey, 'hex'));
    this.#taken = taken;
    this.#sizes = [...parts];
    this.#left = this.#sizes.shift()!;
  }

  space(): Buffer {
    return this.#buffer;
  }

  async filled(length: number): Promise<void> {
    const bytes = this.#buffer.subarray(0, length);
    this.#hashParts(bytes);
    this.#rows.update(bytes);
    this.#size += length;
    this.#taken?.(length);
  }

  /** Cuts at the parts' sizes; the last part takes whatever comes. */
  #hashParts(bytes: Buffer): void {
    let rest = bytes;
    while (this.#sizes.length > 0 && rest.length >= this.#left) {
      this.#hash.update(rest.subarray(0, this.#left));
      rest = rest.subarray(this.#left);
      this.#endPart();
    }
    this.#hash.update(rest);
    this.#left -= rest.length;
  }

  #endPart(): void {
    this.#sha256.push(this.#hash.digest('hex'));
    this.#hash = createHash('sha256');
    this.#left = this.#sizes.shift() ?? 0;
  }

  /** Nothing may be added afterwards. */
  digest(): TableFingerprint {
    spareBuffers.push(this.#buffer);
    while (this.#sizes.length > 0) this.#endPart();
    this.#endPart();
    return { size: this.#size, sha256: this.#sha256, rows: this.#rows.digest() };
  }
}

export interface FingerprintOptions {
  parts?: readonly number[] | undefined;
  taken?: ((bytes: number) => void) | undefined;
}

/** What a table's COPY text comes to. `sha256` depends on the order of rows, `rows` does not. */
export interface TableFingerprint {
  /** Bytes of COPY text. */
  size: number;
  /** Of each part, hex; of a table that is not cut, a single one. */
  sha256: string[];
  rows: RowSum;
}

/**
 * Reads a COPY for its fingerprint alone.
 *
 * @param what one sentence for the error: what failed
 * @throws HoldfastError
 */
export async function fingerprint(
  session: Session,
  statement: string,
  rowKey: string,
  what: string,
  options?: FingerprintOptions,
): Promise<TableFingerprint> {
  const sink = new FingerprintSink(rowKey, options);
  try {
    await copyOut(session, statement, sink);
  } catch (error) {
    throw rowsError(session, error, what);
  }
  return sink.digest();
}

/**
 * What an error in the middle of a COPY means.
 *
 * @param what one sentence that names the table
 */
export function rowsError(session: Session, error: unknown, what: string): unknown {
  if (!isTooLong(error)) return session.fail(error, what);
  return new HoldfastError(session.failure, what, {
    why: 'One of its rows is over 1 GB as text, more than PostgreSQL can send or take back.',
    hint: 'Find it with pg_column_size() and split it, or exclude the table.',
    cause: error,
  });
}

/** A row of several long values passes the limit where it is put together; a single one where memory is asked for it. */
function isTooLong(error: unknown): boolean {
  const state = sqlstateOf(error);
  const { file } = (error ?? {}) as { file?: unknown };
  return state === sqlstate.programLimit || (state === sqlstate.internalError && file === 'mcxt.c');
}
