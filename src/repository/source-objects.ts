import type { Site } from '../sites/site.ts';
import { HashTexts } from './hash-texts.ts';
import { promisedHash, type SourceLayout } from './layout.ts';
import type { RunSites } from './run-sites.ts';

/** What an object of a source is. Those of a kind in `namedByHash` never change. */
export type ObjectKind =
  | 'source'
  | 'key'
  | 'answer'
  | 'pack'
  | 'index'
  | 'snapshot'
  | 'tombstone'
  | 'pin'
  | 'distrust'
  | 'proof'
  /** Lies at one site, and changes all the time: nothing is compared. */
  | 'lease';

const directories = new Map<string, ObjectKind>([
  ['packs', 'pack'],
  ['index', 'index'],
  ['snapshots', 'snapshot'],
  ['tombstones', 'tombstone'],
  ['pins', 'pin'],
  ['distrusted', 'distrust'],
  ['proofs', 'proof'],
]);

/** Kind of an object by its name; undefined when the format knows no such name: docs/format.md §1. */
export function kindOf(layout: SourceLayout, name: string): ObjectKind | undefined {
  if (name === layout.source) return 'source';
  const [first = '', second = '', third] = name.slice(layout.prefix.length).split('/');
  const hash = promisedHash(name);
  if (first === 'packs') return hash !== undefined && name === layout.pack(hash) ? 'pack' : undefined;
  const kind = directories.get(first);
  if (kind !== undefined) return hash !== undefined && third === undefined ? kind : undefined;
  if (first === 'keys') return /^\d+$/.test(second) && /^[a-z0-9._-]+\.age$/.test(third ?? '') ? 'key' : undefined;
  if (first === 'answers') return /^[a-z0-9._-]+\.json$/.test(second) && third === undefined ? 'answer' : undefined;
  return first === 'leases' ? 'lease' : undefined;
}

/** What one site lists of a source. */
export interface SiteObjects {
  site: Site;
  /** Hash → size in bytes. */
  packs: Map<string, number>;
  /** Of the other kinds, but for leases: name → size in bytes. */
  others: Map<string, number>;
  /** Names that the format does not know. */
  strange: string[];
  /** Of the names of packs, at all sites. */
  texts?: HashTexts;
}

/** Lists a source at every live site; in the order of the configuration. @throws when no site is left */
export async function listSourceObjects(sites: RunSites, layout: SourceLayout): Promise<SiteObjects[]> {
  const texts = new HashTexts();
  const listed = await sites.each(async (site) => {
    const found: SiteObjects = { site, packs: new Map(), others: new Map(), strange: [], texts };
    for await (const { name, size } of site.list(layout.prefix)) {
      const kind = kindOf(layout, name);
      if (kind === 'pack') found.packs.set(texts.of(promisedHash(name)!), size);
      else if (kind === undefined) found.strange.push(name);
      else if (kind !== 'lease') found.others.set(name, size);
    }
    return found;
  });
  return [...listed.values()];
}
