import { isHoldfastError } from '../base/errors.ts';
import { smallYoungHeap } from '../base/memory.ts';
import { accessAt, accessTo, type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { copyMissing } from '../repository/copy-missing.ts';
import { sentenceOf } from '../repository/examine-source.ts';
import { rebuildIndex } from '../repository/index-rebuild.ts';
import type { OldestReading } from '../repository/read-days.ts';
import type { SiteProblem, Tell } from '../repository/site-problem.ts';
import { sourceDirectories } from '../repository/source-directories.ts';
import { openSource, opensData, readSourceRecord } from '../repository/source-record.ts';
import type { ReadChoice } from './check-reading.ts';
import { examineRoots } from './check-root.ts';
import { checkSource } from './check-source.ts';
import { type SiteReport, siteReports } from './run-begin.ts';

export interface CheckRequest {
  sources: readonly string[];
  /** Also look at sources that the sites hold and `sources` does not name, without keys. */
  unnamed?: boolean;
  /** Use no key, whatever is at hand. */
  keyless?: boolean;
  /** Read packs too. */
  readData?: ReadChoice;
  /** Write new index objects for packs that none describes. Needs a host key and an owner's identity. */
  rebuildIndex?: boolean;
}

/** Something that is not as it must be. */
export interface CheckFinding {
  /** Name of the site; missing: wherever the object lies. */
  site?: string;
  /** Its name, or the id of one whose name nobody here knows. */
  source?: string;
  object: string;
  problem: string;
  /** `damage`: something cannot be restored. `notice`: harmless by itself. */
  severity: 'damage' | 'notice';
}

export interface CheckedSite {
  /** Its name, or the id of one whose name nobody here knows. */
  source: string;
  site: string;
  /** Those that are not dropped. */
  snapshots: number;
  packs: number;
  /** Bytes of all packs. */
  bytes: number;
  /** Packs whose every byte was read and found right. */
  packsRead: number;
  bytesRead: number;
  /** Whether the catalog was opened, so that what snapshots need is known. */
  catalogOpened: boolean;
  /** Whether chunks were decrypted and compared with their ids, or only objects with their names. */
  opened: boolean;
  rebuiltIndexObjects: number;
  /** How old the oldest reading of its packs is, as far as this machine knows. */
  oldestReading?: Omit<OldestReading, 'site'>;
}

export interface CheckReport {
  /** `partial`: nothing was found, and not every site could be looked at. */
  outcome: 'sound' | 'damaged' | 'partial';
  findings: CheckFinding[];
  /** One for each source at each site. */
  sources: CheckedSite[];
  /** Named sources of which no site holds anything. */
  notBegun: string[];
  /** Sites that could not be looked at, or failed. */
  dropped: SiteReport[];
}

/**
 * Holds everything on the sites against what it should be, and the sites against each other. Writes nothing to them, unless
 * told to rebuild the index.
 *
 * @throws HoldfastError when no site can be used, `wrong-key` when a key is at hand and does not open a named source
 */
export async function check(access: RepositoryAccess, request: CheckRequest): Promise<CheckReport> {
  using _small = smallYoungHeap();
  const sites = sitesOf(access);
  const shared: RepositoryAccess = withSites(access);
  const findings = new Findings();
  await examineRoots(shared, findings.teller());
  const report: CheckReport = { outcome: 'sound', findings: [], sources: [], notBegun: [], dropped: [] };
  const keyless = request.keyless === true || (!access.host && access.identities.length === 0);
  for (const about of await sourcesOf(shared, request)) {
    access.signal.throwIfAborted();
    const label = about.name ?? about.id;
    access.emit({ type: 'step', text: `Checking ${label}` });
    const tell = findings.teller(label);
    try {
      const rebuilt = request.rebuildIndex && about.name !== undefined ? await rebuild(shared, about.name) : 0;
      const checked = await checkSource(shared, about, { readData: request.readData, keyless }, tell);
      if (checked === undefined) {
        report.notBegun.push(label);
        continue;
      }
      const { catalog } = checked;
      for (const { objects, snapshots, packsRead, bytesRead, oldest } of checked.sites) {
        report.sources.push({
          source: label,
          site: objects.site.name,
          snapshots,
          packs: objects.packs.size,
          bytes: [...objects.packs.values()].reduce((sum, size) => sum + size, 0),
          packsRead,
          bytesRead,
          catalogOpened: catalog !== undefined,
          opened: request.readData !== undefined && catalog !== undefined && opensData(catalog.source),
          rebuiltIndexObjects: rebuilt,
          ...(oldest && { oldestReading: { days: oldest.days, packs: oldest.packs, neverRead: oldest.neverRead } }),
        });
      }
    } catch (error) {
      if (!isHoldfastError(error, 'not-trusted', 'object-damaged', 'object-missing')) throw error;
      tell({ object: `source ${label}`, problem: sentenceOf(error), severity: 'damage', mendable: false });
    }
  }
  report.findings = findings.all.map(shown);
  report.dropped = siteReports(sites).filter(({ error }) => error !== undefined);
  const damaged = report.findings.some(({ severity }) => severity === 'damage');
  report.outcome = damaged ? 'damaged' : report.dropped.length > 0 ? 'partial' : 'sound';
  return report;
}

/** The same access, with its sites as one set throughout: a site that is dropped stays dropped. */
export function withSites(access: RepositoryAccess): RepositoryAccess {
  return accessTo(access, sitesOf(access));
}

export async function sourcesOf(
  access: RepositoryAccess,
  { sources, unnamed }: Pick<CheckRequest, 'sources' | 'unnamed'>,
): Promise<{ id: string; name?: string }[]> {
  const known = sources.map((name) => ({ id: access.trust.sourceId(name), name }));
  if (!unnamed) return known;
  const lists = await sitesOf(access).each((site) => sourceDirectories(site));
  const ids = new Set([...lists.values()].flat());
  for (const { id } of known) ids.delete(id);
  return [...known, ...[...ids].sort().map((id) => ({ id }))];
}

/** Every site gets the new index objects. */
async function rebuild(access: RepositoryAccess, name: string): Promise<number> {
  const at = accessAt(access, access.site);
  if ((await readSourceRecord(at, name)) === undefined) return 0;
  const source = await openSource(at, name);
  const written = await rebuildIndex(at, source);
  if (written > 0) await copyMissing(sitesOf(access), source.layout.index, { signal: access.signal });
  return written;
}

/** A problem, and of which source. */
export interface Finding extends SiteProblem {
  source?: string;
}

/** What was found; of one object at one site the first damage, and notices before it. */
export class Findings {
  readonly all: Finding[] = [];
  readonly #told = new Set<string>();
  readonly #damaged = new Set<string>();

  /** @param source its name, or its id */
  teller(source?: string): Tell {
    return (problem) => {
      const { site, object, severity, mendable } = problem;
      const key = `${severity} ${site?.name ?? ''} ${object}${mendable ? '' : ` ${problem.problem}`}`;
      // One that counts nowhere was told of where it lies.
      if (this.#told.has(key) || (site === undefined && this.#damaged.has(object))) return;
      this.#told.add(key);
      if (severity === 'damage' && !object.startsWith('snapshot ')) this.#damaged.add(object);
      this.all.push({ ...problem, ...(source !== undefined && { source }) });
    };
  }
}

function shown({ site, source, object, problem, severity }: Finding): CheckFinding {
  return {
    ...(site && { site: site.name }),
    ...(source !== undefined && { source }),
    object,
    problem,
    severity,
  };
}
