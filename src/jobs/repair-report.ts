import type { KnownSnapshot } from '../repository/snapshot.ts';
import type { Site } from '../sites/site.ts';
import type { CheckFinding, Finding } from './check.ts';
import type { SiteReport } from './run-begin.ts';

export interface MendedObject {
  site: string;
  /** Name, or id of one whose name nobody here knows; missing: the object belongs to no source. */
  source?: string;
  object: string;
  problem: string;
  /** Site it was copied from; null: made anew from what this machine knows. */
  from: string | null;
}

/** A snapshot that no site can restore whole. */
export interface BrokenSnapshot {
  source: string;
  id: string;
  sequence: number;
  time: string;
  /** What of it is lost, such as `table public.people`; null: its manifest is lost, or nobody here may open it. */
  contents: string[] | null;
  /** Why `contents` is null. */
  because?: 'manifest-lost' | 'no-owner';
}

export interface RepairReport {
  /** `sound`: there was nothing to mend. `partial`: something could not be mended, or looked at. */
  outcome: 'sound' | 'done' | 'partial';
  dryRun: boolean;
  /** What was replaced or put back, or would be. */
  mended: MendedObject[];
  /** Objects of which no site that could be asked has a whole copy. */
  lost: CheckFinding[];
  /** Other damage that stays: it could not be written, or no copy makes it good. */
  unmended: CheckFinding[];
  /** Snapshots that lack something because of what is lost. */
  broken: BrokenSnapshot[];
  sites: { site: string; objects: number; bytes: number; packsRead: number; bytesRead: number }[];
  /** Sites that could not be used, or failed. */
  dropped: SiteReport[];
}

/** Adds up what a repair does. */
export class RepairTally {
  readonly report: RepairReport;

  /** @param sites that are to be mended */
  constructor(sites: readonly Site[], options: { dryRun: boolean }) {
    this.report = {
      outcome: 'sound',
      dryRun: options.dryRun,
      mended: [],
      lost: [],
      unmended: [],
      broken: [],
      sites: sites.map(({ name: site }) => ({ site, objects: 0, bytes: 0, packsRead: 0, bytesRead: 0 })),
      dropped: [],
    };
  }

  get dryRun(): boolean {
    return this.report.dryRun;
  }

  mended({ source, object, problem, site }: Finding, { bytes, from }: { bytes: number; from: Site | undefined }): void {
    const about = { site: site!.name, ...(source !== undefined && { source }), object, problem };
    this.report.mended.push({ ...about, from: from?.name ?? null });
    const figures = this.report.sites.find((one) => one.site === site!.name);
    if (!figures) return;
    figures.objects++;
    figures.bytes += bytes;
  }

  lost(finding: Finding): void {
    this.report.lost.push(plain(finding));
  }

  /** @param why beside the problem itself */
  unmended(finding: Finding, why?: string): void {
    const { problem } = finding;
    this.report.unmended.push(plain({ ...finding, problem: why === undefined ? problem : `${problem} ${why}` }));
  }

  /** @param contents `undefined`: the manifest is lost; `unknown`: nobody here may open it */
  broken(source: string, { id, sequence, time }: KnownSnapshot, contents: string[] | undefined | 'unknown'): void {
    const known = Array.isArray(contents) ? contents : null;
    const because = contents === 'unknown' ? 'no-owner' : 'manifest-lost';
    this.report.broken.push({ source, id, sequence, time, contents: known, ...(known === null && { because }) });
  }

  read(site: string, figures: { packsRead: number; bytesRead: number }): void {
    const own = this.report.sites.find((one) => one.site === site);
    if (!own) return;
    own.packsRead += figures.packsRead;
    own.bytesRead += figures.bytesRead;
  }

  end(dropped: SiteReport[]): RepairReport {
    const { report } = this;
    report.dropped = dropped;
    // Several are mended at the same time; a report reads the same whichever was done first.
    const at = ({ site }: MendedObject) => report.sites.findIndex((one) => one.site === site);
    report.mended.sort((a, b) => at(a) - at(b) || (a.object < b.object ? -1 : 1));
    const left = report.lost.length + report.unmended.length + dropped.length;
    report.outcome = left > 0 ? 'partial' : report.mended.length > 0 ? 'done' : 'sound';
    return report;
  }
}

function plain({ site, source, object, problem, severity }: Finding): CheckFinding {
  return { ...(site && { site: site.name }), ...(source !== undefined && { source }), object, problem, severity };
}
