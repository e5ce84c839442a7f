import { HoldfastError, isHoldfastError } from '../base/errors.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import { idLength, openFrame } from '../repository/frame.ts';
import { listPacks, loadIndexes, PackOpener } from '../repository/index-load.ts';
import { rebuildIndex } from '../repository/index-rebuild.ts';
import { rootObjects } from '../repository/layout.ts';
import { listSnapshots } from '../repository/snapshot.ts';
import { SnapshotReader } from '../repository/snapshot-reader.ts';
import { type OpenedSource, openSource, opensData, readSourceRecord } from '../repository/source-record.ts';
import type { StoredStream } from '../repository/stored-stream.ts';
import { assertRepository } from './init.ts';

export interface CheckRequest {
  sources: readonly string[];
  /** Read packs too: part `part` of `parts`, the same packs each time. 1 of 1 reads all. */
  readData?: { part: number; parts: number };
  /** Write new index objects for packs that none describes. Needs a host key and an owner's identity. */
  rebuildIndex?: boolean;
}

/** Something that is not as it must be. */
export interface CheckFinding {
  source?: string;
  object: string;
  problem: string;
  /** `damage`: something cannot be restored. `notice`: harmless by itself. */
  severity: 'damage' | 'notice';
}

export interface CheckReport {
  outcome: 'sound' | 'damaged';
  findings: CheckFinding[];
  sources: {
    source: string;
    snapshots: number;
    packs: number;
    /** Bytes of all packs. */
    bytes: number;
    /** Packs whose every byte was read and found right. */
    packsRead: number;
    bytesRead: number;
    /** Whether chunks were decrypted and compared with their ids, or only objects with their names. */
    opened: boolean;
    rebuiltIndexObjects: number;
  }[];
}

/** Holds everything on the site against what it should be. Writes nothing, unless told to rebuild the index. */
export async function check(access: RepositoryAccess, request: CheckRequest): Promise<CheckReport> {
  await assertRepository(access);
  const findings: CheckFinding[] = [];
  const trust = await access.site.read(rootObjects.trust).catch(() => undefined);
  if (!trust?.equals(access.trust.text())) {
    findings.push({
      object: rootObjects.trust,
      problem: 'It is not the one that follows from the configuration; the next backup replaces it.',
      severity: 'notice',
    });
  }
  const sources: CheckReport['sources'] = [];
  for (const name of request.sources) {
    access.emit({ type: 'step', text: `Checking ${name}` });
    const find = (object: string, problem: string, severity: CheckFinding['severity'] = 'damage') =>
      findings.push({ source: name, object, problem, severity });
    try {
      if ((await readSourceRecord(access, name)) === undefined) continue;
      sources.push(await checkSource(access, await openSource(access, name), request, find));
    } catch (error) {
      if (!isHoldfastError(error, 'not-trusted', 'object-damaged', 'object-missing')) throw error;
      find(`source ${name}`, `${error.message} ${error.why ?? ''}`.trim());
    }
  }
  return { outcome: findings.some(({ severity }) => severity === 'damage') ? 'damaged' : 'sound', findings, sources };
}

type Find = (object: string, problem: string, severity?: CheckFinding['severity']) => void;

async function checkSource(
  access: RepositoryAccess,
  source: OpenedSource,
  request: CheckRequest,
  find: Find,
): Promise<CheckReport['sources'][number]> {
  await checkKeyObjects(access, source, find);
  const rebuilt = request.rebuildIndex ? await rebuildIndex(access, source) : 0;
  const listing = await listSnapshots(access, source);
  for (const { object, why } of listing.ignored) find(object, why);
  const { rollback } = listing;
  if (rollback) {
    find(
      `snapshot ${rollback.known.snapshot}`,
      `This machine has seen it (number ${rollback.known.sequence}), and the site shows none newer than number ${rollback.shown?.sequence ?? 0}: rolled back.`,
    );
  }
  for (const { after, missing } of listing.gaps) find(`snapshot ${missing}`, `It is missing; ${after} follows it.`);
  const packs = await listPacks(access, source);
  const indexed = new Set<string>();
  for await (const index of loadIndexes(access, source, ({ object, why }) => find(object, why))) {
    for (const { pack, size } of index.packs) {
      indexed.add(pack);
      const found = packs.get(pack);
      if (found !== undefined && found !== size) {
        find(source.layout.pack(pack), `It has ${found} bytes; its index tells ${size}.`);
      }
    }
  }
  const needed = new Set<string>();
  for (const snapshot of listing.snapshots) {
    for (const pack of snapshot.packs) {
      needed.add(pack);
      if (!packs.has(pack)) find(source.layout.pack(pack), `It is missing; snapshot ${snapshot.id} needs it.`);
      else if (!indexed.has(pack)) find(source.layout.pack(pack), 'No index object describes it.', 'notice');
    }
  }
  if (opensData(source)) await checkManifests(access, source, listing.snapshots, find);
  const { readData } = request;
  const chosen = readData ? [...packs].filter(([name]) => needed.has(name) && isInPart(name, readData)) : [];
  const read = await readPacks(access, source, chosen, find);
  return {
    source: source.name,
    snapshots: listing.snapshots.length,
    packs: packs.size,
    bytes: [...packs.values()].reduce((sum, size) => sum + size, 0),
    ...read,
    opened: readData !== undefined && opensData(source),
    rebuiltIndexObjects: rebuilt,
  };
}

