import { isHoldfastError } from '../base/errors.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import { type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { sentenceOf } from '../repository/examine-source.ts';
import { promisedHash, recoverScriptCopy, rootObjects, trustCopy } from '../repository/layout.ts';
import { recoveryFiles } from '../repository/recovery/recovery-files.ts';
import type { Site } from '../sites/site.ts';
import { type Finding, Findings, sourcesOf, withSites } from './check.ts';
import type { ReadChoice } from './check-reading.ts';
import { examineRoots } from './check-root.ts';
import { checkSource } from './check-source.ts';
import { repositoryRecord } from './init.ts';
import { mend } from './mend.ts';
import { type RepairReport, RepairTally } from './repair-report.ts';
import { repairSource } from './repair-source.ts';
import { siteReports } from './run-begin.ts';

export interface RepairRequest {
  sources: readonly string[];
  /** Also mend sources that the sites hold and `sources` does not name, without keys. */
  unnamed?: boolean;
  /** Use no key, whatever is at hand. */
  keyless?: boolean;
  /** Read packs too, and so find those that are damaged and have their size. */
  readData?: ReadChoice;
  /** Name of the one site to mend; default: all. Whole copies are taken from any. */
  site?: string;
  dryRun: boolean;
}

/**
 * Finds what is damaged or missing at a site, as `check` does, and puts a whole copy from another site in its place. Needs
 * no key: objects are held against their names, and key objects against the signed record.
 *
 * @throws HoldfastError when no site can be used
 */
export async function repair(access: RepositoryAccess, request: RepairRequest): Promise<RepairReport> {
  const shared = withSites(access);
  const sites = sitesOf(shared);
  const isTarget = ({ name }: Site) => request.site === undefined || name === request.site;
  const targets = sites.all.filter(isTarget);
  const tally = new RepairTally(targets, { dryRun: request.dryRun });
  const roots = new Findings();
  await examineRoots(shared, roots.teller());
  await mendRoots(shared, roots.all, isTarget, tally);
  const keyless = request.keyless === true || (!access.host && access.identities.length === 0);
  for (const about of await sourcesOf(shared, request)) {
    access.signal.throwIfAborted();
    const label = about.name ?? about.id;
    access.emit({ type: 'step', text: `Mending ${label}` });
    const findings = new Findings();
    const tell = findings.teller(label);
    try {
      const examination = { readData: request.readData, keyless, readAt: targets.map(({ name }) => name) };
      const checked = await checkSource(shared, about, examination, tell);
      if (checked === undefined) continue;
      for (const { objects, ...figures } of checked.sites) tally.read(objects.site.name, figures);
      await repairSource(shared, checked, findings.all, isTarget, tally);
    } catch (error) {
      if (!isHoldfastError(error, 'not-trusted', 'object-damaged', 'object-missing')) throw error;
      tell({ object: `source ${label}`, problem: sentenceOf(error), severity: 'damage', mendable: false });
    }
    tellTheRest(findings.all, isTarget, tally);
  }
  tellTheRest(roots.all, isTarget, tally);
  return tally.end(siteReports(sites).filter(({ error }) => error !== undefined));
}

/** Damage that no copy makes good. */
function tellTheRest(findings: readonly Finding[], isTarget: (site: Site) => boolean, tally: RepairTally): void {
  for (const finding of findings) {
    const { severity, mendable, site } = finding;
    if (severity === 'damage' && !mendable && (site === undefined || isTarget(site))) tally.unmended(finding);
  }
}

/** What belongs to no source follows from the configuration and the program, or is named by its hash. */
async function mendRoots(
  access: RepositoryAccess,
  findings: readonly Finding[],
  isTarget: (site: Site) => boolean,
  tally: RepairTally,
): Promise<void> {
  const { recoverScript, recoveryText, recoverScriptSha256 } = recoveryFiles();
  const own = new Map<string, Buffer>([
    [rootObjects.repository, repositoryRecord(access)],
    [rootObjects.trust, access.trust.text()],
    [rootObjects.recoveryText, Buffer.from(recoveryText)],
    [rootObjects.recoveryScript, Buffer.from(recoverScript)],
    [trustCopy(access.trust.sha256), access.trust.text()],
    [recoverScriptCopy(recoverScriptSha256), Buffer.from(recoverScript)],
  ]);
  for (const finding of findings) {
    const { site, object, mendable } = finding;
    if (!mendable || site === undefined || !isTarget(site)) continue;
    const known = own.get(object);
    const hash = promisedHash(object);
    const accepts = (bytes: Buffer) => (hash === undefined ? known!.equals(bytes) : sha256Hex(bytes) === hash);
    const donors = sitesOf(access).live.filter((donor) => donor !== site);
    const mended = await mend(access, { site, object, donors, accepts, own: known }, { dryRun: tally.dryRun });
    if (mended.outcome === 'mended') tally.mended(finding, mended);
    if (mended.outcome === 'failed') tally.unmended(finding, mended.problem);
    if (mended.outcome === 'lost') tally.lost(finding);
  }
}
