import { isoTime } from '../base/clock.ts';
import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { signEnvelope } from '../crypt/dsse.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import { partiesAtHand, type RepositoryAccess } from './access.ts';
import { type DistrustEntry, type Distrusted, readDistrusted } from './distrusted.ts';
import { confirmKeyObjects, putBackKeyObjects, writeKeyObjects } from './key-objects.ts';
import { SourceLayout } from './layout.ts';
import { LocalState } from './local-state.ts';
import { generateSourceKeys, openKeysOf, type SourceKeys, sealKeysFor } from './source-keys.ts';
import type { PartyRole, SignedPayload, Trust } from './trust.ts';

/** What source.json says: docs/format.md §3. */
export interface SourceRecord extends SignedPayload {
  kind: 'source';
  source: string;
  generations: GenerationRecord[];
  /** How many acts of owners have changed it; left out before the first. */
  revision?: number;
  /** Hosts that took the place of lost ones, and may rely on what those stored. */
  successions?: { host: string; of: string }[];
  /** Hosts of which only what a statement lists still counts. */
  distrusted?: DistrustEntry[];
}

export interface GenerationRecord {
  generation: number;
  time: string;
  dataRecipient: string;
  catalogRecipient: string;
  keys: { party: string; role: PartyRole; sha256: string }[];
}

/** A source as a machine with a key sees it. */
export interface OpenedSource {
  readonly name: string;
  readonly layout: SourceLayout;
  readonly record: SourceRecord;
  /** Newest generation first; of a source opened `partly` those that a key at hand opens. Data identities are there when
   * an owner's identity was at hand. */
  readonly keys: readonly SourceKeys[];
  /** What counts of distrusted hosts; without it nothing does. */
  readonly distrusted?: Distrusted;
}

/** Whether all packs of the source can be opened, and not only its catalog. */
export function opensData({ keys, record }: OpenedSource): boolean {
  return keys.length >= record.generations.length && keys.every(({ dataIdentity }) => dataIdentity !== undefined);
}

/** Generations that no key at hand opens. */
export function closedGenerations({ keys, record }: Pick<OpenedSource, 'keys' | 'record'>): number[] {
  const opened = new Set(keys.map(({ generation }) => generation));
  return record.generations.map(({ generation }) => generation).filter((generation) => !opened.has(generation));
}

/**
 * The signed record of a source; undefined before its first backup.
 *
 * @throws HoldfastError `not-trusted` when it is not signed as it must be, or is not the one this machine saw first
 */
export async function readSourceRecord(access: RepositoryAccess, name: string): Promise<SourceRecord | undefined> {
  const found = await readSignedRecord(access, name);
  if (found !== undefined) await pin(access, name, found.record, found.bytes);
  return found?.record;
}

/**
 * The same, without holding it against what this machine has seen.
 *
 * @throws HoldfastError `not-trusted`
 */
export async function readSignedRecord(
  access: RepositoryAccess,
  name: string,
): Promise<{ record: SourceRecord; bytes: Buffer } | undefined> {
  const { site, trust } = access;
  const layout = new SourceLayout(trust.sourceId(name));
  let bytes: Buffer;
  try {
    bytes = await site.read(layout.source);
  } catch (error) {
    if (isHoldfastError(error, 'object-missing')) return undefined;
    throw error;
  }
  let record: SourceRecord;
  try {
    record = trust.verify<SourceRecord>(bytes, { kind: 'source', source: name, roles: ['backup', 'owner'] });
  } catch (error) {
    throw untrusted(name, error instanceof HoldfastError ? (error.why ?? error.message) : 'It is malformed.', error);
  }
  const why = whyNotSigned(trust, record);
  if (why !== undefined) throw untrusted(name, why);
  return { record, bytes };
}

/** Why a record's signer may not say what it says. */
export function whyNotSigned(trust: Trust, record: SourceRecord): string | undefined {
  if (record.generations.some(({ generation }, at) => generation !== at + 1))
    return 'Its generations have other numbers.';
  if (trust.party(record.signer)?.role === 'owner') return undefined;
  if (record.generations.length > 1) return 'Only an owner may sign a later generation of keys.';
  const isAct = record.revision !== undefined || record.successions !== undefined || record.distrusted !== undefined;
  return isAct ? 'Only an owner may change the parties of a source.' : undefined;
}

/** The host itself, and those whose place it took, one after the other. */
export function predecessorsOf({ successions = [] }: Pick<SourceRecord, 'successions'>, host: string): Set<string> {
  const found = new Set([host]);
  // A set that grows while it is walked: every new one is looked at too.
  for (const name of found) for (const { host: heir, of } of successions) if (heir === name) found.add(of);
  return found;
}

/** How far a record has come: of two, that of the later act counts. Zero: none is later. */
export function compareRecords(a: SourceRecord, b: SourceRecord): number {
  return (a.revision ?? 0) - (b.revision ?? 0) || a.generations.length - b.generations.length;
}

