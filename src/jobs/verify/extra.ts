/** What may look at a restored scratch beside the comparison with the snapshot, and where tests may put a hand in. */
import type { RepositoryAccess } from '../../repository/access.ts';
import type { KnownSnapshot, SourceType } from '../../repository/snapshot.ts';
import type { OpenedSource } from '../../repository/source-record.ts';
import type { Environment } from '../../sources/postgres/dump-archive.ts';
import type { PostgresManifest } from '../../sources/postgres/manifest-read.ts';
import type { RestoreContext, Shortfall } from '../../sources/source.ts';
import type { CheckId, VerifyCheck } from './report.ts';
import type { OpenScratch } from './scratch.ts';

/** Everything about one proof, once the snapshot has been restored and compared. */
export interface ProofSubject {
  /** To the one site; its signal ends with the time of the proof. */
  access: RepositoryAccess;
  source: OpenedSource;
  snapshot: KnownSnapshot;
  /** What was restored, and how it is reached. */
  scratch: OpenScratch;
  /** Lanes, manifest and streams of the snapshot. */
  context: RestoreContext;
  /** Of a database. */
  manifest?: PostgresManifest;
  /** Milliseconds that the restore took. */
  restoreMs: number;
  env: Environment;
}

/** A check that will be made of a snapshot; what does not come to pass of it could not be verified. */
export interface PlannedCheck {
  id: CheckId;
  title: string;
}

/** Checks beside the comparison: constraints, assertions, references, objectives, … */
export interface ExtraChecks {
  /** Which will be made of such a source, in their order. */
  planned(source: string, type: SourceType): readonly PlannedCheck[];
  /**
   * Makes them. One that is not in the answer could not be verified.
   *
   * @throws HoldfastError then none of them could
   */
  run(subject: ProofSubject): Promise<VerifyCheck[]>;
}

export interface RestoredScratch {
  totals: Record<string, number>;
  shortfalls: Shortfall[];
}

/** For tests that damage what is restored: a proof has to notice. */
export interface VerifyHooks {
  /** Where a database is restored, in the place of a scratch of its own. */
  scratch?(): Promise<OpenScratch>;
  /** In the place of the restore, which it may call. */
  restore?(standard: () => Promise<RestoredScratch>, scratch: OpenScratch): Promise<RestoredScratch>;
  /** Between restore and comparison. */
  afterRestore?(scratch: OpenScratch): Promise<void>;
}
