/**
 * What can be said of a source without any key: every object is named by its hash, or signed, or its hash is, and of
 * several sites one knows what another lacks.
 */
import { type HoldfastError, isHoldfastError } from '../base/errors.ts';
import { parseEnvelope, payloadType } from '../crypt/dsse.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import type { Site } from '../sites/site.ts';
import { type RepositoryAccess, sitesOf } from './access.ts';
import { clusterPrefixOf, promisedHash, SourceLayout } from './layout.ts';
import { LocalState } from './local-state.ts';
import { askSite, hashObjects, readIfWhole } from './object-hashes.ts';
import type { SiteProblem, Tell } from './site-problem.ts';
import { kindOf, listSourceObjects, type SiteObjects } from './source-objects.ts';
import { compareRecords, pinOf, type SourceRecord, whyNotSigned } from './source-record.ts';
import type { TombstonePayload } from './tombstones.ts';
import type { PartyRole, SignedPayload } from './trust.ts';

/** A source by its id, and by its name where the configuration has it. */
export interface SourceToExamine {
  id: string;
  name?: string;
}

export interface ExaminedSource extends SourceToExamine {
  layout: SourceLayout;
  /** What each site lists, in the order of the configuration. Without those that have other keys: nothing there compares. */
  listed: SiteObjects[];
  /** The record that counts, and a site that has it; undefined when no site has one that can be trusted. */
  record?: { record: SourceRecord; bytes: Buffer; site: Site };
  /** Snapshots that are dropped. */
  dropped: Set<string>;
  /** Objects that are what their name says, and that nobody who may has signed: no site lacks them. */
  untrusted: Set<string>;
  /** Whether these bytes are a whole copy of an object. Of what nothing is known, none is. */
  accepts(object: string, bytes: Buffer): boolean;
}

/** Lists a source everywhere, and looks at all that is small: its record, key objects, answers, tombstones and pins. */
export async function examineSource(
  access: RepositoryAccess,
  source: SourceToExamine,
  tell: Tell,
): Promise<ExaminedSource> {
  const layout = new SourceLayout(source.id);
  const everywhere = await listSourceObjects(sitesOf(access), layout);
  for (const { site, strange } of everywhere) {
    for (const object of strange) tell(notice(site, object, 'The format knows no object of this name.'));
  }
  const { record, others: apart } = await examineRecords(access, source, layout, everywhere, tell);
  const listed = everywhere.filter(({ site }) => !apart.has(site));
  const hashes = keyHashes(layout, record?.record);
  const examined: ExaminedSource = {
    ...source,
    layout,
    listed,
    ...(record && { record }),
    dropped: new Set(),
    untrusted: new Set(),
    accepts: (object, bytes) => {
      switch (kindOf(layout, object)) {
        case undefined:
        case 'lease':
          return false;
        case 'source':
          return record?.bytes.equals(bytes) ?? false;
        case 'key':
          return hashes.get(object) === sha256Hex(bytes);
        case 'answer':
          return signed(access, source, bytes, { kind: 'answer', roles: ['owner', 'verify'] }) !== undefined;
        default:
          return sha256Hex(bytes) === promisedHash(object);
      }
    },
  };
  for (const { site, others } of listed) {
    await examineKeys(access, examined, hashes, site, others, tell);
    await examineStatements(access, examined, site, others, tell);
  }
  return examined;
}

interface ExaminedRecords {
  record: ExaminedSource['record'];
  /** Sites whose record is signed and has other keys. */
  others: Set<Site>;
}

async function examineRecords(
  access: RepositoryAccess,
  source: SourceToExamine,
  layout: SourceLayout,
  listed: readonly SiteObjects[],
  tell: Tell,
): Promise<ExaminedRecords> {
  const sites = sitesOf(access);
  const memory = await new LocalState(access.stateDirectory, access.trust.repositoryId).read(source.id);
  const records: { record: SourceRecord; bytes: Buffer; site: Site }[] = [];
  const apart = new Set<Site>();
  // Whoever mended that would destroy the keys of what lies there.
  const tellApart = (site: Site, problem: string) => {
    apart.add(site);
    tell({ ...damage(site, layout.source, `${problem} Somebody has to look at it.`), mendable: false });
  };
  // A first backup that was cut off leaves key objects at most, and the next one begins anew.
  const isBegun = listed.some(({ packs, others }) => packs.size > 0 || others.has(layout.source));
  for (const { site, others } of isBegun ? listed : []) {
    const asked = await askSite(sites, site, () => readIfWhole(site, layout.source));
    if (asked === undefined) continue;
    const bytes = asked.answer;
    if (bytes === undefined && !others.has(layout.source)) {
      tell(damage(site, layout.source, 'It is missing.'));
      continue;
    }
    const record = bytes && recordOf(access, source, bytes);
    if (bytes === undefined || record === undefined) {
      tell(damage(site, layout.source, 'It is damaged, or nobody who may has signed it.'));
    } else if (memory.pin !== undefined && pinOf(record) !== memory.pin) {
      tellApart(site, 'Its keys are not those that this machine has seen before.');
    } else records.push({ record, bytes, site });
  }
  const best = [...records].sort((a, b) => compareRecords(b.record, a.record))[0];
  for (const { record, bytes, site } of records) {
    if (best === undefined || bytes.equals(best.bytes)) continue;
    if (pinOf(record) !== pinOf(best.record)) tellApart(site, `It has other keys than "${best.site.name}" has.`);
    else if (record.generations.length < best.record.generations.length) {
      tell(damage(site, layout.source, `It has fewer generations of keys than "${best.site.name}" has.`));
    } else if (compareRecords(record, best.record) < 0) {
      tell(damage(site, layout.source, `An owner has changed it since: "${best.site.name}" has the later one.`));
    } else tell(notice(site, layout.source, `It differs from that of "${best.site.name}"; both are signed.`));
  }
  return { record: best, others: apart };
}