async function checkKeyObjects(access: RepositoryAccess, source: OpenedSource, find: Find): Promise<void> {
  for (const { generation, keys } of source.record.generations) {
    for (const { party, sha256 } of keys) {
      const object = source.layout.key(generation, party);
      try {
        if (sha256Hex(await access.site.read(object)) !== sha256) find(object, 'It is not the one that was signed.');
      } catch (error) {
        if (!isHoldfastError(error, 'object-missing')) throw error;
        find(object, 'It is missing: its party cannot open the source.');
      }
    }
  }
}

/** Every chunk that a manifest refers to is in a pack of its snapshot. */
async function checkManifests(
  access: RepositoryAccess,
  source: OpenedSource,
  snapshots: Awaited<ReturnType<typeof listSnapshots>>['snapshots'],
  find: Find,
): Promise<void> {
  for (const snapshot of snapshots) {
    access.signal.throwIfAborted();
    try {
      const reader = await SnapshotReader.open(access, source, snapshot, () => {});
      for await (const line of reader.lines<{ kind: string; stream?: StoredStream }>()) {
        if (!line.stream) continue;
        const ids = Buffer.from((line.stream.chunks ?? line.stream.list ?? []).join(''), 'hex');
        const { pack } = await reader.locate(ids);
        const missing = pack.indexOf(0xffffffff);
        if (missing < 0) continue;
        const id = ids.toString('hex', missing * idLength, (missing + 1) * idLength);
        find(`snapshot ${snapshot.id}`, `A ${line.kind} in it needs chunk ${id}, which is in none of its packs.`);
      }
    } catch (error) {
      if (!isHoldfastError(error, 'object-missing', 'object-damaged')) throw error;
      find(`snapshot ${snapshot.id}`, `${error.message} ${error.why ?? ''}`.trim());
    }
  }
}

/** Packs are dealt to parts by their names, which are evenly spread and never change. */
function isInPart(pack: string, { part, parts }: { part: number; parts: number }): boolean {
  return Number.parseInt(pack.slice(0, 8), 16) % parts === part - 1;
}

async function readPacks(
  access: RepositoryAccess,
  source: OpenedSource,
  packs: [string, number][],
  find: Find,
): Promise<{ packsRead: number; bytesRead: number }> {
  const opener = opensData(source) ? new PackOpener(access, source) : undefined;
  const secret = Buffer.from(source.keys[0]!.chunkIdSecret, 'hex');
  const total = packs.reduce((sum, [, size]) => sum + size, 0);
  let packsRead = 0;
  let bytesRead = 0;
  for (const [pack, size] of packs) {
    access.signal.throwIfAborted();
    const object = source.layout.pack(pack);
    try {
      const bytes = await access.site.read(object);
      if (sha256Hex(bytes) !== pack) throw new HoldfastError('object-damaged', 'Its bytes do not hash to its name.');
      if (opener) {
        const { entries, frames } = await opener.whole(pack, bytes);
        let at = 0;
        for (const { id, length, rawLength } of entries) {
          openFrame(secret, id, frames.subarray(at, at + length), rawLength);
          at += length;
        }
      }
      packsRead++;
    } catch (error) {
      if (!isHoldfastError(error, 'object-missing', 'object-damaged', 'wrong-key')) throw error;
      find(object, `${error.message} ${error.why ?? ''}`.trim());
    }
    bytesRead += size;
    access.emit({ type: 'progress', activity: `Reading ${source.name}`, done: bytesRead, total, unit: 'bytes' });
  }
  return { packsRead, bytesRead };
}