export interface Opening {
  /** To look at what there is: one generation that opens will do. Whoever writes or removes must see everything. */
  partly?: boolean;
}

/**
 * Opens a source with the keys at hand.
 *
 * @throws HoldfastError `not-found` before its first backup, `wrong-key` when no key at hand opens a generation of it, `not-trusted`
 */
export async function openSource(access: RepositoryAccess, name: string, opening: Opening = {}): Promise<OpenedSource> {
  const record = await readSourceRecord(access, name);
  if (record === undefined) {
    throw new HoldfastError('not-found', `The source "${name}" has no backup at the site "${access.site.name}".`, {
      hint: `Make one: holdfast backup ${name}`,
    });
  }
  return openRecord(access, name, record, opening);
}

/**
 * Opens a source, and gives it keys when it has none: the first backup of a source by this host.
 *
 * @throws HoldfastError `wrong-key` without a host key or without an owner who could ever open the source
 */
export async function openOrCreateSource(access: RepositoryAccess, name: string): Promise<OpenedSource> {
  const found = await readSourceRecord(access, name);
  if (found) return openRecord(access, name, found);
  const { record, objects } = await createSource(access, name);
  try {
    return await openRecord(access, name, record);
  } catch (error) {
    // Whoever lost the race may have written over our key objects only now.
    if (!isHoldfastError(error, 'not-trusted') || (await confirmKeyObjects(access.site, objects))) throw error;
    return openRecord(access, name, record);
  }
}

/** Opens what a record that was read before names. */
export async function openRecord(
  access: RepositoryAccess,
  name: string,
  record: SourceRecord,
  { partly = false }: Opening = {},
): Promise<OpenedSource> {
  const layout = new SourceLayout(access.trust.sourceId(name));
  const keys: SourceKeys[] = [];
  let closed: HoldfastError | undefined;
  for (const generation of [...record.generations].reverse()) {
    try {
      keys.push(await openGeneration(access, name, layout, generation, record.generations.length));
    } catch (error) {
      if (!partly || !isHoldfastError(error, 'wrong-key')) throw error;
      closed ??= error;
    }
  }
  if (keys.length === 0 && closed) throw closed;
  return { name, layout, record, keys, distrusted: await readDistrusted(access, layout, name, record) };
}

async function openGeneration(
  access: RepositoryAccess,
  name: string,
  layout: SourceLayout,
  generation: GenerationRecord,
  count: number,
): Promise<SourceKeys> {
  for (const party of partiesAtHand(access)) {
    const entry = generation.keys.find((key) => key.party === party.name);
    if (!entry) continue;
    const keys = await openKeysOf(
      party,
      await access.site.read(layout.key(generation.generation, party.name)),
      entry.sha256,
    );
    if (
      keys.repository !== access.trust.repositoryId ||
      keys.source !== layout.id ||
      keys.name !== name ||
      keys.generation !== generation.generation ||
      keys.dataRecipient !== generation.dataRecipient ||
      keys.catalogRecipient !== generation.catalogRecipient
    ) {
      throw untrusted(name, `The key object of ${party.name} is about something else than the signed record.`);
    }
    return keys;
  }
  const who = generation.keys.map(({ party }) => party).join(', ');
  const { generation: number } = generation;
  const missing = partiesAtHand(access).find((party) =>
    access.trust.partiesFor(name).some((one) => one.name === party.name),
  );
  throw new HoldfastError(
    'wrong-key',
    `No key at hand opens ${count > 1 ? `generation ${number} of the keys of ` : ''}the source "${name}".`,
    {
      why: `It can be opened by: ${who}.`,
      hint: missing
        ? `An owner gives ${missing.name} its keys: holdfast keys grant ${missing.name}`
        : 'Give the identity file of one of them: --identity FILE',
    },
  );
}