function recordOf(access: RepositoryAccess, source: SourceToExamine, bytes: Buffer): SourceRecord | undefined {
  const record = signed<SourceRecord>(access, source, bytes, { kind: 'source', roles: ['backup', 'owner'] });
  if (!record || !Array.isArray(record.generations) || record.generations.length === 0) return undefined;
  return whyNotSigned(access.trust, record) === undefined ? record : undefined;
}

/** Key object → the hash that its record tells. */
function keyHashes(layout: SourceLayout, record: SourceRecord | undefined): Map<string, string> {
  const hashes = new Map<string, string>();
  for (const { generation, keys } of record?.generations ?? []) {
    for (const { party, sha256 } of keys) hashes.set(layout.key(generation, party), sha256);
  }
  return hashes;
}

async function examineKeys(
  access: RepositoryAccess,
  { layout, record }: ExaminedSource,
  hashes: ReadonlyMap<string, string>,
  site: Site,
  others: ReadonlyMap<string, number>,
  tell: Tell,
): Promise<void> {
  for (const [object, hash] of hashes) {
    if (!others.has(object)) {
      tell(damage(site, object, 'It is missing: its party cannot open the source.'));
      continue;
    }
    const asked = await askSite(sitesOf(access), site, () => readIfWhole(site, object));
    if (asked === undefined) return;
    const isSigned = asked.answer !== undefined && sha256Hex(asked.answer) === hash;
    if (!isSigned) tell(damage(site, object, 'It is not the one that was signed.'));
  }
  for (const object of others.keys()) {
    if (record === undefined || kindOf(layout, object) !== 'key' || hashes.has(object)) continue;
    tell(notice(site, object, 'The record of the source does not name it.'));
  }
}

/** Answers, tombstones, pins and statements of distrust: small, signed, and not sealed. */
async function examineStatements(
  access: RepositoryAccess,
  source: ExaminedSource,
  site: Site,
  others: ReadonlyMap<string, number>,
  tell: Tell,
): Promise<void> {
  const sites = sitesOf(access);
  const { layout } = source;
  const named: [string, number][] = [];
  for (const [object, size] of others) {
    const kind = kindOf(layout, object);
    if (kind === 'tombstone' || kind === 'pin' || kind === 'distrust') named.push([object, size]);
    if (kind !== 'answer') continue;
    const asked = await askSite(sites, site, () => readIfWhole(site, object));
    if (asked === undefined) return;
    if (asked.answer === undefined || !source.accepts(object, asked.answer)) {
      tell(damage(site, object, 'It is damaged, or not signed by its owner.'));
    }
  }
  for await (const { name, bytes, whole } of hashObjects(sites, site, named, access.signal)) {
    if (!whole || bytes === undefined) {
      tell(damage(site, name, wrongBytes));
      continue;
    }
    const kind = kindOf(layout, name) as 'tombstone' | 'pin' | 'distrust';
    const roles: readonly PartyRole[] = kind === 'distrust' ? ['owner'] : ['backup', 'owner'];
    const statement = signed<TombstonePayload>(access, source, bytes, { kind, roles });
    const isDisowned = source.record?.record.distrusted?.some(({ party }) => party === statement?.signer) ?? false;
    if (isDisowned) {
      source.untrusted.add(name);
      tell(notice(site, name, 'It does not count: a distrusted host signed it.'));
    } else if (statement === undefined) {
      source.untrusted.add(name);
      tell(notice(site, name, 'It does not count: nobody who may has signed it.'));
    } else if (kind === 'tombstone') source.dropped.add(statement.snapshot);
  }
}

/**
 * The payload of a statement about a source, also of one whose name nobody here knows. As it was written, to the byte: a
 * signature holds over the payload alone, and base64 has more than one spelling.
 */
function signed<P extends SignedPayload>(
  access: RepositoryAccess,
  { id, name }: SourceToExamine,
  bytes: Buffer,
  expected: { kind: string; roles: readonly PartyRole[] },
): P | undefined {
  const { trust } = access;
  try {
    const payload = trust.verify<P>(bytes, { ...expected, ...(name !== undefined && { source: name }) });
    const { sources } = trust.parties.find((party) => party.name === payload.signer)!;
    const own = (source: string) =>
      trust.sourceId(source) === id || id.startsWith(clusterPrefixOf(trust.sourceId(source)));
    if (payload.source !== id || (name === undefined && sources && !sources.some(own))) return undefined;
    const { payload: text, keyid, signature } = parseEnvelope(bytes);
    const signatures = [{ keyid, sig: signature.toString('base64') }];
    const written = `${JSON.stringify({ payloadType, payload: text.toString('base64'), signatures })}\n`;
    return bytes.equals(Buffer.from(written)) ? payload : undefined;
  } catch (error) {
    if (!isHoldfastError(error, 'not-trusted', 'object-damaged')) throw error;
    return undefined;
  }
}

export const wrongBytes = 'Its bytes do not hash to its name.';

export function damage(site: Site, object: string, problem: string): SiteProblem {
  return { site, object, problem, severity: 'damage', mendable: true };
}

export function notice(site: Site, object: string, problem: string): SiteProblem {
  return { site, object, problem, severity: 'notice', mendable: false };
}

/** A failure to tell of, in one line. */
export function sentenceOf(error: HoldfastError): string {
  return `${error.message} ${error.why ?? ''}`.trim();
}
