import { HoldfastError } from '../../base/errors.ts';
import type { ArchiveToc } from './archive-toc.ts';
import type { DatabaseLine } from './manifest.ts';
import { quoteIdentifier } from './quote.ts';
import { splitNames } from './setting-values.ts';

/** New tablespace by old one; an empty new one is the default. */
export type TablespaceMap = ReadonlyMap<string, string>;

const standard = 'pg_default';

/** @throws HoldfastError `usage` for a tablespace in which nothing of the snapshot lies */
export function assertKnownTablespaces(database: DatabaseLine, map: TablespaceMap): void {
  const known = new Set([database.tablespace, ...database.tablespaces.map(({ name }) => name)]);
  const unknown = [...map.keys()].filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new HoldfastError('usage', `Nothing of the snapshot lies in the tablespace ${unknown.join(', ')}.`, {
    why: `Its tablespaces are ${[...known].join(', ')}.`,
    hint: 'Write --tablespace-map OLD=NEW with one of those as OLD.',
  });
}

/**
 * The database in other tablespaces. Those that it no longer needs are gone from its list, and settings that name one
 * follow.
 */
export function mapDatabaseTablespaces(database: DatabaseLine, map: TablespaceMap): DatabaseLine {
  if (map.size === 0) return database;
  const to = (name: string) => map.get(name) ?? name;
  const names = new Map(database.tablespaces.map((each) => [to(each.name), { ...each, name: to(each.name) }]));
  return {
    ...database,
    tablespace: to(database.tablespace) || standard,
    tablespaces: [...names.values()].filter(({ name }) => name !== '' && name !== standard),
    settings: database.settings.map(({ role, values }) => ({
      role,
      values: values.map((value) => setting(value, to)),
    })),
  };
}

function setting(value: string, to: (name: string) => string): string {
  const [name, ...rest] = value.split('=');
  const old = rest.join('=');
  if (name === 'default_tablespace') return `${name}=${to(old)}`;
  if (name !== 'temp_tablespaces') return value;
  return `${name}=${splitNames(old).map(to).map(asStored).join(', ')}`;
}

/** Names in a stored list are quoted where they must be. */
function asStored(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : quoteIdentifier(name);
}

/**
 * The archive in other tablespaces.
 *
 * @param database mapped already: what lies where the database lies has no tablespace of its own
 */
export function mapArchiveTablespaces(toc: ArchiveToc, map: TablespaceMap, database: DatabaseLine): ArchiveToc {
  if (map.size === 0) return toc;
  const entries = toc.entries.map((entry) => {
    const to = entry.tablespace === null || entry.tablespace === '' ? undefined : map.get(entry.tablespace);
    if (to === undefined && entry.tablespace !== database.tablespace) return entry;
    const tablespace = to === undefined ? entry.tablespace! : to;
    return { ...entry, tablespace: tablespace === database.tablespace ? '' : tablespace };
  });
  return { ...toc, entries };
}
