/** How to reach a PostgreSQL database. Survives structured cloning, so lanes can be handed one. */
export interface PostgresConnection {
  /** Host name, address, or the directory of a Unix socket (starts with `/`). */
  host: string;
  port: number;
  user: string;
  database: string;
  password?: string;
  /** As libpq's sslmode; `prefer` when left out, as libpq does. */
  sslmode?: 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
  /** Path of the CA certificate. */
  sslrootcert?: string;
  /** Address to use instead of looking `host` up: sessions that share an exported snapshot must reach one server. */
  address?: string;
}

/** How people write it; holds no secret. */
export function describeConnection({ host, port, user, database }: PostgresConnection): string {
  return `${JSON.stringify(database)} on ${host}:${port} as ${JSON.stringify(user)}`;
}

/** The same in the environment variables of libpq, for the programs that come with PostgreSQL. */
export function libpqEnvironment(connection: PostgresConnection): Record<string, string> {
  const { host, port, user, database, password, sslmode, sslrootcert, address } = connection;
  return {
    PGHOST: host,
    ...(address === undefined ? {} : { PGHOSTADDR: address }),
    PGPORT: String(port),
    PGUSER: user,
    // Unlike an argument this is never taken for a connection string, whatever the name holds.
    PGDATABASE: database,
    ...(password === undefined ? {} : { PGPASSWORD: password }),
    PGPASSFILE: '/dev/null',
    PGSSLMODE: sslmode ?? 'prefer',
    ...(sslrootcert === undefined ? {} : { PGSSLROOTCERT: sslrootcert }),
    PGGSSENCMODE: 'disable',
    PGCONNECT_TIMEOUT: '30',
  };
}
