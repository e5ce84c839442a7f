/** The objects of a site that belong to no source: what it is, whom to believe, how to recover without Holdfast. */
import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import { accessAt, type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { examineConcealedRoots } from '../repository/concealed.ts';
import { damage, notice, wrongBytes } from '../repository/examine-source.ts';
import {
  formatVersion,
  promisedHash,
  recoverScriptCopy,
  rootObjects,
  SourceLayout,
  trustCopy,
} from '../repository/layout.ts';
import { askSite, hashObjects, readIfWhole } from '../repository/object-hashes.ts';
import { recoveryFiles } from '../repository/recovery/recovery-files.ts';
import { isSiteFailure } from '../repository/run-sites.ts';
import type { Tell } from '../repository/site-problem.ts';
import { sourceDirectories } from '../repository/source-directories.ts';
import type { Site } from '../sites/site.ts';
import { assertRepository, repositoryRecord } from './init.ts';

const copyPrefixes = ['trust/', 'recover/'] as const;

/**
 * Looks at what lies at the root of each site. One that holds another repository, or none, is dropped; one whose
 * holdfast.json is damaged, and which holds sources of this repository, is not.
 *
 * @throws HoldfastError of the first site when none can be used
 */
export async function examineRoots(access: RepositoryAccess, tell: Tell): Promise<void> {
  const sites = sitesOf(access);
  for (const site of sites.live) {
    try {
      await askSite(sites, site, () => examineRecord(access, site, tell));
    } catch (error) {
      // What this site is says nothing about the others.
      if (sites.live.length === 0 || !(error instanceof HoldfastError) || isSiteFailure(error)) throw error;
      sites.drop(site, error);
    }
  }
  if (sites.live.length === 0) void sites.primary;
  const copies = await examineCopies(access, tell);
  const scripts = new Map<Site, string>();
  const texts = new Map<Site, string>();
  for (const site of sites.live) {
    const read = (object: string) => askSite(sites, site, () => readIfWhole(site, object));
    const [trust, script, text] = [
      await read(rootObjects.trust),
      await read(rootObjects.recoveryScript),
      await read(rootObjects.recoveryText),
    ];
    if (!trust || !script || !text) continue;
    const expected = [
      { object: rootObjects.trust, found: trust.answer, own: access.trust.text(), copy: trustCopy },
      {
        object: rootObjects.recoveryScript,
        found: script.answer,
        own: Buffer.from(recoveryFiles().recoverScript),
        copy: recoverScriptCopy,
      },
    ];
    for (const { object, found, own, copy } of expected) {
      if (found?.equals(own)) continue;
      if (found === undefined) tell(damage(site, object, 'It is missing.'));
      else if (copies.has(copy(sha256Hex(found)))) {
        tell(
          notice(site, object, 'It is an older one, or another program has written it; the next backup replaces it.'),
        );
      } else tell(damage(site, object, 'It is damaged, or nobody knows who wrote it.'));
    }
    const version = script.answer && sha256Hex(script.answer);
    if (version !== undefined && copies.has(recoverScriptCopy(version))) scripts.set(site, version);
    if (text.answer) texts.set(site, sha256Hex(text.answer));
    else tell(damage(site, rootObjects.recoveryText, 'It is missing.'));
  }
  compareTexts(scripts, texts, tell);
  const record = repositoryRecord(access);
  await examineConcealedRoots(access, (bytes) => bytes.equals(record), tell);
}

/**
 * The text has no copy by its hash; it belongs to the script beside it.
 *
 * @param scripts hashes of those that are whole, of whichever version
 */
function compareTexts(scripts: ReadonlyMap<Site, string>, texts: ReadonlyMap<Site, string>, tell: Tell): void {
  const { recoverScriptSha256, recoveryText } = recoveryFiles();
  const own = sha256Hex(recoveryText);
  for (const [site, text] of texts) {
    if (text === own) continue;
    const script = scripts.get(site);
    const differs = [...texts].some(([other, theirs]) => theirs !== text && scripts.get(other) === script);
    if (script === undefined || script === recoverScriptSha256 || differs) {
      tell(damage(site, rootObjects.recoveryText, 'It is not the one that belongs to recover.sh.'));
    } else tell(notice(site, rootObjects.recoveryText, 'Another version of the program has written it.'));
  }
}

/** @throws HoldfastError `no-repository`, `not-trusted`, `failed` when the site holds no, or another, repository */
async function examineRecord(access: RepositoryAccess, site: Site, tell: Tell): Promise<void> {
  const bytes = await readIfWhole(site, rootObjects.repository);
  if (bytes?.equals(repositoryRecord(access))) return;
  if (!isOfNewerFormat(bytes) && (await holdsThisRepository(access, site))) {
    const problem = bytes === undefined ? 'It is missing.' : 'It is damaged: what lies here is of this repository.';
    tell(damage(site, rootObjects.repository, problem));
    return;
  }
  await assertRepository(accessAt(access, site));
}

/** Such a record is believed: an older program must never take it for a damaged one. */
function isOfNewerFormat(bytes: Buffer | undefined): boolean {
  try {
    const { format } = JSON.parse(bytes?.toString('utf8') ?? '') as { format?: unknown };
    return typeof format === 'number' && format > formatVersion;
  } catch {
    return false;
  }
}

/** Whether something there was signed for this repository, or is its trust root. */
async function holdsThisRepository(access: RepositoryAccess, site: Site): Promise<boolean> {
  if ((await readIfWhole(site, rootObjects.trust))?.equals(access.trust.text())) return true;
  for (const id of await sourceDirectories(site)) {
    const bytes = await readIfWhole(site, new SourceLayout(id).source);
    if (bytes === undefined) continue;
    try {
      access.trust.verify(bytes, { kind: 'source', roles: ['backup', 'owner'] });
      return true;
    } catch (error) {
      if (!isHoldfastError(error, 'object-damaged', 'not-trusted')) throw error;
    }
  }
  return false;
}

/** @returns names of the copies that are whole at some site */
async function examineCopies(access: RepositoryAccess, tell: Tell): Promise<Set<string>> {
  const sites = sitesOf(access);
  const whole = new Set<string>();
  const held = new Map<Site, Set<string>>();
  for (const site of sites.live) {
    const listed = await askSite(sites, site, async () => {
      const found: [string, number][] = [];
      for (const prefix of copyPrefixes) {
        for await (const { name, size } of site.list(prefix)) found.push([name, size]);
      }
      return found;
    });
    const named = (listed?.answer ?? []).filter(([name]) => promisedHash(name) !== undefined);
    held.set(site, new Set(named.map(([name]) => name)));
    for (const [name] of listed?.answer ?? []) {
      if (promisedHash(name) === undefined) tell(notice(site, name, 'The format knows no object of this name.'));
    }
    for await (const { name, whole: isWhole } of hashObjects(sites, site, named, access.signal)) {
      if (isWhole) whole.add(name);
      else tell(damage(site, name, wrongBytes));
    }
  }
  const own = [trustCopy(access.trust.sha256), recoverScriptCopy(recoveryFiles().recoverScriptSha256)];
  for (const site of sites.live) {
    for (const name of new Set([...whole, ...own])) {
      if (held.get(site)?.has(name)) continue;
      const isOwn = own.includes(name);
      // A site that was added later never had the older ones.
      if (whole.has(name)) tell({ ...notice(site, name, 'It is missing; another site has it.'), mendable: true });
      else if (isOwn && sites.all.length === 1) {
        tell({ ...notice(site, name, 'It is missing; the next backup writes it.'), mendable: true });
      }
    }
  }
  return whole;
}
