/** Key objects have fixed names, so two acts at the same moment write over each other's; one of them puts that right. */
import { sha256Hex } from '../crypt/secrets.ts';
import type { Site } from '../sites/site.ts';
import type { SourceLayout } from './layout.ts';

/**
 * Writes key objects.
 *
 * @param objects name → bytes
 * @param before gets what lay there under these names: left by an act that was cut off, or of one under way
 * @param isOvertaken whether another is done already; then nothing more of it is written over
 * @returns whether all of them were written
 */
export async function writeKeyObjects(
  site: Site,
  objects: ReadonlyMap<string, Buffer>,
  before: Map<string, Buffer>,
  isOvertaken: () => Promise<boolean>,
): Promise<boolean> {
  for (const [name, bytes] of objects) {
    if ((await site.create(name, bytes)) === 'created') continue;
    const found = await site.read(name);
    if (found.equals(bytes)) continue;
    if (await isOvertaken()) return false;
    before.set(name, found);
    await site.replace(name, bytes);
  }
  return true;
}

/** Puts back what ours were written over, as far as the record that stands names it. */
export async function putBackKeyObjects(
  site: Site,
  layout: SourceLayout,
  before: ReadonlyMap<string, Buffer>,
): Promise<void> {
  if (before.size === 0) return;
  const { payload } = JSON.parse((await site.read(layout.source)).toString('utf8')) as { payload: string };
  const { generations } = JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as {
    generations: { generation: number; keys: { party: string; sha256: string }[] }[];
  };
  const hashes = new Map(
    generations.flatMap(({ generation, keys }) => keys.map((key) => [layout.key(generation, key.party), key.sha256])),
  );
  for (const [name, bytes] of before) if (hashes.get(name) === sha256Hex(bytes)) await site.replace(name, bytes);
}

/** Sees to it that these are the ones that lie there. @returns whether they were */
export async function confirmKeyObjects(site: Site, objects: ReadonlyMap<string, Buffer>): Promise<boolean> {
  let right = true;
  for (const [name, bytes] of objects) {
    if ((await site.read(name)).equals(bytes)) continue;
    right = false;
    await site.replace(name, bytes);
  }
  return right;
}
