import { isoTime } from '../base/clock.ts';
import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { Sealer } from '../crypt/age.ts';
import type { Party } from '../crypt/parties.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import type { Site } from '../sites/site.ts';
import { accessAt, partiesAtHand, type RepositoryAccess } from './access.ts';
import { sealCatalogObject } from './catalog-object.ts';
import { ChunkSet } from './chunk-set.ts';
import { ChunkTable } from './chunk-table.ts';
import { type CompactPlan, type PackLife, planCompaction } from './compact-plan.ts';
import { idLength, verifyFrame } from './frame.ts';
import { listPacks, loadIndexes, PackOpener } from './index-load.ts';
import { type IndexedPack, type IndexPayload, indexedPack } from './index-object.ts';
import { liveChunks } from './live-chunks.ts';
import { readAcross } from './objects-across-sites.ts';
import { PackBuilder, type SealedPack } from './pack.ts';
import { chunkSizes, packSize } from './parameters.ts';
import { type Needs, neededPacks } from './replacements.ts';
import { listedAt, loadReplacements } from './replacements-load.ts';
import type { RunSites } from './run-sites.ts';
import type { KnownSnapshot } from './snapshot.ts';
import type { OpenedSource } from './source-record.ts';

/** Live bytes that one index object replaces: docs/decisions/009-compaction.md. */
export const defaultGroupBytes = 16 * packSize;

export interface CompactSettings {
  /** From 0 to 1: packs of which more is dead are rewritten. */
  deadShare: number;
  groupBytes?: number;
}

/** A compaction of one source that is planned. */
export interface PreparedCompaction {
  plan: CompactPlan;
  /** Snapshots that could not be read: what they need stays as it is. */
  unread: { id: string; error: HoldfastError }[];
  live: ChunkSet;
  /** What each snapshot that was read needs, by its id. */
  needs: ReadonlyMap<string, Needs>;
  /** Pack → the sites that list it at its right size. */
  holders: (pack: string, size: number) => Site[];
}

/**
 * Finds out which packs are mostly dead. Reads the manifest of every live snapshot; writes nothing.
 *
 * @param snapshots those that are not dropped, at whichever site of the run
 * @throws HoldfastError `wrong-key` without an owner's identity, and when no site is left
 */
export async function prepareCompaction(
  access: RepositoryAccess,
  sites: RunSites,
  source: OpenedSource,
  snapshots: readonly KnownSnapshot[],
  { deadShare, groupBytes = defaultGroupBytes }: CompactSettings,
): Promise<PreparedCompaction> {
  const packsAt = await sites.each((site) => listPacks(site, source));
  const listed = listedAt(packsAt);
  const replacements = await loadReplacements(access, source, sites);
  const needs = new Map(
    snapshots.map((snapshot) => [snapshot.id, neededPacks(snapshot, replacements, listed, 'replacement')]),
  );
  /** Packs → the first snapshot that needs them: what came together stays together. */
  const orders = new Map<string, number>();
  for (const { id, sequence } of snapshots) {
    for (const pack of needs.get(id)!.packs) if (!orders.has(pack)) orders.set(pack, sequence);
  }
  const table = new ChunkTable({ withLocations: true });
  for await (const entry of entriesOf(access, sites, source, packsAt, orders)) table.addPack(entry);
  const unread: PreparedCompaction['unread'] = [];
  const live = await liveChunks(access, sites, source, snapshots, table, (snapshot, error) => {
    unread.push({ id: snapshot.id, error });
  });
  // What a snapshot needs that nobody could read, nobody can say is dead.
  for (const { id } of unread) {
    for (const pack of needs.get(id)!.packs) orders.delete(pack);
    needs.delete(id);
  }
  const packs: PackLife[] = [];
  const seen = new Set<string>();
  for await (const entry of entriesOf(access, sites, source, packsAt, orders)) {
    if (seen.has(entry.pack)) continue;
    seen.add(entry.pack);
    packs.push(lifeOf(entry, live.chunks, orders.get(entry.pack)!));
  }
  return {
    plan: planCompaction(packs, { deadShare, groupBytes }),
    unread,
    live: live.chunks,
    needs,
    holders: (pack, size) => sites.live.filter((site) => packsAt.get(site)?.get(pack) === size),
  };
}

