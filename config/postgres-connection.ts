/** How a PostgreSQL database is reached: a URL or a mapping, read to the same thing. */
import { z } from 'zod';
import { secret } from './secrets.ts';
import { suggestion } from './suggestion.ts';
import { count, text } from './values.ts';

export const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof sslModes)[number];

export const defaultPostgresPort = 5432;
/** libpq's own. `verify-full` is the one that keeps out whoever sits in between. */
export const defaultSslMode = 'prefer';

/** The server and database, without the password. */
export interface PostgresConnection {
  /** A name, an address, or the directory of a Unix socket when it starts with `/`. */
  host: string;
  port: number;
  user: string;
  database: string;
  sslmode: SslMode;
  /** PEM file of the certificate authorities, or `system`. */
  sslrootcert?: string | undefined;
}

/** As it is written: the database is empty in a URL, or undefined in a mapping, that names none. */
export type WrittenConnection = Omit<PostgresConnection, 'database'> & { database?: string | undefined };

const noHost = 'host.invalid';
const passwordHint = 'leave it out and write `password: {env: NAME}`, or {file: …}, beside `connection`';
const parameters = ['host', 'port', 'user', 'dbname', 'sslmode', 'sslrootcert'] as const;
const passwordParameters = new Set(['password', 'passfile', 'sslpassword']);

const connectionUrl = z
  .string()
  .transform((value, context): WrittenConnection => {
    const read = readUrl(value);
    if ('connection' in read) return read.connection;
    for (const message of read.problems) context.addIssue({ code: 'custom', message });
    return z.NEVER;
  })
  .meta({
    description: '`postgres://user@host:port/database?sslmode=…&sslrootcert=…`, without a password.',
    samples: ['postgres://backup@db.example.org:5432/app?sslmode=verify-full'],
  });

const connectionParts = z.strictObject({
  host: text.meta({
    description: 'Name or address of the server, or the directory of its Unix socket.',
    samples: ['/var/run/postgresql'],
  }),
  port: count(1, 65_535)
    .default(defaultPostgresPort)
    .meta({ description: 'Its port.', samples: [5433] }),
  user: text.meta({ description: 'The role that backs up.', samples: ['backup'] }),
  database: text
    .optional()
    .meta({ description: 'The database.', samples: ['app'], defaultText: 'none; of a cluster `postgres`' }),
  password: secret
    .optional()
    .meta({ description: "The role's password.", samples: [{ env: 'APP_PASSWORD' }], defaultText: 'none' }),
  sslmode: z
    .enum(sslModes)
    .default(defaultSslMode)
    .meta({
      description: 'How TLS is used, in the words of libpq. `verify-full` is the one to use across a network.',
      samples: ['verify-full'],
    }),
  sslrootcert: text.optional().meta({
    description:
      "PEM file of the certificate authorities that the server's certificate is checked against, or `system` for those of the machine. Relative to the configuration file.",
    samples: ['/etc/ssl/db-ca.pem'],
    defaultText: 'none',
  }),
});

/** Its database may be missing. */
export const connection = z.union([connectionUrl, connectionParts], {
  error: 'expected a postgres:// URL or a mapping of host, port, user and database',
});

/** Where a database is needed: tells of a connection, at `path`, that names none. */
export function noteMissingDatabase(
  { database }: WrittenConnection,
  context: z.RefinementCtx,
  path: readonly string[],
): void {
  if (database) return;
  const at = database === undefined ? [...path, 'database'] : [...path];
  context.addIssue({ code: 'custom', path: at, message: 'the URL names no database' });
}

/** A connection that names its database. */
export const databaseConnection = connection.superRefine((read, context) => noteMissingDatabase(read, context, []));

/** Nothing of the URL goes into a problem: it may hold a password where nobody expects one. */
function readUrl(value: string): { connection: WrittenConnection } | { problems: string[] } {
  let url: URL;
  // libpq's `postgres://user@/database?host=/socket` is no URL to others: it gets a host for as long as it is read.
  const hostless = /^(postgres(?:ql)?:\/\/[^/?#@]*@)(?=[/?#]|$)/;
  try {
    url = new URL(value.replace(hostless, `$1${noHost}`));
  } catch {
    return { problems: [`expected a URL postgres://user@host:port/database; if it holds a password, ${passwordHint}`] };
  }
  const problems: string[] = [];
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    problems.push('expected a URL that starts with postgres://');
  }
  if (url.password !== '' || [...url.searchParams.keys()].some((key) => passwordParameters.has(key))) {
    problems.push(`the URL holds a password; ${passwordHint}`);
  }
  if (url.hash !== '') problems.push('the URL has a `#`; write it as %23 where it belongs to a name');
  for (const key of new Set(url.searchParams.keys())) {
    if ((parameters as readonly string[]).includes(key) || passwordParameters.has(key)) continue;
    const meant = suggestion(key, parameters);
    problems.push(
      `the URL has a parameter that is not supported; ${meant ? `did you mean \`${meant}\`?` : `known are ${parameters.join(', ')}`}`,
    );
  }
  let parts: Record<'host' | 'user' | 'database' | 'port', string>;
  try {
    parts = {
      host: url.searchParams.get('host') ?? hostOf(url),
      user: url.searchParams.get('user') ?? decodeURIComponent(url.username),
      database: url.searchParams.get('dbname') ?? decodeURIComponent(url.pathname.replace(/^\//, '')),
      port: url.searchParams.get('port') ?? url.port,
    };
  } catch {
    return { problems: [...problems, 'the URL has a `%` that starts no character; write it as %25'] };
  }
  for (const part of ['host', 'user'] as const) {
    if (parts[part] === '' || parts[part].includes('\0')) problems.push(`the URL names no ${part}`);
  }
  // By itself it is none: a cluster does without.
  if (parts.database.includes('\0') || (parts.database === '' && problems.length > 0)) {
    problems.push('the URL names no database');
  }
  if (parts.host.includes(',')) problems.push('the URL names several hosts; one is supported');
  const port = parts.port === '' ? defaultPostgresPort : Number(parts.port);
  if (!/^\d*$/.test(parts.port) || port < 1 || port > 65_535) problems.push('the URL has a port that is none');
  const sslmode = url.searchParams.get('sslmode') ?? defaultSslMode;
  if (!isSslMode(sslmode)) problems.push(`the URL has an sslmode that is none of ${sslModes.join(', ')}`);
  const sslrootcert = url.searchParams.get('sslrootcert') || undefined;
  if (problems.length > 0 || !isSslMode(sslmode)) return { problems };
  const { host, user, database } = parts;
  return { connection: { host, port, user, database, sslmode, ...(sslrootcert && { sslrootcert }) } };
}

function hostOf({ hostname }: URL): string {
  return hostname === noHost ? '' : decodeURIComponent(hostname).replace(/^\[(.*)\]$/, '$1');
}

function isSslMode(value: string): value is SslMode {
  return (sslModes as readonly string[]).includes(value);
}
