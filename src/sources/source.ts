import type { Clock } from '../base/clock.ts';
import type { Emit } from '../base/events.ts';
import type { Lanes } from '../repository/lanes.ts';
import type { StreamReader } from '../repository/stream-reader.ts';

/** One line of a manifest: JSON with a `kind`. Each source describes its own in docs/format.md. */
export interface ManifestLine {
  kind: string;
}

/** What a source is given to make a snapshot. The same for every type of source. */
export interface BackupContext {
  /** Worker threads with an Ingest each; the heavy work on rows and bytes goes there. */
  readonly lanes: Lanes;
  /** Appends a line to the manifest. Lines keep the order of the calls. */
  writeLine(line: ManifestLine): Promise<void>;
  /**
   * Whether every chunk is stored and may be relied on; then the snapshot will refer to them.
   *
   * @param ids ids of 32 bytes, back to back
   */
  reuse(ids: Uint8Array): boolean;
  /** 16 bytes, hex: the key of row fingerprints of this source. */
  readonly rowKey: string;
  /** Directory for this source's cache; exists, private, and losing it costs only time. */
  readonly cacheDirectory: string;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What could not be carried, or not be relied on. Named, never skipped. */
export interface Shortfall {
  /** What it is about: a table, a path, as people write it. */
  object: string;
  /** Why, in one sentence. */
  reason: string;
  /** Whether the run counts as degraded (exit status 3); otherwise it is only noted. */
  degrades: boolean;
}

export interface BackupOutcome {
  /** Figures for the snapshot and the summary: `tables`, `rows`, `files`, `bytes`, … */
  totals: Record<string, number>;
  shortfalls: Shortfall[];
}

/** What a source is given to restore, or to compare, a snapshot. */
export interface RestoreContext {
  /** Worker threads with a StreamReader each. */
  readonly lanes: Lanes;
  /** The manifest from its beginning, at each call. */
  lines(): AsyncIterable<ManifestLine>;
  /** For small streams on the main thread. */
  readonly reader: StreamReader;
  /** As in BackupContext. */
  readonly rowKey: string;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** One thing that was compared. What could not be compared says so, and never counts as equal. */
export interface Check {
  /** `table`, `sequence`, `schema`, `large-object`, `database`, `file`, … */
  kind: string;
  /** Which one, as people write it. */
  object: string;
  verdict: 'equal' | 'differs' | 'could-not-compare';
  /** In one sentence what differs, or why it could not be compared; never a value of a row. */
  detail?: string;
}
