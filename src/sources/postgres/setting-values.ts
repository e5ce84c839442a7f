import { quoteIdentifier, quoteLiteral } from './quote.ts';

/**
 * Settings whose value is a list of names. The server stores such a list with the names quoted where needed, and takes it
 * only as several values: given as one, it would be one strange name.
 */
const lists = new Set([
  'local_preload_libraries',
  'restrict_nonsystem_relation_kind',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

/** `SET <name> TO <value>`, for ALTER ROLE and ALTER DATABASE, from `name=value` as the server stores it. */
export function setClause(stored: string): string {
  const at = stored.indexOf('=');
  const name = stored.slice(0, at);
  const value = stored.slice(at + 1);
  // Settings of extensions have a prefix: each part is a name.
  const quoted = name.split('.').map(quoteIdentifier).join('.');
  const values = lists.has(name.toLowerCase()) ? splitNames(value) : [value];
  return `SET ${quoted} TO ${values.map(quoteLiteral).join(', ')}`;
}

/** `"$user", public` → `$user`, `public`. */
export function splitNames(list: string): string[] {
  const names = [...list.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^",]+))\s*(?:,|$)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain!.trim(),
  );
  return names.length === 0 ? [''] : names;
}
