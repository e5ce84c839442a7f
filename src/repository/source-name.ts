/**
 * Names of sources. An ordinary one has the name that the configuration gives it; a database of a whole cluster has
 * that name, a slash, and the name of the database: `main/app`.
 */

/** The source of one database of a cluster. Different databases never share a name. */
export function memberName(cluster: string, database: string): string {
  return `${cluster}/${encodeSegment(database)}`;
}

/** The cluster that a source belongs to; undefined for an ordinary one. */
export function clusterOf(name: string): string | undefined {
  const slash = name.indexOf('/');
  return slash < 0 ? undefined : name.slice(0, slash);
}

/** What a member's name has after the slash, as it is written there; undefined for an ordinary one. */
export function memberPart(name: string): string | undefined {
  const slash = name.indexOf('/');
  return slash < 0 ? undefined : name.slice(slash + 1);
}

/** The database that a member's name stands for; undefined for an ordinary one, and for what `memberName` never makes. */
export function databaseOf(name: string): string | undefined {
  const part = memberPart(name);
  if (part === undefined || part === '') return undefined;
  let database: string;
  try {
    database = decodeURIComponent(part);
  } catch {
    return undefined;
  }
  return encodeSegment(database) === part ? database : undefined;
}

/**
 * Whether what is allowed for the sources named `allowed` is allowed for `name`: the name of a cluster stands for all of
 * its databases.
 *
 * @param allowed undefined: all
 */
export function covers(allowed: readonly string[] | undefined, name: string): boolean {
  if (allowed === undefined || allowed.includes(name)) return true;
  const cluster = clusterOf(name);
  return cluster !== undefined && allowed.includes(cluster);
}

/** UTF-8, every byte but letters, digits, `.`, `_` and `-` as `%XX`. */
function encodeSegment(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    encoded += /[A-Za-z0-9._-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
