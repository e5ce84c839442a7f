import { type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { SourceLayout } from '../repository/layout.ts';
import { LocalState } from '../repository/local-state.ts';
import { listAcross } from '../repository/objects-across-sites.ts';
import { listSnapshots } from '../repository/snapshot.ts';
import { openSource, readSourceRecord } from '../repository/source-record.ts';

/** The newest snapshot of a source that is there and not dropped; undefined when there is none. */
export async function newestSnapshot(
  access: RepositoryAccess,
  name: string,
): Promise<{ id: string; sequence: number; time: string } | undefined> {
  const sites = sitesOf(access);
  const layout = new SourceLayout(access.trust.sourceId(name));
  const objects = new Set((await listAcross(sites, layout.snapshots)).map((object) => object.name));
  if (objects.size === 0) return undefined;
  const { newest } = await new LocalState(access.stateDirectory, access.trust.repositoryId).read(layout.id);
  // What this machine remembers needs no key; but somebody may have dropped it since.
  if (newest && objects.has(layout.snapshots + newest.snapshot)) {
    const tombstones = await listAcross(sites, layout.tombstones);
    if (tombstones.length === 0) return { id: newest.snapshot, sequence: newest.sequence, time: newest.time };
  }
  if ((await readSourceRecord(access, name)) === undefined) return undefined;
  const { snapshots } = await listSnapshots(access, await openSource(access, name));
  const last = snapshots.at(-1);
  return last && { id: last.id, sequence: last.sequence, time: last.time };
}
