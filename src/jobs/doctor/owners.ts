import type { RepositoryAccess } from '../../repository/access.ts';
import { SourceLayout } from '../../repository/layout.ts';
import { partiesOutOfStep } from '../../repository/party-keys.ts';
import { readSourceRecord } from '../../repository/source-record.ts';
import type { TrustParty } from '../../repository/trust.ts';
import { grantHint, rotateHint } from '../key-notices.ts';
import { ownersWithoutAnswer } from '../keys.ts';
import type { Findings } from './finding.ts';

/** What only one identity opens is lost with it. */
export function examineNumber(source: string, parties: readonly TrustParty[], findings: Findings): void {
  const owners = parties.filter(({ role }) => role === 'owner').map(({ name }) => name);
  if (owners.length >= 2) findings.ok(`${owners.length} owners may open ${source}: ${owners.join(', ')}.`);
  else {
    findings.warn(`Only ${owners[0] ?? 'nobody'} may open ${source}.`, {
      why: 'When that identity is lost, so is every backup.',
      hint: 'Add a second owner before the first backup: holdfast keys new NAME --out FILE',
    });
  }
}

/** Whether each owner has shown that they can open a source. */
export async function examineAnswers(access: RepositoryAccess, source: string, findings: Findings): Promise<void> {
  const record = await readSourceRecord(access, source);
  if (record === undefined) {
    findings.warn(`${source} has no backup at the site "${access.site.name}" yet.`, {
      hint: `Make one, then let every owner answer: holdfast backup ${source}; holdfast keys test -i FILE`,
    });
    return;
  }
  const { left, lacking } = partiesOutOfStep(access.trust, source, record);
  if (left.length > 0) {
    findings.warn(`New data of ${source} is sealed to ${left.join(', ')} too.`, {
      why: 'The configuration does not have them as parties any more, and the keys do.',
      hint: rotateHint,
    });
  }
  if (lacking.length > 0) {
    findings.warn(`${lacking.map(({ party }) => party.name).join(', ')} cannot open ${source}, or not all of it.`, {
      why: 'Its keys were made without them.',
      hint: grantHint,
    });
  }
  const layout = new SourceLayout(access.trust.sourceId(source));
  const missing = await ownersWithoutAnswer(access, { name: source, layout, record, keys: [] });
  if (missing.length === 0) findings.ok(`Every owner has shown that they can open ${source}.`);
  else {
    findings.problem(`${missing.join(', ')} never showed that they can open ${source}.`, {
      why: 'It does not count as protected until they did.',
      hint: `holdfast keys test -i <identity file of ${missing[0]}>`,
    });
  }
}

/**
 * A backup host opens no data; with the identity of an owner beside its key, whoever takes the machine does.
 *
 * @param identities files, or what else holds them, of owners whose identity this machine has
 */
export function examineSeparation(
  isBackupHost: boolean,
  identities: readonly { owner: string; place: string }[],
  findings: Findings,
): void {
  if (!isBackupHost) findings.ok('This machine makes no backups: it has no host key.');
  else if (identities.length === 0) findings.ok('No identity of an owner was found beside the key of this host.');
  else {
    const places = identities.map(({ owner, place }) => `${owner} (${place})`).join(', ');
    findings.warn(`This backup host holds the identity of an owner: ${places}.`, {
      why: 'Whoever takes this machine can open every backup.',
      hint: 'Move it to the machine of that owner, and keep a copy offline.',
    });
  }
}
