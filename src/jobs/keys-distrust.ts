import { isoTime } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import { accessTo, type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { type Distrusted, makeDistrust } from '../repository/distrusted.ts';
import { listPacks } from '../repository/index-load.ts';
import { indexPacks } from '../repository/index-rebuild.ts';
import { newGeneration } from '../repository/party-keys.ts';
import { neededPacks } from '../repository/replacements.ts';
import { listedAt, loadReplacements } from '../repository/replacements-load.ts';
import { type KnownSnapshot, listSnapshots } from '../repository/snapshot.ts';
import { type ChangeableSource, changeSource, openForChange } from '../repository/source-change.ts';
import { nextSourceKeys } from '../repository/source-keys.ts';
import { actOnSources, type KeyActReport, type KeyActRequest, type SourceAct } from './key-acts.ts';

export interface DistrustRequest extends KeyActRequest {
  /** Name of the host. */
  host: string;
  /** Its first snapshot that does not count: a sequence, the beginning of an id, a day or a time. */
  since: string;
  /** Beginnings of ids of earlier snapshots that do not count either. */
  without: readonly string[];
}

type Shown = Pick<KnownSnapshot, 'id' | 'sequence' | 'time'>;

export interface SourceDistrust extends SourceAct {
  /** Its snapshots that count, and those that do not. */
  kept: Shown[];
  dropped: Shown[];
  /** The first sequence that does not count. */
  since: number;
  /** Packs of those that count, which hosts may rely on again. */
  packs: number;
}

/**
 * Drops what a stolen host signed from some snapshot on. What it signed before is listed one by one, so that it cannot add to
 * that, whatever times and sequences it claims; the packs of these are looked at, and no other entry of its index counts. A new
 * generation of keys begins without it.
 *
 * @throws HoldfastError `usage` when there is no such host, or `since` does not fit several sources
 */
export async function distrustHost(
  access: RepositoryAccess,
  request: DistrustRequest,
): Promise<KeyActReport<SourceDistrust | SourceAct>> {
  const { host, since, sources, dryRun } = request;
  if (access.trust.party(host)?.role !== 'backup') {
    const hosts = access.trust.parties.filter(({ role }) => role === 'backup').map(({ name }) => name);
    throw new HoldfastError('usage', `There is no host ${host}.`, {
      why: `The configuration has ${hosts.join(', ')}.`,
    });
  }
  if (sources.length > 1 && !timePattern.test(since)) {
    throw new HoldfastError('usage', `${since} can be about one source only.`, {
      why: `Each source counts its snapshots by itself, and these are ${sources.length}.`,
      hint: 'Name one with --source, or give a day or a time: --since 2026-11-22',
    });
  }
  return actOnSources<SourceDistrust>(access, request, async (given, name) => {
    const access = accessTo({ ...surroundingsOf(given), trust: given.trust.trusting(host) }, sitesOf(given));
    const opened = await openForChange(access, name, { dryRun });
    if (opened === undefined) return { source: name, result: 'not-begun', granted: [] };
    const source = { ...opened, distrusted: (opened.distrusted as Distrusted).without(host) };
    const { snapshots, tombstoned } = await listSnapshots(access, source);
    const all = [...snapshots, ...tombstoned].sort((a, b) => a.sequence - b.sequence);
    const own = all.filter(({ signer }) => signer === host);
    const first = firstSequence(own, since, name);
    const { kept, dropped } = divide(own, first, request.without, name);
    const parties = access.trust.partiesFor(name).filter((party) => party.name !== host);
    const number = source.record.generations.length + 1;
    const needed = await packsOf(access, source, kept);
    const report: SourceDistrust = {
      source: name,
      result: 'changed',
      granted: parties.map(({ name: party, role }) => ({ party, role, generations: [number] })),
      generation: number,
      kept: kept.map(shown),
      dropped: dropped.map(shown),
      since: first,
      packs: needed.size,
    };
    if (dryRun) return report;
    // Sealed to keys that are there already, so that they are of use also when this is cut off.
    report.packs = await indexPacks(access, source.signer, source, needed);
    const time = isoTime(access.clock.now());
    const ids = kept.map(({ id }) => id).sort();
    const statement = makeDistrust(access, source.signer, source, { party: host, since: first, snapshots: ids, time });
    await sitesOf(access).each((site) => site.create(source.layout.distrusted + statement.name, statement.bytes));
    const keys = await nextSourceKeys(source.keys[0]!);
    const { generation, objects } = await newGeneration(source, keys, parties, time);
    const { distrusted = [] } = source.record;
    const successions = source.record.successions?.filter(({ host: heir, of }) => heir !== host && of !== host);
    await changeSource(access, source, {
      objects,
      generations: [...source.record.generations, generation],
      ...(successions && { successions }),
      distrusted: [...distrusted.filter(({ party }) => party !== host), { party: host, statement: statement.name }],
    });
    return report;
  });
}

const timePattern = /^\d{4}-\d\d-\d\d(T[\d:.]+Z?)?$/;

/** The first sequence that does not count. @param own the host's snapshots by their sequence */
function firstSequence(own: readonly Shown[], since: string, source: string): number {
  if (timePattern.test(since)) {
    return own.find(({ time }) => time >= since)?.sequence ?? (own.at(-1)?.sequence ?? 0) + 1;
  }
  if (/^\d{1,9}$/.test(since)) return Number(since);
  return oneOf(own, since, source).sequence;
}

function oneOf(own: readonly Shown[], prefix: string, source: string): Shown {
  const found = /^[0-9a-f]{4,64}$/.test(prefix) ? own.filter(({ id }) => id.startsWith(prefix)) : [];
  if (found.length === 1) return found[0]!;
  throw new HoldfastError('usage', `"${prefix}" names no snapshot of ${source} by this host.`, {
    why:
      found.length > 1
        ? `${found.length} begin like that.`
        : 'It is no sequence, no time, and no beginning of the id of one.',
    hint: `See them: holdfast snapshots ${source}`,
  });
}

/** @throws HoldfastError `failed` when those that would count contradict each other: one of them was slipped in */
function divide(own: readonly KnownSnapshot[], first: number, without: readonly string[], source: string) {
  const left = new Set(without.map((prefix) => oneOf(own, prefix, source).id));
  const kept = own.filter(({ id, sequence }) => sequence < first && !left.has(id));
  const ids = new Set(kept.map(({ id }) => id));
  for (const [at, { id, sequence, time }] of kept.entries()) {
    const before = kept[at - 1];
    if (before === undefined || (before.sequence < sequence && before.time < time)) continue;
    throw new HoldfastError('failed', `Two snapshots of ${source} from before contradict each other.`, {
      why: `${before.id} (number ${before.sequence} of ${before.time}) and ${id} (number ${sequence} of ${time}): one may have been slipped in.`,
      hint: 'Name the one that does not count: --without ID. Or give an earlier --since.',
    });
  }
  return { kept, dropped: own.filter(({ id }) => !ids.has(id)) };
}

async function packsOf(
  access: RepositoryAccess,
  source: ChangeableSource,
  kept: readonly KnownSnapshot[],
): Promise<Set<string>> {
  const sites = sitesOf(access);
  const listed = listedAt(await sites.each((site) => listPacks(site, source)));
  const replacements = await loadReplacements(access, source, sites);
  return new Set(kept.flatMap((snapshot) => [...neededPacks(snapshot, replacements, listed, 'named').packs]));
}

function shown({ id, sequence, time }: Shown): Shown {
  return { id, sequence, time };
}

function surroundingsOf({ trust, identities, dedupWith, stateDirectory, clock, emit, signal }: RepositoryAccess) {
  return { trust, identities, dedupWith, stateDirectory, clock, emit, signal };
}
