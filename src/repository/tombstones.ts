import { isoTime } from '../base/clock.ts';
import { isHoldfastError } from '../base/errors.ts';
import { signEnvelope } from '../crypt/dsse.ts';
import type { Party } from '../crypt/parties.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import type { RepositoryAccess } from './access.ts';
import type { NamedObject } from './catalog-object.ts';
import { withoutStatements } from './distrusted.ts';
import type { IgnoredObject } from './ignored-object.ts';
import { promisedHash } from './layout.ts';
import { listAcross, readAcross } from './objects-across-sites.ts';
import { readAhead } from './read-ahead.ts';
import type { RunSites } from './run-sites.ts';
import type { OpenedSource } from './source-record.ts';
import type { SignedPayload } from './trust.ts';

/** This snapshot is dropped since `time`: docs/format.md §6a. */
export interface TombstonePayload extends SignedPayload {
  kind: 'tombstone';
  source: string;
  /** SHA-256 of the snapshot object. */
  snapshot: string;
  sequence: number;
  /** The snapshot's own time. */
  snapshotTime: string;
  /** When it was dropped. */
  time: string;
}

const readsUnderWay = 8;

/** Signs that a snapshot is dropped from now on. */
export function makeTombstone(
  access: RepositoryAccess,
  host: Party,
  source: OpenedSource,
  snapshot: { id: string; sequence: number; time: string },
): NamedObject & { payload: TombstonePayload } {
  const payload: TombstonePayload = {
    kind: 'tombstone',
    repository: access.trust.repositoryId,
    source: source.layout.id,
    signer: host.name,
    snapshot: snapshot.id,
    sequence: snapshot.sequence,
    snapshotTime: snapshot.time,
    time: isoTime(access.clock.now()),
  };
  const bytes = signEnvelope(payload, host);
  return { name: sha256Hex(bytes), bytes, payload };
}

/**
 * The snapshots that are dropped: id → the latest tombstone. A later one counts, so that the grace period of a snapshot
 * is never shorter than somebody meant.
 *
 * @param ignored gets those that do not count
 */
export async function readTombstones(
  access: RepositoryAccess,
  sites: RunSites,
  source: OpenedSource,
  ignored: IgnoredObject[],
): Promise<Map<string, TombstonePayload>> {
  const found = new Map<string, TombstonePayload>();
  const held = await listAcross(sites, source.layout.tombstones);
  const read = readAhead(held, readsUnderWay, async (object) => {
    const id = promisedHash(object.name);
    if (id === undefined) return void ignored.push({ object: object.name, why: 'Its name is no SHA-256.' });
    try {
      return await readAcross(sites, object, async (bytes) =>
        access.trust.verify<TombstonePayload>(bytes, expected(source)),
      );
    } catch (error) {
      if (!isHoldfastError(error, 'object-damaged', 'not-trusted', 'object-missing')) throw error;
      return void ignored.push({ object: object.name, why: error.why ?? error.message });
    }
  });
  const distrusted = source.distrusted ?? withoutStatements(access.trust, source.record);
  const disowned = new Map<string, number>();
  for await (const payload of read) {
    if (!payload) continue;
    // A thief could have dropped everything; what still counts is dropped again by whoever prunes next.
    if (distrusted.has(payload.signer)) {
      disowned.set(payload.signer, (disowned.get(payload.signer) ?? 0) + 1);
      continue;
    }
    const before = found.get(payload.snapshot);
    if (before === undefined || before.time < payload.time) found.set(payload.snapshot, payload);
  }
  ignoreDisowned(disowned, source.layout.tombstones, ignored);
  return found;
}

/** Of many objects that a distrusted party signed one line. @param counts party → how many */
export function ignoreDisowned(counts: ReadonlyMap<string, number>, prefix: string, ignored: IgnoredObject[]): void {
  for (const [party, count] of counts) {
    const why = `${party} signed ${count} objects there, which is distrusted.`;
    ignored.push({ object: prefix, why, isDisowned: true });
  }
}

function expected(source: OpenedSource) {
  return { kind: 'tombstone', source: source.name, roles: ['backup', 'owner'] as const, distrusted: true };
}
