import type { RowSum } from '../../repository/row-hash.ts';
import type { AnyStream, StoredStream } from '../../repository/stored-stream.ts';
import type { RoleAttributes } from './role-attributes.ts';

/**
 * The lines of a postgres manifest, in the order in which they are written: one `database`, one `archive`, the `table`s,
 * the `sequence`s, at most one `large-objects`, the `omitted`. Described in docs/format.md §8.
 */
export type PostgresLine = DatabaseLine | ArchiveLine | TableLine | SequenceLine | LargeObjectsLine | OmittedLine;

/** The database itself and what it refers to in its cluster: data, not SQL. */
export interface DatabaseLine {
  kind: 'database';
  name: string;
  /** `server_version_num`, as 150018. */
  serverVersion: number;
  /** First line of `pg_dump --version`. */
  dumpVersion: string;
  encoding: string;
  /** `libc`, `icu` or `builtin`. */
  localeProvider: string;
  collate: string;
  ctype: string;
  /** datlocale/daticulocale, null for libc. */
  locale: string | null;
  icuRules: string | null;
  owner: string;
  tablespace: string;
  comment: string | null;
  /** Text of each aclitem; null is the default. */
  acl: string[] | null;
  connectionLimit: number;
  isTemplate: boolean;
  allowConnections: boolean;
  /** ALTER DATABASE … SET, and ALTER ROLE … IN DATABASE … SET (`role` set): `name=value` as PostgreSQL stores it. */
  settings: { role: string | null; values: string[] }[];
  /** Whether the schema public exists. */
  hasPublicSchema: boolean;
  /** Of the database itself; those of its objects are in the archive. Missing in older snapshots. */
  securityLabels?: { provider: string; label: string }[];
  /**
   * Constraints whose own triggers are switched off, so that nothing enforces them; `table` is the one they are of. A
   * restore enforces them again. Missing in older snapshots.
   */
  unenforced?: { schema: string; table: string; name: string }[];
  extensions: { name: string; version: string; schema: string; relocatable: boolean }[];
  /** Roles that something in the database refers to, without passwords. */
  roles: RoleDescription[];
  memberships: { role: string; member: string; admin: boolean; inherit?: boolean; set?: boolean }[];
  /** Tablespaces that something in the database lies in, other than the default ones. */
  tablespaces: { name: string; owner: string; location: string }[];
}

export interface RoleDescription extends RoleAttributes {
  settings: string[] | null;
  comment: string | null;
}

/** `pg_dump -Fc -Z0 --section=pre-data --section=post-data`: the schema, without rows. */
export interface ArchiveLine {
  kind: 'archive';
  stream: StoredStream;
}

export interface TableLine {
  kind: 'table';
  schema: string;
  name: string;
  /** Columns in the order of the COPY, generated ones left out; may be empty. */
  columns: string[];
  /** COPY … TO STDOUT text, with `rows`; of large tables in parts. */
  stream: AnyStream;
  /**
   * `heap`: the restore keeps the order of rows, so the SHA-256 of `stream`, or of each part, must come out again. `sum`: it cannot (config
   * tables of extensions, other access methods, rows loaded through a partition root), and `stream.rows` decides.
   */
  order: 'heap' | 'sum';
  /** Root partitioned table through which the rows must be loaded, because their partition cannot be told beforehand. */
  loadThrough?: { schema: string; name: string };
  /** Stored generated columns, with the fingerprint of `COPY (SELECT those columns …)`. */
  generated?: { columns: string[]; rows: RowSum };
  /** Config table of an extension: only the rows that satisfy the condition were copied. */
  extension?: { name: string; condition: string | null };
  /** For planning and progress: pg_table_size in bytes, which unlike pg_relation_size counts TOAST too. */
  relationSize: number;
  unlogged?: true;
}

export interface SequenceLine {
  kind: 'sequence';
  schema: string;
  name: string;
  /** As text: a bigint. */
  lastValue: string;
  isCalled: boolean;
}

/** All large objects in one stream, perhaps in parts: binary COPY of (oid, lo_get(oid)), ordered by oid. Owner, ACL and comment beside. */
export interface LargeObjectsLine {
  kind: 'large-objects';
  stream: AnyStream;
  /** Ordered by oid; `sha256` of the content, hex. */
  objects: { oid: number; size: number; sha256: string; owner: string; acl: string[] | null; comment: string | null }[];
}

/** What the snapshot does not carry, and why. */
export interface OmittedLine {
  kind: 'omitted';
  object: string;
  reason: string;
}
