/** Where a snapshot is restored to be compared: private, thrown away afterwards. */
import type { Clock } from '../../base/clock.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import type { DatabaseLine } from '../../sources/postgres/manifest.ts';
import type { Check } from '../../sources/source.ts';
import type { ScratchReport } from './report.ts';

export type ScratchKind = 'local' | 'server' | 'embedded';

export interface ScratchSettings {
  /** Of databases and globals; trees and outputs always get a directory. */
  kind: ScratchKind;
  /** Where scratch clusters and directories are made; private ones in a directory that other accounts may pass. */
  directory: string;
  /** Of `server`: to any database there, as a superuser. */
  admin?: PostgresConnection;
  /** Of `local`: directory of the server's programs, instead of looking for them. */
  binaries?: string;
  /** Of `local` and `embedded`: whom the server runs as when we are root; default `nobody`. */
  user?: string;
}

export interface ScratchLimits {
  /** Milliseconds for one proof. */
  timeMs: number;
  /** Bytes that one scratch may be expected to take; undefined: what is free. */
  bytes?: number;
}

/** What a scratch is opened for. */
export interface ScratchNeeds {
  settings: ScratchSettings;
  /** The source's, `PATH` of it is read. */
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  signal: AbortSignal;
}

/** A scratch that is open. */
export interface OpenScratch extends AsyncDisposable {
  readonly report: ScratchReport;
  readonly place: ScratchPlace;
  /** What this scratch cannot show, whatever is restored; such as a server of a newer major. Never a difference. */
  readonly notes: readonly Check[];
  /** Leaves it for a person: it is neither removed at the end nor by the next run. */
  keep(): Promise<void>;
  /** Removes it, unless it is kept. */
  [Symbol.asyncDispose](): Promise<void>;
}

export type ScratchPlace =
  | { kind: 'directory'; path: string }
  | {
      kind: 'database';
      /** To a database of the server that is there before the restore. */
      admin: PostgresConnection;
      /** To the restored one, once it is there. */
      connection: PostgresConnection;
      serverMajor: number;
      /** Directory for tablespaces that the server may use; undefined: it can have none. */
      tablespaces?: ((name: string) => Promise<string>) | undefined;
      /** Directory of the programs that the server was started from; undefined: it runs elsewhere. */
      binaries?: string | undefined;
    };

export type DatabasePlace = Extract<ScratchPlace, { kind: 'database' }>;

/** The scratch of a database: its locale and roles decide how a cluster is made. */
export interface DatabaseWish {
  database: Pick<DatabaseLine, 'serverVersion' | 'encoding' | 'collate' | 'ctype' | 'roles'>;
}
