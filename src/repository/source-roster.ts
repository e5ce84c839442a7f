import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isHoldfastError } from '../base/errors.ts';
import { parseEnvelope } from '../crypt/dsse.ts';
import { partiesAtHand, type RepositoryAccess, sitesOf } from './access.ts';
import { clusterPrefixOf, SourceLayout } from './layout.ts';
import { LocalState, writeDurably } from './local-state.ts';
import { readAhead } from './read-ahead.ts';
import { sourceDirectories } from './source-directories.ts';
import { openKeysOf } from './source-keys.ts';
import { clusterOf } from './source-name.ts';
import type { SourceRecord } from './source-record.ts';

/** The sources of one cluster that the sites hold, whether or not the server still has their databases. */
export interface ClusterRoster {
  /** Names, sorted. */
  names: string[];
  /** Whether there is a source of the cluster's own name too: from when it was one database. */
  ownSource: boolean;
  /** Ids of sources whose name no key at hand tells. */
  closed: string[];
}

/** Names that are asked for at the same time. */
const readsUnderWay = 8;

/**
 * What a repository holds of a cluster. It is told by the sites, so that a machine without any memory knows it too: ids
 * of the databases begin alike, and the name of each lies in its key objects. Names that were read once are remembered;
 * a name that is remembered wrongly is noticed, since the id follows from it.
 *
 * @param cluster name of the source in the configuration
 */
export async function clusterRoster(access: RepositoryAccess, cluster: string): Promise<ClusterRoster> {
  const { trust, signal } = access;
  const own = trust.sourceId(cluster);
  const prefix = clusterPrefixOf(own);
  const ids = (await sourceIds(access)).filter((id) => id.startsWith(prefix));
  const memory = new NameMemory(access, prefix);
  const remembered = await memory.read();
  const names = new Map<string, string>();
  const closed: string[] = [];
  const members = ids.filter((id) => id !== own);
  const found = readAhead(members, readsUnderWay, async (id) => {
    signal.throwIfAborted();
    const known = remembered.get(id);
    const fits = known !== undefined && clusterOf(known) === cluster && trust.sourceId(known) === id;
    return { id, name: fits ? known : await readName(access, cluster, id) };
  });
  for await (const { id, name } of found) {
    if (name === undefined) closed.push(id);
    else names.set(id, name);
  }
  await memory.write(names, remembered);
  return { names: [...names.values()].sort(), ownSource: ids.includes(own), closed };
}

async function sourceIds(access: RepositoryAccess): Promise<string[]> {
  const sites = sitesOf(access);
  const lists = await sites.each((site) => sourceDirectories(site));
  return [...new Set([...lists.values()].flat())].sort();
}

/**
 * The name in the first key object that one of the parties at hand opens. It is believed because the id follows from it;
 * whether the source can be trusted is seen when it is opened.
 */
async function readName(access: RepositoryAccess, cluster: string, id: string): Promise<string | undefined> {
  const layout = new SourceLayout(id);
  for (const site of sitesOf(access).live) {
    try {
      const { payload } = parseEnvelope(await site.read(layout.source));
      const { generations } = JSON.parse(payload.toString('utf8')) as SourceRecord;
      for (const { generation, keys } of [...generations].reverse()) {
        for (const party of partiesAtHand(access)) {
          const entry = keys.find((key) => key.party === party.name);
          if (!entry) continue;
          const { name } = await openKeysOf(party, await site.read(layout.key(generation, party.name)), entry.sha256);
          if (clusterOf(name) === cluster && access.trust.sourceId(name) === id) return name;
        }
      }
    } catch (error) {
      // Damaged, half begun, or not for us: another site may have it whole.
      if (!isHoldfastError(error) && !(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
    }
  }
  return undefined;
}

/** What this machine remembers of names: a cache, so that thousands of sources do not cost a read each at every run. */
class NameMemory {
  readonly #path: string;

  constructor({ stateDirectory, trust }: RepositoryAccess, prefix: string) {
    this.#path = join(new LocalState(stateDirectory, trust.repositoryId).directory, 'names', `${prefix}.json`);
  }

  async read(): Promise<Map<string, string>> {
    try {
      const entries = Object.entries(JSON.parse(await readFile(this.#path, 'utf8')));
      return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
    } catch {
      // Missing or damaged: then they are read anew.
      return new Map();
    }
  }

  async write(names: ReadonlyMap<string, string>, before: ReadonlyMap<string, string>): Promise<void> {
    const same = names.size === before.size && [...names].every(([id, name]) => before.get(id) === name);
    if (same) return;
    // Without the memory it is only slower, so a full disk must not fail a run here.
    await writeDurably(this.#path, Buffer.from(`${JSON.stringify(Object.fromEntries(names))}\n`)).catch(() => {});
  }
}
