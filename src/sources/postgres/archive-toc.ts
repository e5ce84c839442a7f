import { HoldfastError } from '../../base/errors.ts';

/**
 * Reads the table of contents of a pg_dump archive in the custom format. It is read from the bytes rather than from
 * what `pg_restore -l` prints, where names with newlines or spaces cannot be told apart. The header and the table of
 * contents come first in the file, so nothing else is needed.
 */

export type Section = 'none' | 'pre-data' | 'data' | 'post-data';

export interface TocEntry {
  dumpId: number;
  /** OID of the system catalog that describes the object, and of the object in it; 0 for neither. */
  tableOid: number;
  oid: number;
  /** Name of the object as pg_dump labels it, such as `f(integer)` or, of an ACL, `TABLE t`. Unquoted. */
  tag: string;
  /** Type of the object: `TABLE`, `FK CONSTRAINT`, … */
  desc: string;
  section: Section;
  /** SQL that makes it; bytes, since a database in SQL_ASCII may hold any. Empty when there is nothing to run. */
  defn: Buffer;
  dropStmt: Buffer;
  copyStmt: Buffer;
  /** Empty for what lies in no schema. */
  namespace: string;
  /** null where the object has no storage of its own, '' for the default tablespace. */
  tablespace: string | null;
  /** Table access method; null where there is none, or the default. */
  tableAm: string | null;
  /** `pg_class.relkind` of a relation; empty otherwise, and in archives older than 1.16. */
  relkind: string;
  owner: string;
  /** Ids of entries that must come before this one; some may not be in the archive. */
  dependencies: number[];
}

export interface ArchiveToc {
  /** Of the format: `1.14.0`. */
  formatVersion: string;
  /** Name of the dumped database. */
  database: string;
  /** Version of the dumped server, and of pg_dump, as they tell it. */
  serverVersion: string;
  dumpVersion: string;
  /** In the order of the archive, which respects all dependencies. */
  entries: TocEntry[];
}

const oldest = 1 * 256 + 12;
const newest = 1 * 256 + 16;
const sections: readonly Section[] = ['none', 'none', 'pre-data', 'data', 'post-data'];
const customFormat = 1;

/**
 * @param bytes the archive, or at least its beginning up to the end of the table of contents
 * @throws HoldfastError `object-damaged` when it is no such archive or ends too early; `target-failed` for a version of
 *   the format that is not known
 */
export function readToc(bytes: Uint8Array): ArchiveToc {
  const input = new ArchiveInput(bytes);
  if (input.bytes(5).toString('latin1') !== 'PGDMP') throw damaged('it does not start with PGDMP');
  const [major, minor, revision] = [input.byte(), input.byte(), input.byte()];
  const version = major * 256 + minor;
  const formatVersion = `${major}.${minor}.${revision}`;
  if (version < oldest || version > newest) {
    throw new HoldfastError('target-failed', `The schema archive has the unknown format version ${formatVersion}.`, {
      why: 'Only 1.12 to 1.16 are known, which the pg_dump of PostgreSQL 10 to 18 writes.',
      hint: 'Use a newer Holdfast.',
    });
  }
  input.integerSize = input.byte();
  input.offsetSize = input.byte();
  if (input.byte() !== customFormat) throw damaged('it is not in the custom format');
  // Compression: an algorithm since 1.15, a level before.
  if (version >= 1 * 256 + 15) input.byte();
  else input.integer();
  for (let part = 0; part < 7; part++) input.integer(); // when it was made
  const database = input.text();
  const serverVersion = input.text();
  const dumpVersion = input.text();
  const count = input.integer();
  const entries: TocEntry[] = [];
  for (let i = 0; i < count; i++) entries.push(readEntry(input, version));
  return { formatVersion, database, serverVersion, dumpVersion, entries };
}

function readEntry(input: ArchiveInput, version: number): TocEntry {
  const dumpId = input.integer();
  input.integer(); // whether it has data
  const tableOid = Number(input.text());
  const oid = Number(input.text());
  const tag = input.text();
  const desc = input.text();
  const section = sections[input.integer()] ?? 'none';
  const defn = input.string() ?? Buffer.alloc(0);
  const dropStmt = input.string() ?? Buffer.alloc(0);
  const copyStmt = input.string() ?? Buffer.alloc(0);
  const namespace = input.text();
  const tablespace = input.string()?.toString() ?? null;
  const tableAm = version >= 1 * 256 + 14 ? (input.string()?.toString() ?? null) : null;
  const relkindCode = version >= 1 * 256 + 16 ? input.integer() : 0;
  const owner = input.text();
  input.string(); // WITH OIDS, always "false"
  const dependencies: number[] = [];
  for (let id = input.string(); id !== null; id = input.string()) dependencies.push(Number(id.toString('latin1')));
  input.bytes(1 + input.offsetSize); // where its data lies
  return {
    dumpId,
    tableOid,
    oid,
    tag,
    desc,
    section,
    defn,
    dropStmt,
    copyStmt,
    namespace,
    tablespace,
    tableAm,
    relkind: relkindCode === 0 ? '' : String.fromCharCode(relkindCode),
    owner,
    dependencies,
  };
}

class ArchiveInput {
  integerSize = 4;
  offsetSize = 8;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  bytes(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw damaged('it ends inside its table of contents');
    const found = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return found;
  }

  byte(): number {
    return this.bytes(1)[0]!;
  }

  /** A sign byte, then the magnitude, least significant byte first. */
  integer(): number {
    const negative = this.byte() !== 0;
    let value = 0;
    let scale = 1;
    for (const digit of this.bytes(this.integerSize)) {
      value += digit * scale;
      scale *= 256;
    }
    return negative ? -value : value;
  }

  /** null is written as the length -1. */
  string(): Buffer | null {
    const length = this.integer();
    return length < 0 ? null : this.bytes(length);
  }

  text(): string {
    return this.string()?.toString() ?? '';
  }
}

function damaged(why: string): HoldfastError {
  return new HoldfastError('object-damaged', 'The schema archive of the snapshot cannot be read.', {
    why: `Read as a pg_dump archive in the custom format, ${why}.`,
    hint: 'Run `holdfast check --read-data`, and restore another snapshot.',
  });
}
