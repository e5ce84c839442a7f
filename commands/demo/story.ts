/** What the demo does, step by step, by the same jobs that the other commands call. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { renderConfig } from '../../config/write.ts';
import { fromPlainError, HoldfastError, isHoldfastError, systemCode } from '../../src/base/errors.ts';
import { formatParty, generateParty, publicLine } from '../../src/crypt/parties.ts';
import { type BackupReport, backup } from '../../src/jobs/backup.ts';
import { fillDemoDatabase } from '../../src/jobs/demo/database.ts';
import { fillDemoTree } from '../../src/jobs/demo/tree.ts';
import { initRepository } from '../../src/jobs/init.ts';
import { testKeys } from '../../src/jobs/keys.ts';
import { compareRestored, prepareRestore, type RestoreTarget } from '../../src/jobs/restore.ts';
import { startThrowaway, type Throwaway } from '../../src/sources/postgres/throwaway.ts';
import type { Check } from '../../src/sources/source.ts';
import type { Context } from '../context.ts';
import { openAccess } from '../repository-access.ts';
import { settingsOf } from '../source-settings.ts';
import { serverScript } from './server-script.ts';

export interface DemoReport {
  directory: string;
  backup: BackupReport['sources'];
  restored: { source: string; target: string; totals: Record<string, number>; durationMs: number; equal: number }[];
  /** What was not the same afterwards; empty, or the demo has failed. */
  differences: (Check & { source: string })[];
  durationMs: number;
}

const databaseName = 'saas';
const restoredName = 'saas_restored';
const seed = 'demo';

/**
 * Tells the whole story.
 *
 * @throws HoldfastError `target-exists`, `tool-missing`, and what the jobs throw
 */
export async function tellStory(
  context: Context,
  options: { directory: string; megabytes: number },
): Promise<DemoReport> {
  const { clock, emit, signal } = context;
  const started = clock.monotonic();
  const directory = resolve(context.cwd, options.directory);
  await makeDirectory(directory);
  let server: Throwaway | undefined;
  try {
    emit({ type: 'step', text: 'Starting a throw-away PostgreSQL' });
    server = await startServer(context, directory);
    emit({ type: 'step', text: `Filling a database of about ${options.megabytes} MB and a tree of files` });
    await createDatabase(server);
    await fillDemoDatabase({ ...server.connection, database: databaseName }, { ...options, seed, progress: emit });
    signal.throwIfAborted();
    await fillDemoTree(join(directory, 'files'), { seed });
    context.flags.config = await writeSetUp(context, directory, server);
    const report = await backUpAndRestore(context, directory, server);
    await writeFile(join(directory, 'postgres'), await serverScript(server), { mode: 0o755 });
    await writeFile(join(directory, 'holdfast'), programScript(), { mode: 0o755 });
    return { directory, ...report, durationMs: clock.monotonic() - started };
  } catch (error) {
    await server?.remove();
    await rm(directory, { recursive: true, force: true });
    throw error;
  } finally {
    await server?.stop();
  }
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
  } catch (cause) {
    throw new HoldfastError('target-failed', `The directory ${directory} cannot be made.`, {
      why: `The system says ${systemCode(cause) ?? 'no'}.`,
      hint: 'Name another one: --directory DIR',
      cause,
    });
  }
  if ((await readdir(directory)).length === 0) return;
  throw new HoldfastError('target-exists', `The directory ${directory} is not empty.`, {
    hint: 'Remove it, or name another one: --directory DIR',
  });
}

/** In the demo's folder where the server's account can reach it, otherwise where temporary things are. */
async function startServer(context: Context, directory: string): Promise<Throwaway> {
  const common = { environment: context.environment, clock: context.clock };
  try {
    return await startThrowaway({ ...common, directory: join(directory, 'server') });
  } catch (error) {
    if (!isHoldfastError(error, 'target-failed')) throw error;
    await rm(join(directory, 'server'), { recursive: true, force: true });
    return startThrowaway({ ...common, directory: await mkdtemp(join(tmpdir(), 'holdfast-demo-')) });
  }
}

