/** What a verification is asked for. */
import type { RepositoryAccess } from '../../repository/access.ts';
import type { KnownSnapshot, SourceType } from '../../repository/snapshot.ts';
import type { OpenedSource } from '../../repository/source-record.ts';
import type { Site } from '../../sites/site.ts';
import type { Environment } from '../../sources/postgres/dump-archive.ts';
import type { TableLine } from '../../sources/postgres/manifest.ts';
import type { ExtraChecks, VerifyHooks } from './extra.ts';
import type { SnapshotProof } from './report.ts';
import type { ScratchLimits, ScratchSettings } from './scratch.ts';

/** One snapshot to prove. */
export interface VerifyItem {
  /** `app`, `app@2026-11-22`. */
  address: string;
  source: string;
  type: SourceType;
}

/** What the configuration says of a site, for the report. */
export interface SiteFacts {
  operator?: string;
  country?: string;
}

export interface VerifyRequest {
  items: readonly VerifyItem[];
  /** Chooses the site of a source; otherwise they take turns. */
  chooseSite?: ((source: string, sites: readonly Site[]) => Promise<Site | undefined>) | undefined;
  siteFacts?: Readonly<Record<string, SiteFacts>> | undefined;
  scratch: ScratchSettings;
  limits: ScratchLimits;
  /** Lanes, and things done at the same time on the server; the number of cores unless given. */
  jobs?: number | undefined;
  /** Leaves the scratch for a person. */
  keep?: boolean | undefined;
  env: Environment;
  /** Stated in the configuration, by source. */
  objectives?: ((source: string) => SnapshotProof['objectives']) | undefined;
  /** A part of the tables is compared: then no proof is more than `sampled`. */
  sample?: SampleWish | undefined;
  /** Checks beside the comparison. */
  extra?: ExtraChecks | undefined;
  hooks?: VerifyHooks | undefined;
  /** Called with each proof that is done, before the next begins: to sign it. */
  proved?: ((proof: SnapshotProof, subject: ProvenSubject) => Promise<void>) | undefined;
  /** Of this program. */
  version: string;
}

export interface SampleWish {
  share: number;
  seed: string;
  choose(tables: readonly TableLine[]): readonly TableLine[];
}

/** What a proof is about; without a snapshot nothing could be opened. */
export interface ProvenSubject {
  /** To the one site that was read. */
  access: RepositoryAccess;
  source?: OpenedSource;
  snapshot?: KnownSnapshot;
}