async function createSource(
  access: RepositoryAccess,
  source: string,
): Promise<{ record: SourceRecord; objects: ReadonlyMap<string, Buffer> }> {
  const { site, trust, host, clock } = access;
  if (!host) {
    throw new HoldfastError('wrong-key', `This machine cannot begin the source "${source}".`, {
      why: 'It has no host key.',
      hint: 'Run the first backup on a host of the configuration.',
    });
  }
  const parties = trust.partiesFor(source);
  if (!parties.some(({ role }) => role === 'owner')) {
    throw new HoldfastError('wrong-key', `Nobody could ever restore the source "${source}".`, {
      why: 'The configuration has no owner for it.',
      hint: 'Add one under owners: holdfast keys new NAME --out FILE',
    });
  }
  const layout = new SourceLayout(trust.sourceId(source));
  const memory = await new LocalState(access.stateDirectory, trust.repositoryId).read(layout.id);
  // New keys would hide the old ones, which may be there still: somebody removed them.
  if (memory.pin !== undefined) throw untrusted(source, 'They are gone, and this machine has seen them before.');
  const keys = await generateSourceKeys({ repository: trust.repositoryId, source: layout.id, name: source });
  const entries: GenerationRecord['keys'] = [];
  const objects = new Map<string, Buffer>();
  for (const party of parties) {
    const object = await sealKeysFor(party, keys);
    const name = layout.key(1, party.name);
    objects.set(name, object);
    entries.push({ party: party.name, role: party.role, sha256: sha256Hex(object) });
  }
  // What is written over is of another host that is as far as we are, or of one that was killed here.
  const before = new Map<string, Buffer>();
  const isBegun = async () => (await site.stat(layout.source)) !== undefined;
  const isWritten = await writeKeyObjects(site, objects, before, isBegun);
  const record: SourceRecord = {
    kind: 'source',
    repository: trust.repositoryId,
    source: layout.id,
    signer: host.name,
    generations: [
      {
        generation: 1,
        time: isoTime(clock.now()),
        dataRecipient: keys.dataRecipient,
        catalogRecipient: keys.catalogRecipient,
        keys: entries,
      },
    ],
  };
  const signed = signEnvelope(record, host);
  if (!isWritten || (await site.create(layout.source, signed)) === 'exists') {
    await putBackKeyObjects(site, layout, before);
    throw begunElsewhere(source);
  }
  // Whoever lost that race may have written over our key objects before; the record that counts is ours.
  await confirmKeyObjects(site, objects);
  await pin(access, source, record, signed);
  return { record, objects };
}

function begunElsewhere(source: string): HoldfastError {
  return new HoldfastError('lease-held', `Another host has just begun the source "${source}".`, {
    hint: 'Start the command again.',
  });
}

/** What a machine remembers of a source's keys when it sees them first. @throws `internal` when it has none */
export function pinOf({ generations: [first] }: SourceRecord): string {
  if (first === undefined) throw new HoldfastError('internal', 'A source without keys was to be remembered.');
  return sha256Hex(JSON.stringify([first.dataRecipient, first.catalogRecipient]));
}

/**
 * Remembers the first generation as first seen, and refuses another one later; the same for fewer acts of owners, and for
 * another act in the place of the last one.
 *
 * @param options.isOwn an owner is about to make the next act, or has made it
 */
export async function pin(
  access: RepositoryAccess,
  name: string,
  record: SourceRecord,
  bytes: Buffer,
  { isOwn = false }: { isOwn?: boolean } = {},
): Promise<void> {
  const state = new LocalState(access.stateDirectory, access.trust.repositoryId);
  const sourceId = access.trust.sourceId(name);
  const [first] = record.generations;
  if (first === undefined) throw untrusted(name, 'It has no keys.');
  const seen = pinOf(record);
  const memory = await state.read(sourceId);
  if (memory.pin !== undefined && memory.pin !== seen) {
    throw untrusted(name, 'Its keys are not those that this machine has seen before.');
  }
  if ((memory.generations ?? 0) > record.generations.length) {
    throw untrusted(name, 'It has fewer generations of keys than this machine has seen before.');
  }
  const { revision = 0 } = record;
  const known = memory.revision ?? 0;
  if (known > revision)
    throw untrusted(name, 'It is older than the one that this machine has seen before.', undefined, lagging);
  const sha256 = sha256Hex(bytes);
  const isOther = known === revision && revision > 0 && memory.record !== undefined && memory.record !== sha256;
  if (isOther && !isOwn) {
    throw untrusted(name, 'Two owners changed it at the same moment; this machine has seen the other act.', undefined, {
      hint: 'An owner makes an act that comes after both: holdfast keys rotate',
    });
  }
  const isRetired = access.trust.party(record.signer)?.retired;
  // At first sight nobody can tell when it was signed; whoever acts next ends it.
  if (isRetired && !isOwn && memory.pin !== undefined && revision > known) {
    throw untrusted(
      name,
      `${record.signer} signed it, who is retired, and this machine has not seen it before.`,
      undefined,
      {
        hint: 'Another owner looks at it, and makes an act of their own: holdfast keys rotate',
      },
    );
  }
  const { generations } = record;
  if (
    memory.pin === undefined ||
    memory.generations !== generations.length ||
    known !== revision ||
    (revision > 0 && memory.record !== sha256)
  ) {
    const next = { ...memory, pin: seen, generations: generations.length };
    await state.write(sourceId, revision > 0 ? { ...next, revision, record: sha256 } : next);
  }
}

const lagging = { hint: 'Another site may have the newer one: holdfast sync. Else find out who put the old one back.' };

function untrusted(name: string, why: string, cause?: unknown, details: { hint?: string } = {}): HoldfastError {
  return new HoldfastError('not-trusted', `The keys of the source "${name}" on the site are not trusted.`, {
    why,
    hint: 'Nothing was read or written with them. Compare the site with another copy; find out who changed it.',
    cause,
    ...details,
  });
}