/** What the wanted packs hold, by index objects, or by their own directories where none tells. */
async function* entriesOf(
  access: RepositoryAccess,
  sites: RunSites,
  source: OpenedSource,
  packsAt: ReadonlyMap<Site, ReadonlyMap<string, number>>,
  wanted: ReadonlyMap<string, unknown>,
): AsyncGenerator<IndexedPack, void, undefined> {
  const listed = listedAt(packsAt);
  const told = new Set<string>();
  for await (const { packs } of loadIndexes(access, source, () => {}, sites)) {
    for (const entry of packs) {
      if (!wanted.has(entry.pack) || !listed.has(entry.pack, entry.size)) continue;
      told.add(entry.pack);
      yield entry;
    }
  }
  for (const pack of wanted.keys()) {
    if (told.has(pack)) continue;
    for (const site of sites.live) {
      const size = packsAt.get(site)?.get(pack);
      if (size === undefined) continue;
      try {
        yield await new PackOpener(accessAt(access, site), source).directory(pack, size);
        break;
      } catch (error) {
        if (!isHoldfastError(error, 'object-missing', 'object-damaged')) throw error;
      }
    }
  }
}

function lifeOf({ pack, size, ids, lengths }: IndexedPack, live: ChunkSet, order: number): PackLife {
  const life: PackLife = { pack, size, frames: 0, live: 0, order };
  const bytes = Buffer.from(ids, 'hex');
  for (const [i, length] of lengths.entries()) {
    life.frames += length;
    if (live.has(bytes, i * idLength)) life.live += length;
  }
  return life;
}

/** What a compaction did. */
export interface Compacted {
  /** Packs that were replaced, and bytes of the objects. */
  replaced: { packs: number; bytes: number };
  /** Packs that were written in their place. */
  written: { packs: number; bytes: number };
  indexes: number;
  /** Packs that are whole at no site, and stay as they are. */
  damaged: string[];
}

/**
 * Rewrites what was planned: packs, then the index object that replaces the old ones by them, group by group. Old packs stay;
 * a prune removes them after the grace period. Whatever interrupts it leaves packs that nobody needs yet.
 *
 * @throws HoldfastError `wrong-key` when nobody at hand may sign it, and when no site is left
 */
export async function compact(
  access: RepositoryAccess,
  sites: RunSites,
  source: OpenedSource,
  prepared: PreparedCompaction,
): Promise<Compacted> {
  const signer = compactorOf(access, source);
  const done: Compacted = {
    replaced: { packs: 0, bytes: 0 },
    written: { packs: 0, bytes: 0 },
    indexes: 0,
    damaged: [],
  };
  let read = 0;
  for (const group of prepared.plan.groups) {
    const { gone, written } = await rewriteGroup(access, sites, source, prepared, group, done, (bytes) => {
      read += bytes;
      access.emit({
        type: 'progress',
        activity: `Compacting ${source.name}`,
        done: read,
        total: prepared.plan.rewrite.bytes,
        unit: 'bytes',
      });
    });
    if (gone.length === 0) continue;
    const whole = await sitesWith(sites, source, written);
    const packs = new Set(gone.map(({ pack }) => pack));
    const payload: IndexPayload = {
      kind: 'index',
      repository: access.trust.repositoryId,
      source: source.layout.id,
      signer: signer.name,
      time: isoTime(access.clock.now()),
      packs: written,
      replaces: [...packs].sort(),
      snapshots: [...prepared.needs]
        .filter(([, needs]) => [...packs].some((pack) => needs.packs.has(pack)))
        .map(([id]) => id)
        .sort(),
    };
    const { name, bytes } = await sealCatalogObject(payload, signer, source.keys[0]!.catalogRecipient);
    access.signal.throwIfAborted();
    await sites.each((site) => site.create(source.layout.index + name, bytes), whole);
    done.indexes++;
    done.replaced.packs += gone.length;
    done.replaced.bytes += gone.reduce((sum, { size }) => sum + size, 0);
  }
  return done;
}

