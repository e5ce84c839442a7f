import { HoldfastError } from '../base/errors.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import { grantedGenerations, partiesOutOfStep } from '../repository/party-keys.ts';
import { changeSource, openForChange } from '../repository/source-change.ts';
import { covers } from '../repository/source-name.ts';
import type { TrustParty } from '../repository/trust.ts';
import { actOnSources, type KeyActReport, type KeyActRequest, type SourceAct } from './key-acts.ts';

export interface GrantRequest extends KeyActRequest {
  /** Names of the parties that get keys; default: all that lack some. */
  parties: readonly string[];
  /** Name of the lost host whose place the one of `parties` takes. */
  succeeds?: string;
}

export interface SourceGrant extends SourceAct {
  /** The lost host on whose index the new one may rely from now on. */
  succeeds?: string;
}

/**
 * Gives keys to parties of the configuration that lack them: of every generation, since new snapshots refer to what was
 * stored under the older ones.
 *
 * @throws HoldfastError `usage` when the configuration has no such party, or a succession cannot be
 */
export async function grantKeys(
  access: RepositoryAccess,
  request: GrantRequest,
): Promise<KeyActReport<SourceGrant | SourceAct>> {
  const { parties, succeeds, dryRun } = request;
  for (const name of parties) assertCurrent(access, name);
  const lost = succeeds === undefined ? undefined : lostHost(access, parties, succeeds);
  return actOnSources<SourceGrant>(access, request, async (access, name) => {
    const source = await openForChange(access, name, { dryRun });
    if (source === undefined) return { source: name, result: 'not-begun', granted: [] };
    const { record } = source;
    const wanted = (party: TrustParty) => parties.length === 0 || parties.includes(party.name);
    const lacking = partiesOutOfStep(access.trust, name, record).lacking.filter(({ party }) => wanted(party));
    const before = record.successions ?? [];
    const heir = parties[0];
    const isNew =
      lost !== undefined &&
      heir !== undefined &&
      covers(lost.sources, name) &&
      access.trust.partiesFor(name).some((party) => party.name === heir) &&
      !before.some(({ host, of }) => host === heir && of === lost.name);
    const report: SourceGrant = {
      source: name,
      result: lacking.length > 0 || isNew ? 'changed' : 'unchanged',
      granted: lacking.map(({ party, generations }) => ({ party: party.name, role: party.role, generations })),
      generation: record.generations.length,
      ...(isNew && { succeeds: lost.name }),
    };
    if (dryRun || report.result === 'unchanged') return report;
    const { generations, objects } = await grantedGenerations(source, lacking);
    const successions = isNew ? { successions: [...before, { host: heir, of: lost.name }] } : {};
    await changeSource(access, source, { generations, objects, ...successions });
    return report;
  });
}

function assertCurrent({ trust }: RepositoryAccess, name: string): void {
  const party = trust.party(name);
  if (party && !party.retired && !party.distrusted) return;
  throw new HoldfastError('usage', party ? `${name} gets no keys.` : `There is no party ${name}.`, {
    why: party
      ? `The configuration calls it ${party.distrusted ? 'distrusted' : 'retired'}.`
      : `The configuration has ${trust.parties.map((one) => one.name).join(', ')}.`,
    hint: 'See them: holdfast keys list',
  });
}

function lostHost({ trust }: RepositoryAccess, parties: readonly string[], of: string): TrustParty {
  const [heir] = parties;
  const lost = trust.party(of);
  const refuse = (why: string, hint: string) =>
    new HoldfastError('usage', `No host can take the place of ${of}.`, { why, hint });
  if (heir === undefined || parties.length > 1 || trust.party(heir)?.role !== 'backup' || heir === of) {
    throw refuse('`--succeeds` is about one new host.', `Name it: holdfast keys grant NEWHOST --succeeds ${of}`);
  }
  if (lost?.role !== 'backup') throw refuse('The configuration has no such host.', 'Keep it under `hosts`.');
  if (lost.distrusted) throw refuse('It is distrusted: nobody relies on what it wrote.', 'Leave `--succeeds` out.');
  if (!lost.retired) {
    throw refuse('The configuration does not call it retired.', 'Set `retired: true` in its entry under `hosts`.');
  }
  return lost;
}
