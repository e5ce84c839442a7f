import type { PostgresConnection } from '../sources/postgres/connection.ts';

/** What a job must know of a source to back it up. */
export type SourceSettings = PostgresSettings | FilesSettings | CommandSettings;

interface CommonSettings {
  name: string;
}

export interface PostgresSettings extends CommonSettings {
  type: 'postgres';
  connection: PostgresConnection;
  /** `schema.table` of tables whose rows are left out; the snapshot lists them. */
  excludeTables: string[];
  /** Lanes at the same time; the number of cores unless given. */
  jobs?: number;
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
