import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isoTime } from '../base/clock.ts';
import { systemCode } from '../base/errors.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import { writeDurably } from '../repository/local-state.ts';
import type { ClusterReport } from './cluster-backup.ts';

/** Which sources of a cluster get no backups any more, as the last run saw its server. */
export interface ClusterRecord {
  /** ISO 8601. */
  time: string;
  /** Names of sources whose database the server no longer has. */
  gone: string[];
}

/** Remembers of each cluster which databases are gone: of those, no new snapshot is to be expected. */
export async function recordClusters(access: RepositoryAccess, clusters: readonly ClusterReport[]): Promise<void> {
  for (const { source, dropped } of clusters) {
    const gone = dropped.map((database) => database.source).sort();
    const record: ClusterRecord = { time: isoTime(access.clock.now()), gone };
    await writeDurably(pathOf(access, source), Buffer.from(`${JSON.stringify(record)}\n`));
  }
}

/** Sources of a cluster whose database is gone; none when this machine does not know. */
export async function goneOf(access: Memory, cluster: string): Promise<Set<string>> {
  try {
    const { gone } = JSON.parse(await readFile(pathOf(access, cluster), 'utf8')) as ClusterRecord;
    return new Set(gone);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || systemCode(error) === 'ENOENT') return new Set();
    throw error;
  }
}

type Memory = Pick<RepositoryAccess, 'stateDirectory' | 'trust'>;

function pathOf({ stateDirectory, trust }: Memory, cluster: string): string {
  return join(stateDirectory, trust.repositoryId, 'clusters', `${cluster}.json`);
}
