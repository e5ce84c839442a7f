import type { RestoreContext } from '../source.ts';
import { type ArchiveToc, readToc } from './archive-toc.ts';
import type { DatabaseLine } from './manifest.ts';
import { type PostgresManifest, readManifest } from './manifest-read.ts';
import { assertKnownRoles, mapArchiveRoles, mapManifestRoles, mergesRoles, type RoleMap } from './role-map.ts';
import {
  assertKnownTablespaces,
  mapArchiveTablespaces,
  mapDatabaseTablespaces,
  type TablespaceMap,
} from './tablespace-map.ts';

/** Roles and tablespaces that take the place of those in a snapshot. Left out: none. */
export interface SnapshotMaps {
  roles?: RoleMap | undefined;
  tablespaces?: TablespaceMap | undefined;
}

const none: ReadonlyMap<string, string> = new Map();

/** @throws HoldfastError `usage` for a role or tablespace that the snapshot does not have */
export function mapManifest(manifest: PostgresManifest, maps: SnapshotMaps): PostgresManifest {
  const { roles = none, tablespaces = none } = maps;
  assertKnownRoles(manifest.database, roles);
  assertKnownTablespaces(manifest.database, tablespaces);
  const mapped = mapManifestRoles(manifest, roles);
  return { ...mapped, database: mapDatabaseTablespaces(mapped.database, tablespaces) };
}

/**
 * @param database mapped already
 * @throws HoldfastError `target-failed` naming a statement in which roles could not be told
 */
export function mapArchive(toc: ArchiveToc, maps: SnapshotMaps, database: DatabaseLine): ArchiveToc {
  const { roles = none, tablespaces = none } = maps;
  const mapped = roles.size === 0 ? toc : mapArchiveRoles(toc, roles);
  return mapArchiveTablespaces(mapped, tablespaces, database);
}

/** The archive of a restored database, written as mapArchive writes. */
export function likeMapped(toc: ArchiveToc, { roles = none }: SnapshotMaps): ArchiveToc {
  return roles.size === 0 ? toc : mapArchiveRoles(toc, none);
}

export interface MappedSnapshot {
  manifest: PostgresManifest;
  toc: ArchiveToc;
  /** Whether two roles of the snapshot have become one. */
  mergesRoles: boolean;
}

/** Reads the manifest and the schema archive of a snapshot. @throws as mapManifest and mapArchive, and reading does */
export async function readMapped(
  context: Pick<RestoreContext, 'lines' | 'reader'>,
  maps: SnapshotMaps,
): Promise<MappedSnapshot> {
  const original = await readManifest(context.lines());
  const manifest = mapManifest(original, maps);
  const toc = readToc(await context.reader.whole(manifest.archive.stream));
  return {
    manifest,
    toc: mapArchive(toc, maps, manifest.database),
    mergesRoles: mergesRoles(original.database, maps.roles ?? none),
  };
}
