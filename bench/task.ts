/** What the benchmark is made of: tasks that do the same work with different programs. */

export type Stage =
  | 'first'
  | 'again'
  | 'changed'
  | 'restore'
  | 'files-first'
  | 'files-again'
  | 'files-restore'
  | 'verify'
  | 'sites'
  | 'start';

/** The data and the server, the same for all tasks. */
export interface Scene {
  /** A directory for everything that lasts as long as the benchmark. */
  directory: string;
  /** The tree of files that is backed up. */
  tree: string;
  /** The database that is backed up. */
  database: string;
  server: { host: string; port: number; user: string };
  /** Where pg_dump and its likes lie; PATH begins with it. */
  binaries: string;
  /** Servers for more sites than a disk; started only for tasks of the stage `sites`. */
  sites?: SiteServers;
  /** Makes an empty database after dropping what was called so; `drop` only drops it. */
  createDatabase(name: string): Promise<void>;
  dropDatabase(name: string): Promise<void>;
}

/** Where a server's site lies: what a configuration says of it, and a new place for each repetition. */
export interface SiteServers {
  /** Lines of a site in `holdfast.yaml`, without its name. */
  s3(): Promise<Record<string, unknown>>;
  sftp(): Promise<Record<string, unknown>>;
}

/** One time round all tasks. */
export interface Repetition {
  scene: Scene;
  /** Empty at the start of each, removed at its end: repositories and targets. */
  directory: string;
  number: number;
}

export interface Command {
  /** Run by bash with `pipefail`. */
  script: string;
  environment?: Record<string, string>;
}

export interface Task {
  id: string;
  stage: Stage;
  /** As the table shows it. */
  title: string;
  /** Programs it needs besides PostgreSQL's, and the Debian packages that have them. */
  programs: readonly { program: string; package: string }[];
  /** Tasks whose results it works on; they run before it in the same repetition. */
  needs?: readonly string[];
  /** Not measured. */
  prepare?(repetition: Repetition): Promise<void>;
  command(repetition: Repetition): Command;
  /** Not measured. */
  cleanUp?(repetition: Repetition): Promise<void>;
  /** Directory whose growth is what the task stored. */
  stores?(repetition: Repetition): string;
  /** For work that takes no time: so many times in each repetition, in turn with the stage's others. Nothing is prepared. */
  times?: number;
}

/** One word of a shell script. */
export function quoted(word: string): string {
  return /^[\w./:=@,+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A number in a table, and what it is held against. */
export interface Target {
  work: string;
  task: string;
  /** Several: the slowest of them. None for a figure that stands by itself. */
  against: string | readonly string[];
  /** A ratio; bytes for `memory`. */
  limit: number;
  /**
   * Default: time. `throughput`: the slowest of `against` alone, by its time, to this task's; at least `limit` is wanted.
   * `memory`: the most that the task ever took.
   */
  figure?: 'time' | 'stored' | 'throughput' | 'memory';
}

/** The budget of the design. */
export const targets: readonly Target[] = [
  { work: 'first backup of the database', task: 'holdfast-first', against: 'restic-first', limit: 0.45 },
  { work: 'first backup of the database', task: 'holdfast-first', against: 'zstd-age', limit: 0.85 },
  { work: 'first backup of the database', task: 'holdfast-first', against: 'read-alone', limit: 1.5 },
  { work: 'second backup, nothing changed', task: 'holdfast-again', against: 'read-alone', limit: 1.15 },
  { work: 'second backup, 1 % changed', task: 'holdfast-changed', against: 'read-alone', limit: 1.15 },
  {
    work: 'new bytes, 1 % changed',
    task: 'holdfast-changed',
    against: 'restic-changed',
    limit: 1,
    figure: 'stored',
  },
  { work: 'first backup of the files', task: 'holdfast-files-first', against: 'restic-files-first', limit: 0.5 },
  { work: 'files again, unchanged', task: 'holdfast-files-again', against: 'restic-files-again', limit: 1 },
  { work: 'restore of the database', task: 'holdfast-restore', against: 'pg-restore', limit: 1.1 },
  { work: 'verification of the database', task: 'holdfast-verify', against: 'pg-restore', limit: 1.6 },
  { work: 'verification, peak memory', task: 'holdfast-verify', against: [], limit: 350e6, figure: 'memory' },
  { work: 'restore of the files', task: 'holdfast-files-restore', against: 'restic-files-restore', limit: 0.4 },
  {
    work: 'backup to three sites together, throughput',
    task: 'holdfast-sites-all',
    against: ['holdfast-sites-disk', 'holdfast-sites-s3', 'holdfast-sites-sftp'],
    limit: 0.8,
    figure: 'throughput',
  },
  { work: 'start: --version', task: 'holdfast-version', against: 'node-start', limit: 2.5 },
];
