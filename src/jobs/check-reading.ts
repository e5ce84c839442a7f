import { isHoldfastError } from '../base/errors.ts';
import { type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { damage, type ExaminedSource, sentenceOf, wrongBytes } from '../repository/examine-source.ts';
import { openFrame } from '../repository/frame.ts';
import { PackOpener } from '../repository/index-load.ts';
import { promisedHash } from '../repository/layout.ts';
import { LocalState } from '../repository/local-state.ts';
import { hashObjects } from '../repository/object-hashes.ts';
import { dayOf, type OldestReading, ReadDays } from '../repository/read-days.ts';
import type { Tell } from '../repository/site-problem.ts';
import type { SiteObjects } from '../repository/source-objects.ts';
import { type OpenedSource, opensData } from '../repository/source-record.ts';

/** Which packs are read. */
export type ReadChoice =
  /** Part `part` of `parts`: the same packs each time. 1 of 1 reads all. */
  | { part: number; parts: number }
  /** Those read longest ago, until they are this part of all bytes: after as many runs, each has been read. */
  | { oldestOf: number };

export interface ReadFigures {
  /** Packs whose every byte was read and found right. */
  packsRead: number;
  bytesRead: number;
  /** How old the oldest reading is, after this one. */
  oldest?: OldestReading;
}

/** A long reading that is killed is not for nothing. */
const packsBetweenSaves = 512;

/**
 * Reads packs of one site, and remembers when. Without a choice it reads none, and tells how old the readings are.
 *
 * @param options.needed packs that matter; undefined: all
 * @param options.opened where it opens data, every chunk is held against its id too
 */
export async function readPacks(
  access: RepositoryAccess,
  { layout, name, id }: ExaminedSource,
  { site, packs }: SiteObjects,
  options: {
    choice?: ReadChoice | undefined;
    needed?: ReadonlySet<string> | undefined;
    opened?: OpenedSource | undefined;
  },
  tell: Tell,
): Promise<ReadFigures> {
  const { choice, needed, opened } = options;
  const today = dayOf(access.clock.now());
  const state = new LocalState(access.stateDirectory, access.trust.repositoryId);
  const days = await ReadDays.open(state, id, site.name);
  const relevant = needed ? [...packs.keys()].filter((pack) => needed.has(pack)) : [...packs.keys()];
  days.keep(relevant, today);
  const figures: ReadFigures = { packsRead: 0, bytesRead: 0 };
  const chosen = choice ? choose(relevant, packs, choice, days) : [];
  const total = chosen.reduce((sum, pack) => sum + packs.get(pack)!, 0);
  const opening = opened && opensData(opened) ? packCheck(access, opened) : undefined;
  const objects = chosen.map((pack) => [layout.pack(pack), packs.get(pack)!] as const);
  const activity = `Reading ${name ?? id} at ${site.name}`;
  try {
    let unsaved = 0;
    for await (const object of hashObjects(sitesOf(access), site, objects, access.signal)) {
      const pack = promisedHash(object.name)!;
      figures.bytesRead += packs.get(pack)!;
      if (!object.whole) {
        tell(damage(site, object.name, object.bytes ? wrongBytes : 'It is missing, or cannot be read whole.'));
      } else {
        const problem = await opening?.(pack, object.bytes!);
        if (problem === undefined) figures.packsRead++;
        else tell({ ...damage(site, object.name, problem), mendable: false });
        days.mark(pack, today);
        if (++unsaved % packsBetweenSaves === 0) await days.save();
      }
      access.emit({ type: 'progress', activity, done: figures.bytesRead, total, unit: 'bytes' });
    }
  } finally {
    await save(access, days);
  }
  const oldest = days.oldest(site.name, today);
  return { ...figures, ...(oldest && { oldest }) };
}

/** An account that may look, and not write the state, checks all the same. */
async function save({ emit }: RepositoryAccess, days: ReadDays): Promise<void> {
  try {
    await days.save();
  } catch (error) {
    if (!isHoldfastError(error, 'failed')) throw error;
    emit({ type: 'warning', text: `What was read is not remembered: ${sentenceOf(error)}` });
  }
}

function choose(
  relevant: readonly string[],
  sizes: ReadonlyMap<string, number>,
  choice: ReadChoice,
  days: ReadDays,
): string[] {
  // Packs are dealt to parts by their names, which are evenly spread and never change.
  if ('parts' in choice) {
    const { part, parts } = choice;
    return relevant.filter((pack) => Number.parseInt(pack.slice(0, 8), 16) % parts === part - 1);
  }
  const sum = relevant.reduce((bytes, pack) => bytes + sizes.get(pack)!, 0);
  const chosen: string[] = [];
  let bytes = 0;
  for (const pack of days.oldestFirst(relevant)) {
    if (bytes * choice.oldestOf >= sum) break;
    chosen.push(pack);
    bytes += sizes.get(pack)!;
  }
  return chosen;
}

/** Opens a pack and holds every chunk in it against its id; the problem in words, if there is one. */
function packCheck(
  access: RepositoryAccess,
  source: OpenedSource,
): (pack: string, bytes: Buffer) => Promise<string | undefined> {
  const opener = new PackOpener(access, source);
  const secret = Buffer.from(source.keys[0]!.chunkIdSecret, 'hex');
  return async (pack, bytes) => {
    try {
      const { entries, frames } = await opener.whole(pack, bytes);
      let at = 0;
      for (const { id, length, rawLength } of entries) {
        openFrame(secret, id, frames.subarray(at, at + length), rawLength);
        at += length;
      }
      return undefined;
    } catch (error) {
      if (!isHoldfastError(error, 'object-damaged', 'wrong-key')) throw error;
      return sentenceOf(error);
    }
  };
}
