import { randomBytes } from 'node:crypto';
import { access, lstat, mkdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { findBinaries, serverPrograms } from '../../src/sources/postgres/binaries.ts';
import {
  removeLeakedThrowaways,
  startThrowaway,
  type Throwaway,
  type ThrowawayConnection,
  type ThrowawayOptions,
} from '../../src/sources/postgres/throwaway.ts';

/** Real PostgreSQL servers for tests. */

/** Where tests keep their clusters; what a killed run left in it is removed by the next one. */
export const clusterParent = join(tmpdir(), `holdfast-test-${process.getuid?.() ?? 'user'}`);

/** A directory name for a cluster, below `clusterParent`. */
export function clusterDirectory(): string {
  return join(clusterParent, randomBytes(6).toString('hex'));
}

export interface DatabaseOptions {
  encoding?: string;
  /** Both collation and character classes. */
  locale?: string;
  owner?: string;
  /** Default `template0`. */
  template?: string;
}

export interface TestCluster {
  /** @throws when used before the first test */
  readonly throwaway: Throwaway;
  /** To database `postgres`, as a superuser. */
  readonly connection: ThrowawayConnection;
  /** Makes a database and tells how to connect to it. */
  createDatabase(name: string, options?: DatabaseOptions): Promise<ThrowawayConnection>;
  /** A connected client, ended after the file's last test. Default database: `postgres`. */
  client(database?: string, config?: pg.ClientConfig): Promise<pg.Client>;
}

export type ClusterOptions = Omit<Partial<ThrowawayOptions>, 'directory' | 'environment' | 'template'>;

/** A cluster for this test file: started before its first test, removed after its last. Call it at the top level. */
export function useCluster(options: ClusterOptions = {}): TestCluster {
  let started: Throwaway | undefined;
  const clients: pg.Client[] = [];
  const cluster: TestCluster = {
    get throwaway() {
      if (started === undefined) throw new Error('the cluster runs only while tests do');
      return started;
    },
    get connection() {
      return cluster.throwaway.connection;
    },
    async createDatabase(name, { template = 'template0', encoding, locale, owner } = {}) {
      const clauses = [`TEMPLATE ${pg.escapeIdentifier(template)}`];
      if (encoding !== undefined) clauses.push(`ENCODING ${pg.escapeLiteral(encoding)}`);
      if (locale !== undefined) clauses.push(`LOCALE ${pg.escapeLiteral(locale)}`);
      if (owner !== undefined) clauses.push(`OWNER ${pg.escapeIdentifier(owner)}`);
      const client = new pg.Client(cluster.connection);
      await client.connect();
      try {
        await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} ${clauses.join(' ')}`);
      } finally {
        await client.end();
      }
      return { ...cluster.connection, database: name };
    },
    async client(database = 'postgres', config = {}) {
      const client = new pg.Client({ ...cluster.connection, database, ...config });
      await client.connect();
      clients.push(client);
      return client;
    },
  };
  beforeAll(async () => {
    await removeLeakedThrowaways(clusterParent);
    started = await startTestCluster(options);
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end().catch(() => {})));
    await started?.remove();
  });
  return cluster;
}

/** Starts a cluster that the caller removes; from a cached data directory where initdb would make an equal one. */
export async function startTestCluster(options: ClusterOptions = {}): Promise<Throwaway> {
  const { major, locale, encoding, initdbArguments, binaries } = options;
  const plain =
    locale === undefined && encoding === undefined && initdbArguments === undefined && binaries === undefined;
  const template = plain ? await cachedTemplate(major, options.unprivilegedUser) : undefined;
  return startThrowaway({ ...options, directory: clusterDirectory(), environment: process.env, template });
}

/** initdb takes 0.5 s, a copy of what it made 0.06 s. */
async function cachedTemplate(major: number | undefined, unprivilegedUser = 'nobody'): Promise<string> {
  const { version } = await findBinaries({ programs: serverPrograms, major, path: process.env.PATH });
  const home = join(clusterParent, 'templates');
  await mkdir(home, { recursive: true });
  // Others can write to the directory above; what they put there must not become a server's configuration.
  if ((await lstat(clusterParent)).uid !== process.getuid?.()) throw new Error(`${clusterParent} is somebody else's`);
  const template = join(home, `${version}-${unprivilegedUser}`);
  const exists = () =>
    access(join(template)).then(
      () => true,
      () => false,
    );
  if (await exists()) return template;
  const made = await startThrowaway({
    directory: clusterDirectory(),
    environment: process.env,
    major,
    unprivilegedUser,
  });
  await made.stop();
  try {
    await rename(join(made.directory, 'data'), template);
  } catch (error) {
    // Another test file was quicker.
    if (!(await exists())) throw error;
  }
  await made.remove();
  await rm(join(made.directory), { recursive: true, force: true });
  return template;
}
