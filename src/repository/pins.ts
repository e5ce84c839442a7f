import { isoTime } from '../base/clock.ts';
import { isHoldfastError } from '../base/errors.ts';
import { signEnvelope } from '../crypt/dsse.ts';
import type { Party } from '../crypt/parties.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import type { RepositoryAccess } from './access.ts';
import type { NamedObject } from './catalog-object.ts';
import { withoutStatements } from './distrusted.ts';
import type { IgnoredObject } from './ignored-object.ts';
import { listAcross, readAcross } from './objects-across-sites.ts';
import { readAhead } from './read-ahead.ts';
import type { RunSites } from './run-sites.ts';
import type { OpenedSource } from './source-record.ts';
import { ignoreDisowned } from './tombstones.ts';
import type { SignedPayload } from './trust.ts';

/** Somebody wants a snapshot kept whatever its age, or no longer: docs/format.md §6. */
export interface PinPayload extends SignedPayload {
  kind: 'pin';
  source: string;
  /** SHA-256 of the snapshot object. */
  snapshot: string;
  pinned: boolean;
  time: string;
}

const readsUnderWay = 8;

/** Signs that a snapshot is to be kept, or need not be any more. */
export function makePin(
  access: RepositoryAccess,
  signer: Party,
  source: OpenedSource,
  pin: { snapshot: string; pinned: boolean },
): NamedObject {
  const payload: PinPayload = {
    kind: 'pin',
    repository: access.trust.repositoryId,
    source: source.layout.id,
    signer: signer.name,
    ...pin,
    time: isoTime(access.clock.now()),
  };
  const bytes = signEnvelope(payload, signer);
  return { name: sha256Hex(bytes), bytes };
}

/**
 * Ids of the pinned snapshots; of several statements about one the latest counts.
 *
 * @param ignored gets those that do not count
 */
export async function readPins(
  access: RepositoryAccess,
  sites: RunSites,
  source: OpenedSource,
  ignored: IgnoredObject[],
): Promise<Set<string>> {
  const latest = new Map<string, PinPayload>();
  const expected = { kind: 'pin', source: source.name, roles: ['backup', 'owner'], distrusted: true } as const;
  const read = readAhead(await listAcross(sites, source.layout.pins), readsUnderWay, async (object) => {
    try {
      return await readAcross(sites, object, async (bytes) => access.trust.verify<PinPayload>(bytes, expected));
    } catch (error) {
      if (!isHoldfastError(error, 'object-damaged', 'not-trusted', 'object-missing')) throw error;
      return void ignored.push({ object: object.name, why: error.why ?? error.message });
    }
  });
  const distrusted = source.distrusted ?? withoutStatements(access.trust, source.record);
  const disowned = new Map<string, number>();
  for await (const pin of read) {
    if (pin && distrusted.has(pin.signer)) disowned.set(pin.signer, (disowned.get(pin.signer) ?? 0) + 1);
    else if (pin && (latest.get(pin.snapshot)?.time ?? '') < pin.time) latest.set(pin.snapshot, pin);
  }
  ignoreDisowned(disowned, source.layout.pins, ignored);
  return new Set([...latest.values()].filter(({ pinned }) => pinned).map(({ snapshot }) => snapshot));
}