async function createDatabase(server: Throwaway): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ ...server.connection });
  await client.connect();
  await client.query(`CREATE DATABASE ${databaseName}`).finally(() => client.end());
}

/** The configuration, the key of the host and those of two owners, as `init` would make them. */
async function writeSetUp(context: Context, directory: string, { connection }: Throwaway): Promise<string> {
  const host = await generateParty('demo-host', context.clock);
  const owners = await Promise.all(['anna', 'bert'].map((name) => generateParty(name, context.clock)));
  await mkdir(join(directory, 'owners'), { mode: 0o700 });
  for (const owner of owners) {
    await writeFile(join(directory, 'owners', `${owner.name}.key`), formatParty(owner), { mode: 0o600 });
  }
  await writeFile(join(directory, 'host.key'), formatParty(host), { mode: 0o600 });
  const { host: socket, port, user } = connection;
  const text = renderConfig({
    repository: randomBytes(16).toString('hex'),
    state: 'state',
    host: { publicLine: publicLine(host), identityFile: 'host.key' },
    owners: owners.map((owner) => ({
      publicLine: publicLine(owner),
      identityFile: join('owners', `${owner.name}.key`),
    })),
    sites: [{ name: 'vault', path: 'vault', operator: 'Demo', country: 'FR' }],
    sources: [
      { name: 'saas', type: 'postgres', connection: { host: socket, port, user, database: databaseName } },
      { name: 'documents', type: 'files', path: 'files' },
    ],
  });
  const path = join(directory, 'holdfast.yaml');
  await writeFile(path, text);
  return path;
}

async function backUpAndRestore(
  context: Context,
  directory: string,
  server: Throwaway,
): Promise<Pick<DemoReport, 'backup' | 'restored' | 'differences'>> {
  const env = context.environment;
  const { config } = await context.config();
  await using opened = await openAccess(context, { host: 'required', sites: 'all', createSite: true });
  const { access } = opened;
  await initRepository(access);
  const sources = await Promise.all(config.sources.map((source) => settingsOf(context, source)));
  const made = await backup(access, { sources, tags: ['demo'], env });
  for (const { error } of made.sources) if (error) throw fromPlainError(error);
  const opening = await testKeys(
    access,
    config.sources.map(({ name }) => name),
  );
  for (const { error } of opening) if (error) throw fromPlainError(error);
  const restored: DemoReport['restored'] = [];
  const differences: DemoReport['differences'] = [];
  const files = join(directory, 'restored-files');
  const targets: [string, RestoreTarget, Parameters<typeof compareRestored>[1]['target']][] = [
    [
      'saas',
      { kind: 'database', admin: server.connection, database: restoredName },
      { connection: { ...server.connection, database: restoredName } },
    ],
    ['documents', { kind: 'directory', path: files }, { directory: files }],
  ];
  for (const [source, target, comparedWith] of targets) {
    context.emit({ type: 'step', text: `Restoring ${source}` });
    const request = { address: source, target, tables: [], schemas: [], paths: [], env };
    const { run } = await prepareRestore(access, request);
    const { restored: totals, durationMs } = await run();
    context.emit({ type: 'step', text: `Comparing ${source} with what was backed up` });
    const comparison = await compareRestored(access, { address: source, target: comparedWith, env });
    const name = target.kind === 'database' ? restoredName : 'restored-files';
    restored.push({ source, target: name, totals, durationMs, equal: comparison.equal });
    differences.push(...comparison.checks.map((check) => ({ source, ...check })));
  }
  return { backup: made.sources, restored, differences };
}

/** Starts this very program, with this very Node. */
function programScript(): string {
  const quoted = [process.execPath, process.argv[1]!].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  return `#!/bin/sh\nexec ${quoted.join(' ')} "$@"\n`;
}
