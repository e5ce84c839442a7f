/** A PostgreSQL URL from the command line. Nothing of it is ever quoted: it may hold a password. */
import { findingsOf } from '../config/findings.ts';
import { databaseConnection, type PostgresConnection } from '../config/postgres-connection.ts';
import { badUsage } from './usage.ts';

export interface PostgresUrl {
  /** Without the password. */
  url: string;
  connection: PostgresConnection;
  password?: string;
}

/** @throws HoldfastError `usage` */
export function readPostgresUrl(text: string, flag: string): PostgresUrl {
  let url: URL;
  try {
    url = new URL(withHost(text));
  } catch {
    throw badUsage(`${flag} wants a URL postgres://user@host:port/database.`);
  }
  const password = url.searchParams.get('password') ?? decoded(url.password);
  url.searchParams.delete('password');
  if (url.searchParams.get('host') === decoded(url.hostname)) url.searchParams.delete('host');
  url.password = '';
  const read = databaseConnection.safeParse(url.href);
  if (!read.success) {
    const problems = findingsOf(databaseConnection, url.href, read.error.issues);
    throw badUsage(`${flag} cannot be used: ${problems.map(({ message }) => message).join('; ')}.`);
  }
  const { password: _none, ...server } = read.data as PostgresConnection & { password?: unknown };
  return { url: url.href, connection: server, ...(password !== '' && { password }) };
}

/**
 * `postgres://user@/database?host=/socket`, as libpq takes it, is no URL to everybody else: the host that stands among the
 * parameters, or a server on this machine, is put where hosts stand.
 */
function withHost(text: string): string {
  const [, start, rest] = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)((?:[/?:].*)?)$/is.exec(text) ?? [];
  if (start === undefined || rest === undefined) return text;
  const query = rest.indexOf('?');
  const given = query < 0 ? null : new URLSearchParams(rest.slice(query)).get('host');
  return `${start}${encodeURIComponent(given || 'localhost')}${rest}`;
}

/** A password that is not encoded well is what was written. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
