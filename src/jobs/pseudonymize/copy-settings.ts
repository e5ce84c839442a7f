/** What a pseudonymized copy is asked for, and what it came to. */
import type { Clock } from '../../base/clock.ts';
import type { PseudonymKey } from '../../pseudonyms/keys.ts';
import type { QuasiIdentifiers } from '../../pseudonyms/leaks/groups.ts';
import type { LeakReport } from '../../pseudonyms/leaks/report.ts';
import type { SubsetSettings, SubsetTable } from '../../pseudonyms/subset/settings.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import type { Environment } from '../../sources/postgres/dump-archive.ts';
import type { Shortfall } from '../../sources/source.ts';
import type { ClassifySettings } from './classify.ts';
import type { TreeReport, TreeSettings } from './tree-settings.ts';

export interface CopyTarget {
  /** To any database of the server that gets the copy. */
  admin: PostgresConnection;
  /** Final name of the copy. */
  database: string;
  /** Whether a database that has the name gives it up once the copy is good. */
  replace: boolean;
  /** Leave the replaced one under another name. */
  keepReplaced?: boolean;
}

export interface CopySettings extends ClassifySettings {
  /** Of this copy: already derived where the copy has a name. */
  key: PseudonymKey;
  /** The same key as bytes, for lanes. */
  secret: Uint8Array;
  target: CopyTarget;
  /** SQL to run in the copy before it is looked at, in one transaction. Of each: where it is from, for messages. */
  after: readonly { name: string; sql: string }[];
  /** Which rows the copy has; all of them when undefined. */
  subset?: SubsetSettings | undefined;
  /** Columns that together may tell a person, to be counted. */
  quasiIdentifiers?: readonly QuasiIdentifiers[] | undefined;
  /** Trees of files that go with it; what is at their targets gives up its name when it is an earlier copy. */
  trees?: readonly TreeWish[] | undefined;
  /** Whether a copy counts as good although parts of it could not be searched: encrypted or damaged files. */
  acceptUnread?: boolean | undefined;
  /** How many things are done at the same time. */
  jobs: number;
  pgDump?: string | undefined;
  env: Environment;
  clock: Clock;
}

/** Absolute paths; the rest as in TreeSettings. */
export type TreeWish = Pick<TreeSettings, 'source' | 'target' | 'rules' | 'times'>;

export interface CopiedTable {
  /** As the lock file names it. */
  table: string;
  rows: number;
  /** Of COPY text, as it was read. */
  bytes: number;
  /** Columns with a rule other than `keep`. */
  ruled: number;
  /** Its rows were left out. */
  emptied: boolean;
}

export interface CopyReport {
  source: string;
  /** Tells keys apart and nothing else. */
  keyFingerprint: string;
  database: string;
  /** Of the lock file, hex. */
  lockSha256: string;
  /** Whether the copy got its name: nothing of its originals was found in it. */
  published: boolean;
  /** The search for originals in the copy. */
  leaks: LeakReport;
  /** Of a subset: the rows of each table. */
  subset?: SubsetTable[];
  largeObjects: { objects: number; bytes: number };
  trees: TreeReport[];
  /** The name under which the one that had the name is kept. */
  keptAs?: string;
  tables: CopiedTable[];
  totals: { tables: number; rows: number; bytes: number; sequences: number };
  shortfalls: Shortfall[];
  durationMs: number;
}
