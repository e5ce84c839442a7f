import { isoTime } from '../base/clock.ts';
import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { signEnvelope } from '../crypt/dsse.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import { partiesAtHand, type RepositoryAccess } from './access.ts';
import { SourceLayout } from './layout.ts';
import { LocalState } from './local-state.ts';
import { generateSourceKeys, openKeysOf, type SourceKeys, sealKeysFor } from './source-keys.ts';
import type { PartyRole, SignedPayload } from './trust.ts';

/** What source.json says: docs/format.md §3. */
export interface SourceRecord extends SignedPayload {
  kind: 'source';
  source: string;
  generations: GenerationRecord[];
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
  /** Newest generation first. Data identities are there when an owner's identity was at hand. */
  readonly keys: readonly SourceKeys[];
}

/** Whether packs of the source can be opened, and not only its catalog. */
export function opensData(source: OpenedSource): boolean {
  return source.keys.every((keys) => keys.dataIdentity !== undefined);
}

/**
 * The signed record of a source; undefined before its first backup.
 *
 * @throws HoldfastError `not-trusted` when it is not signed as it must be, or is not the one this machine saw first
 */
export async function readSourceRecord(access: RepositoryAccess, name: string): Promise<SourceRecord | undefined> {
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
  const signer = trust.parties.find((party) => party.name === record.signer);
  if (record.generations.length > 1 && signer?.role !== 'owner') {
    throw untrusted(name, 'Only an owner may sign a later generation of keys.');
  }
  await pin(access, name, record);
  return record;
}

/**
 * Opens a source with the keys at hand.
 *
 * @throws HoldfastError `not-found` before its first backup, `wrong-key` when no key at hand opens it, `not-trusted`
 */
export async function openSource(access: RepositoryAccess, name: string): Promise<OpenedSource> {
  const record = await readSourceRecord(access, name);
  if (record === undefined) {
    throw new HoldfastError('not-found', `The source "${name}" has no backup at the site "${access.site.name}".`, {
      hint: `Make one: holdfast backup ${name}`,
    });
  }
  return openRecord(access, name, record);
}

/**
 * Opens a source, and gives it keys when it has none: the first backup of a source by this host.
 *
 * @throws HoldfastError `wrong-key` without a host key or without an owner who could ever open the source
 */
export async function openOrCreateSource(access: RepositoryAccess, name: string): Promise<OpenedSource> {
  const record = (await readSourceRecord(access, name)) ?? (await createSource(access, name));
  return openRecord(access, name, record);
}

async function openRecord(access: RepositoryAccess, name: string, record: SourceRecord): Promise<OpenedSource> {
  const layout = new SourceLayout(access.trust.sourceId(name));
  const keys: SourceKeys[] = [];
  for (const generation of [...record.generations].reverse()) {
    keys.push(await openGeneration(access, name, layout, generation));
  }
  return { name, layout, record, keys };
}

async function openGeneration(
  access: RepositoryAccess,
  name: string,
  layout: SourceLayout,
  generation: GenerationRecord,
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
  throw new HoldfastError('wrong-key', `No key at hand opens the source "${name}".`, {
    why: `It can be opened by: ${who}.`,
    hint: 'Give the identity file of one of them: --identity FILE',
  });
}

async function createSource(access: RepositoryAccess, source: string): Promise<SourceRecord> {
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
  const keys = await generateSourceKeys({ repository: trust.repositoryId, source: layout.id, name: source });
  const entries: GenerationRecord['keys'] = [];
  const objects = new Map<string, Buffer>();
  for (const party of parties) {
    const object = await sealKeysFor(party, keys);
    const name = layout.key(1, party.name);
    objects.set(name, object);
    entries.push({ party: party.name, role: party.role, sha256: sha256Hex(object) });
    if ((await site.create(name, object)) === 'created') continue;
    // Another host is ahead of us, or one was killed here and left what nothing refers to.
    if ((await site.stat(layout.source)) !== undefined) throw begunElsewhere(source);
    await site.replace(name, object);
  }
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
  if ((await site.create(layout.source, signEnvelope(record, host))) === 'exists') {
    throw begunElsewhere(source);
  }
  // Whoever lost that race may have written over our key objects before; the record that counts is ours.
  for (const [name, object] of objects) {
    if (!(await site.read(name)).equals(object)) await site.replace(name, object);
  }
  await pin(access, source, record);
  return record;
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

/** Remembers the first generation as first seen, and refuses another one later. */
async function pin(access: RepositoryAccess, name: string, record: SourceRecord): Promise<void> {
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
  if (memory.pin === undefined || memory.generations !== record.generations.length) {
    await state.write(sourceId, { ...memory, pin: seen, generations: record.generations.length });
  }
}

function untrusted(name: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('not-trusted', `The keys of the source "${name}" on the site are not trusted.`, {
    why,
    hint: 'Nothing was read or written with them. Compare the site with another copy; find out who changed it.',
    cause,
  });
}
