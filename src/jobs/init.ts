import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import { accessAt, type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { formatVersion, recoverScriptCopy, rootObjects, trustCopy } from '../repository/layout.ts';
import { recoveryFiles } from '../repository/recovery/recovery-files.ts';

export interface InitReport {
  /** Repository id. */
  repository: string;
  trustSha256: string;
  /** False when the site held this repository already. */
  created: boolean;
}

/**
 * Makes a repository on the site, or finds the same one there.
 *
 * @throws HoldfastError `target-exists` when the site holds another repository
 */
export async function initRepository(access: RepositoryAccess): Promise<InitReport> {
  const { site, trust } = access;
  const record = repositoryRecord(access);
  const created = (await site.create(rootObjects.repository, record)) === 'created';
  if (!created) await assertRepository(access);
  await publishTrust(access);
  await publishRecovery(access);
  return { repository: trust.repositoryId, trustSha256: trust.sha256, created };
}

/** The bytes of holdfast.json. */
export function repositoryRecord({ trust }: Pick<RepositoryAccess, 'trust'>): Buffer {
  return Buffer.from(`${JSON.stringify({ format: formatVersion, repository: trust.repositoryId })}\n`);
}

/**
 * Makes the repository at every site, or finds the same one there.
 *
 * @returns `created`: whether at least one site had none
 * @throws HoldfastError of the first site that fails: a set-up with a site that does not work is not done
 */
export async function initEverywhere(access: RepositoryAccess): Promise<InitReport> {
  const sites = sitesOf(access);
  const [failed] = sites.dropped;
  if (failed) throw failed.error;
  const reports: InitReport[] = [];
  for (const site of sites.all) reports.push(await initRepository(accessAt(access, site)));
  return { ...reports[0]!, created: reports.some(({ created }) => created) };
}

/**
 * Holds the site's repository against the configuration's.
 *
 * @throws HoldfastError `no-repository` when there is none, `not-trusted` when it is another one
 */
export async function assertRepository({ site, trust }: RepositoryAccess): Promise<void> {
  let found: { format?: unknown; repository?: unknown };
  try {
    found = JSON.parse((await site.read(rootObjects.repository)).toString('utf8'));
  } catch (error) {
    if (isHoldfastError(error, 'object-missing')) {
      throw new HoldfastError('no-repository', `There is no repository at the site "${site.name}".`, {
        why: `It has no ${rootObjects.repository}.`,
        hint: 'Check that the right disk is mounted; a new site is opened by: holdfast init --existing',
      });
    }
    if (!(error instanceof SyntaxError)) throw error;
    found = {};
  }
  if (found.format !== formatVersion) {
    throw new HoldfastError('failed', `The repository at the site "${site.name}" has an unknown format.`, {
      hint: 'Use a newer holdfast, or look at holdfast.json: it may be damaged.',
    });
  }
  if (found.repository !== trust.repositoryId) {
    throw new HoldfastError('not-trusted', `The site "${site.name}" holds another repository.`, {
      why: 'Its id is not the one of `repository` in the configuration.',
      hint: 'Check the path of the site and the configuration.',
    });
  }
}

/**
 * Brings trust.json up to the configuration; the one before stays under its hash, so that older escrow sheets still open
 * what was written until then.
 *
 * @returns whether the site had another one
 */
export async function publishTrust({ site, trust }: RepositoryAccess): Promise<boolean> {
  const text = trust.text();
  const before = await site.read(rootObjects.trust).catch((error) => {
    if (isHoldfastError(error, 'object-missing')) return undefined;
    throw error;
  });
  if (before?.equals(text)) return false;
  if (before) await site.create(trustCopy(sha256Hex(before)), before);
  await site.create(trustCopy(trust.sha256), text);
  await site.replace(rootObjects.trust, text);
  return before !== undefined;
}

/** Puts what a recovery without Holdfast needs onto the site. */
export async function publishRecovery({ site }: RepositoryAccess): Promise<void> {
  const { recoverScript, recoverScriptSha256, recoveryText } = recoveryFiles();
  await site.create(recoverScriptCopy(recoverScriptSha256), Buffer.from(recoverScript));
  for (const [name, text] of [
    [rootObjects.recoveryScript, recoverScript],
    [rootObjects.recoveryText, recoveryText],
  ] as const) {
    const bytes = Buffer.from(text);
    const before = await site.read(name).catch((error) => {
      if (isHoldfastError(error, 'object-missing')) return undefined;
      throw error;
    });
    if (!before?.equals(bytes)) await site.replace(name, bytes);
  }
}
