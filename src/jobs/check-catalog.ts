/** What snapshots and index objects say of a source: for whoever has a key to its catalog. */
import { isHoldfastError } from '../base/errors.ts';
import { accessAt, type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { nowhere } from '../repository/chunk-locations.ts';
import type { SourceNeeds } from '../repository/compare-sites.ts';
import { type ExaminedSource, sentenceOf } from '../repository/examine-source.ts';
import { idLength } from '../repository/frame.ts';
import { HashTexts } from '../repository/hash-texts.ts';
import type { IgnoredObject } from '../repository/ignored-object.ts';
import { loadIndexes } from '../repository/index-load.ts';
import type { Tell } from '../repository/site-problem.ts';
import { type KnownSnapshot, listSnapshots } from '../repository/snapshot.ts';
import { SnapshotReader } from '../repository/snapshot-reader.ts';
import type { OpenedSource } from '../repository/source-record.ts';
import type { AnyStream } from '../repository/stored-stream.ts';
import { successorsOf } from '../repository/successors.ts';
import type { Site } from '../sites/site.ts';
import { contentName } from './contents.ts';
import { openAnywhere } from './open-anywhere.ts';

export interface Catalog {
  source: OpenedSource;
  /** Those that are not dropped, the oldest first. */
  snapshots: KnownSnapshot[];
  needs: SourceNeeds;
}

/** Reads the catalog, at whichever site it lies whole, and tells what is wrong with it wherever it lies. */
export async function readCatalog(access: RepositoryAccess, examined: ExaminedSource, tell: Tell): Promise<Catalog> {
  const sites = sitesOf(access);
  const source = await openAnywhere(access, examined.name!);
  const only = sites.live.length === 1 ? { site: sites.live[0]! } : {};
  const say = (object: string, problem: string, severity: 'damage' | 'notice' = 'damage') =>
    tell({ ...only, object, problem, severity, mendable: false });
  const texts = examined.listed[0]?.texts ?? new HashTexts();
  const { snapshots, ignored, rollback, gaps } = await listSnapshots(access, source, sites, texts);
  const ignore: Ignore = ({ object, why, isDisowned }) => {
    examined.untrusted.add(object);
    say(object, why, isDisowned ? 'notice' : 'damage');
  };
  for (const object of ignored) ignore(object);
  if (rollback) {
    const shown = rollback.shown?.sequence ?? 0;
    say(
      `snapshot ${rollback.known.snapshot}`,
      `This machine has seen it (number ${rollback.known.sequence}), and no site shows one newer than number ${shown}: rolled back.`,
    );
  }
  for (const { after, missing } of gaps) say(`snapshot ${missing}`, `It is missing; ${after} follows it.`);
  const needs = await readNeeds(access, examined, source, snapshots, texts, say, ignore);
  return { source, snapshots, needs };
}

type Ignore = (object: IgnoredObject) => void;
type Say = (object: string, problem: string, severity?: 'damage' | 'notice') => void;

async function readNeeds(
  access: RepositoryAccess,
  examined: ExaminedSource,
  source: OpenedSource,
  snapshots: readonly KnownSnapshot[],
  texts: HashTexts,
  say: Say,
  ignore: Ignore,
): Promise<SourceNeeds> {
  const successors = await successorsOf(access, examined.listed, source);
  const packs = new Set<string>();
  // Which chunks of manifests no index has told of yet: the id and the snapshots that want it.
  const wanted = new Map<string, string[]>();
  for (const snapshot of snapshots) {
    const { id, manifest } = snapshot;
    for (const pack of successors.empty ? snapshot.packs : successors.all(snapshot)) packs.add(pack);
    for (const chunk of manifest.chunks ?? manifest.list ?? []) {
      const before = wanted.get(chunk);
      if (before) before.push(id);
      else wanted.set(chunk, [id]);
    }
  }
  const sizes = new Map<string, number>();
  const ids = new HashTexts();
  for (const chunk of wanted.keys()) ids.text(Buffer.from(chunk));
  const chunks = { texts, ids };
  for await (const index of loadIndexes(access, source, ignore, undefined, undefined, chunks)) {
    for (const { pack, size, ids } of index.packs) {
      if (!packs.has(pack)) continue;
      // The text of the set, so that the index object's own can go.
      sizes.set(pack, size);
      for (let at = 0; wanted.size > 0 && at < ids.length; at += idLength * 2) {
        wanted.delete(ids.slice(at, at + idLength * 2));
      }
    }
  }
  for (const pack of packs) {
    if (!sizes.has(pack)) say(source.layout.pack(pack), 'No index object describes it.', 'notice');
  }
  // What no index describes may hold them.
  if (sizes.size === packs.size) {
    for (const [chunk, ids] of wanted) {
      for (const id of ids) say(`snapshot ${id}`, `Its manifest needs chunk ${chunk}, which is in none of its packs.`);
    }
  }
  return {
    packs,
    sizes,
    of: successors.of,
    at: (site) => {
      if (successors.empty) return packs;
      const there = new Set<string>();
      for (const snapshot of snapshots) for (const pack of successors.of(snapshot, site)) there.add(pack);
      return there;
    },
  };
}

/**
 * Every chunk that a manifest refers to is in a pack of its snapshot. Needs an owner. A snapshot that is whole nowhere is
 * left out: what it lacks is told elsewhere.
 */
export async function checkManifests(
  access: RepositoryAccess,
  examined: ExaminedSource,
  { source, snapshots, needs }: Catalog,
  tell: Tell,
): Promise<void> {
  for (const snapshot of snapshots) {
    access.signal.throwIfAborted();
    const site = wholeAt(access, examined, needs, snapshot);
    if (site === undefined) continue;
    const say = (problem: string) =>
      tell({ site, object: `snapshot ${snapshot.id}`, problem, severity: 'damage', mendable: false });
    try {
      const reader = await SnapshotReader.open(accessAt(access, site), source, snapshot, () => {});
      for await (const line of reader.lines<{ kind: string; stream?: AnyStream }>()) {
        const missing = line.stream && (await missingChunk(reader, line.stream));
        if (missing === undefined) continue;
        say(`Its ${contentName(line)} needs chunk ${missing}, which is in none of its packs.`);
      }
    } catch (error) {
      if (!isHoldfastError(error, 'object-missing', 'object-damaged')) throw error;
      say(sentenceOf(error));
    }
  }
}

function wholeAt(
  access: RepositoryAccess,
  { listed }: ExaminedSource,
  needs: SourceNeeds,
  snapshot: KnownSnapshot,
): Site | undefined {
  const sites = sitesOf(access);
  return listed.find(
    ({ site, packs }) => sites.isLive(site) && [...needs.of(snapshot, site)].every((pack) => packs.has(pack)),
  )?.site;
}

/** The id of the first chunk of a stream that lies nowhere. @throws as StreamReader.read, when a list cannot be read */
async function missingChunk(reader: SnapshotReader, stream: AnyStream): Promise<string | undefined> {
  for await (const ids of reader.streams.ids(stream)) {
    const { pack } = await reader.locate(ids);
    const missing = pack.indexOf(nowhere);
    if (missing >= 0) return Buffer.from(ids).toString('hex', missing * idLength, (missing + 1) * idLength);
  }
  return undefined;
}
