/** What is written so that the system runs jobs: texts alone, put together without looking at the machine. */

/** A file that `schedule install` writes. */
export interface InstalledFile {
  /** Absolute. */
  path: string;
  text: string;
}

/** The first line of every file that is written: one without it belongs to somebody else. */
export const marker = '# Written by `holdfast schedule install`, which replaces it.';

export interface InstalledJob {
  name: string;
  /** Five fields as in a crontab. */
  schedule: string;
}

/** How the program is started, and what it needs. All paths are absolute. */
export interface Installation {
  /** The program and its arguments up to the command: node, the script, `-c`, the configuration. */
  command: readonly string[];
  user: string;
  timeZone: string;
  /** When it is written, in milliseconds since 1970. */
  now: number;
  jobs: readonly InstalledJob[];
  state: string;
  /** Directories that are written to besides. */
  writes: readonly string[];
  /** What is read: trees of sources, the configuration, secret files, sockets, the program itself. */
  reads: readonly string[];
  /** Whether any file must be readable, whoever owns it. */
  readsEveryFile: boolean;
  /** Whether commands of the configuration are run, for sources or secrets. */
  runsCommands: boolean;
  /** Names of systemd credentials. */
  credentials: readonly string[];
  /** Whether secrets come from environment variables. */
  usesEnvironment: boolean;
}

/** Where the files of systemd credentials lie, and the file with environment variables. */
export const credentialDirectory = '/etc/credstore';
export const environmentFile = '/etc/holdfast/environment';