/**
 * Who signs a compaction: an owner or a verifier, who can open what they vouch for.
 *
 * @throws HoldfastError `wrong-key` when there is none at hand
 */
export function compactorOf(access: RepositoryAccess, source: Pick<OpenedSource, 'name'>): Party {
  const may = new Set(
    access.trust
      .partiesFor(source.name)
      .filter(({ role }) => role !== 'backup')
      .map(({ publicSigningKey }) => publicSigningKey),
  );
  const signer = partiesAtHand(access).find(({ publicSigningKey }) => may.has(publicSigningKey));
  if (signer) return signer;
  throw new HoldfastError('wrong-key', `Nobody at hand may compact the source "${source.name}".`, {
    why: 'A compaction opens packs and is signed by an owner or a verifier of the source.',
    hint: 'Give an identity file: --identity FILE',
  });
}

interface Rewritten {
  gone: PackLife[];
  written: IndexedPack[];
}

async function rewriteGroup(
  access: RepositoryAccess,
  sites: RunSites,
  source: OpenedSource,
  { live, holders }: PreparedCompaction,
  group: readonly PackLife[],
  done: Compacted,
  read: (bytes: number) => void,
): Promise<Rewritten> {
  const [keys] = source.keys;
  const secret = Buffer.from(keys!.chunkIdSecret, 'hex');
  const opener = new PackOpener(access, source);
  const sealer = new Sealer([keys!.dataRecipient]);
  const builder = new PackBuilder(secret, packSize + chunkSizes.max);
  const taken = new ChunkSet();
  const rewritten: Rewritten = { gone: [], written: [] };
  const store = async () => {
    const pack: SealedPack = await builder.seal(sealer);
    access.signal.throwIfAborted();
    await sites.each((site) => site.create(source.layout.pack(pack.name), pack.bytes));
    rewritten.written.push(indexedPack(pack.name, pack.bytes.length, pack.entries));
    done.written.packs++;
    done.written.bytes += pack.bytes.length;
  };
  for (const life of group) {
    access.signal.throwIfAborted();
    const { pack, size } = life;
    const held = { name: source.layout.pack(pack), sites: holders(pack, size) };
    let opened: Awaited<ReturnType<PackOpener['whole']>>;
    try {
      opened = await readAcross(sites, held, async (bytes) => {
        if (sha256Hex(bytes) !== pack) throw new HoldfastError('object-damaged', 'Its bytes do not hash to its name.');
        const whole = await opener.whole(pack, bytes);
        // All of it, before anything is taken over.
        let at = 0;
        for (const { id, length, rawLength } of whole.entries) {
          if (live.has(id)) verifyFrame(secret, id, whole.frames.subarray(at, at + length), rawLength);
          at += length;
        }
        return whole;
      });
    } catch (error) {
      if (!isHoldfastError(error, 'object-missing', 'object-damaged')) throw error;
      done.damaged.push(pack);
      continue;
    } finally {
      read(size);
    }
    let at = 0;
    for (const entry of opened.entries) {
      const frame = opened.frames.subarray(at, at + entry.length);
      at += entry.length;
      if (!live.has(entry.id) || !taken.add(entry.id)) continue;
      builder.addFrame(entry, frame);
      if (builder.length >= packSize) await store();
    }
    rewritten.gone.push(life);
  }
  if (!builder.empty) await store();
  return rewritten;
}

/** Sites that list all of these packs at their right size: only there they may take the place of others. */
async function sitesWith(sites: RunSites, source: OpenedSource, packs: readonly IndexedPack[]): Promise<Site[]> {
  const look = async (site: Site) => {
    for (const { pack, size } of packs) {
      if ((await sites.within(site, site.stat(source.layout.pack(pack))))?.size === size) continue;
      const error = new HoldfastError('object-missing', `Pack ${pack} vanished from the site "${site.name}".`, {
        why: 'It was just written there.',
        hint: 'Find out what deletes objects there.',
      });
      sites.drop(site, error);
      return;
    }
  };
  await sites.each(look, sites.live, { unbounded: true });
  if (sites.live.length === 0) void sites.primary;
  return sites.live;
}
