import { createHmac } from 'node:crypto';
import { sha256Hex } from '../crypt/secrets.ts';
import { clusterOf } from './source-name.ts';

/** Names of objects on a site; docs/format.md §1. */

export const formatVersion = 1;

export const rootObjects = {
  repository: 'holdfast.json',
  trust: 'trust.json',
  recoveryText: 'RECOVERY.md',
  recoveryScript: 'recover.sh',
} as const;

/** Scripts that escrow sheets name by their hash stay, when a newer version of the program brings another. */
export const recoverScriptCopy = (sha256: string) => `recover/${sha256}`;

/** Where `doctor` tries a site out. Nothing else reads what lies there, and sync passes over it. */
export const probePrefix = 'probes/';

export const trustCopy = (sha256: string) => `trust/${sha256}`;

/** The id under which a repository's objects know each other. @param key the configuration's random hex string */
export function repositoryIdOf(key: string): string {
  return sha256Hex('holdfast repository\0', key).slice(0, 32);
}

/** Hex digits that the ids of all databases of a cluster begin with: half of an id. */
const clusterDigits = 16;

/**
 * The opaque id of a source: the operator of a site cannot confirm a guessed name. Those of the databases of a cluster
 * begin like the cluster's own, so that who may act for the cluster can be told from the ids alone.
 */
export function sourceIdOf(key: string, sourceName: string): string {
  const cluster = clusterOf(sourceName);
  const own = createHmac('sha256', key).update(`source\0${sourceName}`).digest('hex');
  if (cluster === undefined) return own.slice(0, 32);
  return clusterPrefixOf(sourceIdOf(key, cluster)) + own.slice(0, 32 - clusterDigits);
}

/** What the ids of a cluster's databases begin with. @param clusterId the id of the cluster's own name */
export function clusterPrefixOf(clusterId: string): string {
  return clusterId.slice(0, clusterDigits);
}

/** The directory of all sources. */
export const sourcesPrefix = 'sources/';

/** The objects of one source. */
export class SourceLayout {
  readonly id: string;
  readonly prefix: string;

  constructor(sourceId: string) {
    this.id = sourceId;
    this.prefix = `${sourcesPrefix}${sourceId}/`;
  }

  get source(): string {
    return `${this.prefix}source.json`;
  }

  key(generation: number, party: string): string {
    return `${this.prefix}keys/${generation}/${party}.age`;
  }

  answer(party: string): string {
    return `${this.prefix}answers/${party}.json`;
  }

  get packs(): string {
    return `${this.prefix}packs/`;
  }

  pack(sha256: string): string {
    return `${this.packs}${sha256.slice(0, 2)}/${sha256}`;
  }

  get index(): string {
    return `${this.prefix}index/`;
  }

  get snapshots(): string {
    return `${this.prefix}snapshots/`;
  }

  get tombstones(): string {
    return `${this.prefix}tombstones/`;
  }

  get pins(): string {
    return `${this.prefix}pins/`;
  }

  get distrusted(): string {
    return `${this.prefix}distrusted/`;
  }

  get proofs(): string {
    return `${this.prefix}proofs/`;
  }

  get leases(): string {
    return `${this.prefix}leases/`;
  }
}

const hashName = /^[0-9a-f]{64}$/;

/** The SHA-256 that an object's name promises: its last segment. Undefined when it is no such name. */
export function promisedHash(name: string): string | undefined {
  const last = name.slice(name.lastIndexOf('/') + 1);
  if (!hashName.test(last)) return undefined;
  // A text of its own: a part of a text keeps the whole of it in memory, and there are a hundred thousand packs.
  return last.length === name.length ? name : Buffer.from(last, 'latin1').toString('latin1');
}
