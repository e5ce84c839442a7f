/** What `restore --to` says: a database, a schema in one, a cluster, or a directory. */
import { resolve } from 'node:path';
import type { Source } from '../config/sources.ts';
import type { RestoreTarget } from '../src/jobs/restore.ts';
import type { PostgresConnection } from '../src/sources/postgres/connection.ts';
import { readPostgresUrl } from './postgres-url.ts';
import { withPassword } from './source-settings.ts';
import { badUsage } from './usage.ts';

export interface TargetWords {
  /** `postgres://user@host/database`, the name of a database, `dir:/path` or a path. */
  to: string;
  intoSchema?: string | undefined;
  /** Source of the snapshot, when the configuration still has it. */
  source: Source | undefined;
  /** Reaches the server of that source, password included. */
  sourceConnection: () => Promise<PostgresConnection>;
  cwd: string;
  environment: Readonly<Record<string, string | undefined>>;
}

/** The database that a server always has, through which a new one is made. */
const maintenanceDatabase = 'postgres';

/** @throws HoldfastError `usage` */
export async function readTarget(words: TargetWords): Promise<RestoreTarget> {
  const { to, intoSchema, source, cwd } = words;
  if (to === '') throw badUsage('--to wants a target.');
  const directory = /^dir:(.*)$/s.exec(to)?.[1];
  const isUrl = /^postgres(ql)?:/i.test(to);
  const isDirectory = directory !== undefined || (!isUrl && (to.includes('/') || source?.type !== 'postgres'));
  if (isDirectory) {
    if (intoSchema !== undefined) throw badUsage('--into-schema wants a database.', 'Give one: --to postgres://….');
    if (directory === undefined && source?.type === 'postgres') {
      throw badUsage('A database goes into a database.', `For plain files write --to dir:${to}.`);
    }
    if (directory === '') throw badUsage('--to dir: wants a path.');
    return { kind: 'directory', path: resolve(cwd, directory ?? to) };
  }
  if (source?.type === 'postgres-globals') {
    if (intoSchema !== undefined) throw badUsage('Globals have no schemas.', 'Leave out --into-schema.');
    const { server, database } = fromUrl({ ...words, to: withDatabase(to) });
    return { kind: 'cluster', connection: { ...server, database } };
  }
  const { server, database } = isUrl ? fromUrl(words) : { server: await words.sourceConnection(), database: to };
  if (intoSchema !== undefined) return { kind: 'schema', connection: { ...server, database }, intoSchema };
  return {
    kind: 'database',
    admin: { ...server, database: isUrl ? maintenance(database) : throughFor(server, database) },
    database,
  };
}

/** The database through which the server is reached: not the one that may have to give up its name. */
function throughFor(server: PostgresConnection, database: string): string {
  return server.database === database ? maintenance(database) : server.database;
}

function maintenance(database: string): string {
  return database === maintenanceDatabase ? 'template1' : maintenanceDatabase;
}

/** A cluster is reached through any of its databases; a URL need not name one. */
function withDatabase(url: string): string {
  const [, start = '', path = '', rest = ''] = /^([^:]*:\/\/[^/?#]*)(\/[^?#]*)?(.*)$/s.exec(url) ?? [];
  const named = path.length > 1 || /[?&]dbname=/.test(rest);
  return named ? url : `${start}/${maintenanceDatabase}${rest}`;
}

function fromUrl({ to, environment }: TargetWords): { server: PostgresConnection; database: string } {
  const { connection, password } = readPostgresUrl(to, '--to');
  return { server: withPassword(connection, password ?? environment.PGPASSWORD), database: connection.database };
}

/** `public.people`, `people`, `"odd.name"."x"` → schema and name. @throws HoldfastError `usage` */
export function readTable(text: string): { schema?: string; name: string } {
  const part = /"(?:[^"]|"")+"|[^".]+/.source;
  const found = new RegExp(`^(?:(${part})\\.)?(${part})$`, 's').exec(text);
  if (!found) throw badUsage('--table wants table or schema.table.', 'A name with a dot stands in double quotes.');
  const [, schema, name] = found;
  return { ...(schema !== undefined && { schema: unquoted(schema) }), name: unquoted(name!) };
}

function unquoted(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text;
}

/**
 * `old=new`, several times.
 *
 * @param flag as it was given, for errors
 * @param emptyNew whether nothing may stand behind the sign
 * @throws HoldfastError `usage`
 */
export function readMap(flag: string, texts: readonly string[], emptyNew: boolean): Map<string, string> {
  const map = new Map<string, string>();
  for (const text of texts) {
    const part = /"(?:[^"]|"")+"|[^"=]+/.source;
    const found = new RegExp(`^(${part})=(${part})?$`, 's').exec(text);
    if (!found || (found[2] === undefined && !emptyNew)) {
      throw badUsage(`${flag} wants OLD=NEW.`, 'A name with an equals sign stands in double quotes.');
    }
    const old = unquoted(found[1]!);
    if (map.has(old)) throw badUsage(`${flag} names ${JSON.stringify(old)} twice.`, 'Keep one of them.');
    map.set(old, unquoted(found[2] ?? ''));
  }
  return map;
}
