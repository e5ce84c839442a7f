import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import type { Site } from '../sites/site.ts';
import { type RepositoryAccess, sitesOf } from './access.ts';
import { HashTexts } from './hash-texts.ts';
import { type LoadedIndex, loadIndexes } from './index-load.ts';
import { LocalState, writeDurably } from './local-state.ts';
import { type Listed, type Replacement, Replacements } from './replacements.ts';
import type { RunSites } from './run-sites.ts';
import type { OpenedSource } from './source-record.ts';

/**
 * What an index object replaces; undefined when it replaces nothing. Of a host it never counts: a host cannot open packs, so
 * a stolen one could have good packs removed in favour of garbage.
 */
export function replacementOf(index: LoadedIndex): Replacement | undefined {
  const { id, role, time, packs, replaces, snapshots, sites } = index;
  if (replaces === undefined || replaces.length === 0 || role === 'backup') return undefined;
  return {
    id,
    time: Date.parse(time),
    replaces,
    packs: new Map(packs.map(({ pack, size }) => [pack, size])),
    snapshots: new Set(snapshots),
    sites: new Set(sites),
  };
}

/**
 * What was compacted. Only index objects that this machine does not know to replace nothing are read: they never change.
 *
 * @throws HoldfastError when no site is left
 */
export async function loadReplacements(
  access: RepositoryAccess,
  source: OpenedSource,
  sites: RunSites = sitesOf(access),
): Promise<Replacements> {
  const memory = new PlainIndexes(access, source);
  const plain = await memory.read();
  const found: Replacement[] = [];
  const before = plain.size;
  const listed = new Set<string>();
  const isUnknown = (id: string) => {
    listed.add(id);
    return !plain.has(id);
  };
  for await (const index of loadIndexes(access, source, () => {}, sites, isUnknown, { texts: new HashTexts() })) {
    const replacement = replacementOf(index);
    if (replacement) found.push(replacement);
    // One that replaces something counts once the configuration gives its signer the role.
    else if (index.replaces === undefined) plain.add(index.id);
  }
  if (plain.size > before) await memory.write([...plain].filter((id) => listed.has(id)));
  return new Replacements(found);
}

/** What one site lists, or several together. @param packsAt name → bytes, for each site */
export function listedAt(packsAt: ReadonlyMap<Site, ReadonlyMap<string, number>>, site?: Site): Listed {
  const lists = site === undefined ? [...packsAt.values()] : [packsAt.get(site) ?? new Map<string, number>()];
  return {
    has: (pack, size) => lists.some((list) => (size === undefined ? list.has(pack) : list.get(pack) === size)),
    ...(site && { site: site.name }),
  };
}

/** Ids of index objects that this machine has read, and that replace nothing. A cache: its loss costs reading them again. */
class PlainIndexes {
  readonly #state: LocalState;
  readonly #source: OpenedSource;

  constructor(access: RepositoryAccess, source: OpenedSource) {
    this.#state = new LocalState(access.stateDirectory, access.trust.repositoryId);
    this.#source = source;
  }

  get #path(): string {
    return join(this.#state.directory, 'cache', this.#source.layout.id, 'plain-indexes.json');
  }

  async read(): Promise<Set<string>> {
    try {
      const ids: unknown = JSON.parse(await readFile(this.#path, 'utf8'));
      return new Set(Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : []);
    } catch (error) {
      if (error instanceof SyntaxError || systemCode(error) !== undefined) return new Set();
      throw error;
    }
  }

  async write(ids: readonly string[]): Promise<void> {
    // Where the state directory cannot be written, whoever needs it says so.
    await writeDurably(this.#path, Buffer.from(`${JSON.stringify(ids)}\n`)).catch(() => {});
  }
}
