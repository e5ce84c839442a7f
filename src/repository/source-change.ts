/** An act of an owner: another record of a source, with its key objects, at every site. */
import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { signEnvelope } from '../crypt/dsse.ts';
import type { Party } from '../crypt/parties.ts';
import type { Site } from '../sites/site.ts';
import { type RepositoryAccess, sitesOf } from './access.ts';
import { confirmKeyObjects, putBackKeyObjects, writeKeyObjects } from './key-objects.ts';
import type { RunSites } from './run-sites.ts';
import { alignSource } from './source-copies.ts';
import { type OpenedSource, openRecord, pin, readSignedRecord, type SourceRecord } from './source-record.ts';

/** What an act makes of a source. */
export interface SourceChange {
  /** Key objects: name → bytes. */
  objects: ReadonlyMap<string, Buffer>;
  generations: SourceRecord['generations'];
  successions?: SourceRecord['successions'];
  distrusted?: SourceRecord['distrusted'];
}

/** A source as an owner has opened it to change it, all of it. */
export interface ChangeableSource extends OpenedSource {
  /** Who signs. */
  readonly signer: Party;
  /** Of its record, as every live site has it. */
  readonly bytes: Buffer;
}

/**
 * Opens a source for an act: brings the latest record to every site, and opens every generation of it.
 *
 * @returns undefined before the first backup
 * @throws HoldfastError `wrong-key` when no owner at hand who may act now opens all of it, `not-trusted`
 */
export async function openForChange(
  access: RepositoryAccess,
  name: string,
  { dryRun }: { dryRun: boolean },
): Promise<ChangeableSource | undefined> {
  if (!dryRun) await alignSource(access, name);
  const found = await readSignedRecord(access, name);
  if (found === undefined) return undefined;
  const { record, bytes } = found;
  // Where this machine has seen the other of two acts that were made at the same moment, one that comes after both ends it.
  await pin(access, name, record, bytes, { isOwn: true });
  const signers = signersOf(access, name);
  let failure: unknown;
  for (const signer of signers) {
    try {
      // By this owner's keys alone: what is sealed for others below must be whole.
      const source = await openRecord(withKeysOf(access, signer), name, record);
      if (source.keys.some(({ dataIdentity }) => dataIdentity === undefined)) continue;
      return { ...source, signer, bytes };
    } catch (error) {
      if (!isHoldfastError(error, 'wrong-key')) throw error;
      failure = error;
    }
  }
  throw (
    failure ??
    new HoldfastError('wrong-key', `Nobody at hand may change the keys of "${name}".`, {
      why: 'Only an owner of the source may, who is not retired.',
      hint: 'Give the identity file of one: --identity FILE',
    })
  );
}

/** Owners at hand who may act for a source now. */
function signersOf({ trust, identities }: RepositoryAccess, name: string): Party[] {
  const may = new Set(
    trust
      .partiesFor(name)
      .filter(({ role }) => role === 'owner')
      .map(({ publicSigningKey }) => publicSigningKey),
  );
  return identities.filter(({ publicSigningKey }) => may.has(publicSigningKey));
}

/** The same access, with these keys alone. */
function withKeysOf(
  { trust, dedupWith, stateDirectory, clock, emit, signal, site, sites }: RepositoryAccess,
  party: Party,
) {
  const identities = [party];
  return { trust, dedupWith, stateDirectory, clock, emit, signal, identities, site, ...(sites && { sites }) };
}

/**
 * Makes the change: key objects first, the record last, each at every live site. What interrupts it leaves key objects that
 * nothing refers to, and that the next act writes over.
 *
 * Records are not replaced under a condition, so another owner may act at the same moment. Looked at before and after, the
 * one who comes last is told; whose record stands, their key objects do.
 *
 * @throws HoldfastError `lease-held` when another has changed the source meanwhile; when no site is left
 */
export async function changeSource(
  access: RepositoryAccess,
  source: ChangeableSource,
  change: SourceChange,
): Promise<SourceRecord> {
  const { layout, name, signer } = source;
  const sites = sitesOf(access);
  const { objects, ...changed } = change;
  const record: SourceRecord = {
    ...source.record,
    ...changed,
    revision: (source.record.revision ?? 0) + 1,
    signer: signer.name,
  };
  const bytes = signEnvelope(record, signer);
  const written = new Map<Site, Map<string, Buffer>>();
  await sites.each(async (site) => {
    written.set(site, new Map());
    const isOvertaken = async () => !(await site.read(layout.source)).equals(source.bytes);
    await writeKeyObjects(site, objects, written.get(site)!, isOvertaken);
  });
  await sites.each(async (site) => {
    if ((await site.read(layout.source)).equals(source.bytes)) return;
    await putBackKeyObjects(site, layout, written.get(site)!);
    throw anotherAct(name, site);
  });
  await sites.each((site) => site.replace(layout.source, bytes));
  await confirm(sites, source, bytes, objects);
  await pin(access, name, record, bytes, { isOwn: true });
  return record;
}

/** Whether ours is the record that stands, with its key objects. */
async function confirm(
  sites: RunSites,
  { name, layout }: ChangeableSource,
  bytes: Buffer,
  objects: ReadonlyMap<string, Buffer>,
): Promise<void> {
  await sites.each(async (site) => {
    if (!(await site.read(layout.source)).equals(bytes)) throw anotherAct(name, site);
    await confirmKeyObjects(site, objects);
  });
}

function anotherAct(name: string, { name: site }: Site): HoldfastError {
  return new HoldfastError('lease-held', `Another owner has changed the keys of "${name}" at this moment.`, {
    why: `The record at the site "${site}" is not the one from before, and not the one of this act.`,
    hint: 'Nothing of this act counts there. Look at what the other did, and do it again.',
  });
}
