import type { PostgresConnection } from '../sources/postgres/connection.ts';

/** What a job must know of a source to back it up. */
export type SourceSettings = PostgresSettings | PostgresGlobalsSettings | FilesSettings | CommandSettings;

/** What a backup may be asked for. */
export type BackupSettings = SourceSettings | ClusterSettings;

interface CommonSettings {
  name: string;
}

export interface PostgresSettings extends CommonSettings {
  type: 'postgres';
  connection: PostgresConnection;
  /** `schema.table` of tables whose rows are left out; the snapshot lists them. */
  excludeTables: string[];
  /** Whether `excludeTables` are for several databases: then one that fits nothing here is no mistake. */
  sharedExcludes?: boolean;
  /** Lanes at the same time; the number of cores unless given. */
  jobs?: number;
}

/** Every database of a PostgreSQL cluster, each a source of its own. */
export interface ClusterSettings extends CommonSettings {
  type: 'postgres-cluster';
  /** To the database through which the list is read. */
  connection: PostgresConnection;
  /** Names or patterns. */
  databases: 'all' | string[];
  /** Names or patterns; stronger than `databases`. */
  excludeDatabases: string[];
  excludeTables: string[];
  jobs?: number;
  /** These databases alone, by their names. */
  only?: string[];
}

/** What a cluster holds beside its databases. */
export interface PostgresGlobalsSettings extends CommonSettings {
  type: 'postgres-globals';
  /** To any database of the cluster. */
  connection: PostgresConnection;
  /** False: passwords of roles are left out. */
  passwords: boolean;
}

export interface FilesSettings extends CommonSettings {
  type: 'files';
  path: string;
  /** Patterns as in .gitignore, relative to `path`. */
  exclude: string[];
  oneFileSystem: boolean;
}

export interface CommandSettings extends CommonSettings {
  type: 'command';
  /** An array is run as it is, a text by `sh -c`. */
  command: string[] | string;
  /** Name of the file that a restore makes. */
  filename: string;
  timeoutMs: number;
}

/** Environment for child processes. */
export type Environment = Readonly<Record<string, string | undefined>>;
