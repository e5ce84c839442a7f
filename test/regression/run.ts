/**
 * PostgreSQL's own regression tests leave databases with almost everything that a database may hold. Each is backed up,
 * restored and compared, and then compared once more by other means; any difference fails the run.
 *
 * Needs apt with the sources of the installed server within reach, gcc and make.
 *
 * Arguments: `--contrib` for the tests of its extensions too, `--keep` to leave the directory, `--source DIR` to use
 * what an earlier run left there.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { findBinaries, serverPrograms } from '../../src/sources/postgres/binaries.ts';
import { startThrowaway, type Throwaway } from '../../src/sources/postgres/throwaway.ts';
import type { Shortfall } from '../../src/sources/source.ts';
import { type MadeBackup, makeBackup } from '../support/postgres-backup.ts';
import { compareWith, restoreBackup } from '../support/postgres-restore.ts';
import { findDifferences } from './independent.ts';
import { changeLabels, labelDatabase } from './labels.ts';
import { buildSuite, contribTests, type RegressionSuite, runTests, suiteIn, type TestSet } from './server-source.ts';

const { values: flags } = parseArgs({
  options: { contrib: { type: 'boolean' }, keep: { type: 'boolean' }, source: { type: 'string' } },
});
const started = performance.now();
const say = (text: string) =>
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`);
let failures = 0;

const directory = await mkdtemp(join(tmpdir(), 'holdfast-regression-'));
try {
  await chmod(directory, 0o755);
  const { major, version } = await findBinaries({ programs: serverPrograms, path: process.env.PATH });
  say(`PostgreSQL ${version}: its regression tests`);
  const suite = flags.source === undefined ? await buildSuite(directory, major) : suiteIn(flags.source);
  say('built');
  await using server = await startThrowaway({
    directory: join(directory, 'cluster'),
    environment: process.env,
    major,
    settings: {
      max_prepared_transactions: 2,
      max_connections: 60,
      wal_level: 'replica',
      shared_preload_libraries: suite.labels,
    },
  });
  await testAndCarry(suite, server, 'regression', {
    directory: suite.directory,
    tests: { schedule: 'parallel_schedule' },
  });
  await carryLabels(server);
  if (flags.contrib) {
    for (const [module, tests] of await contribTests(suite, await availableExtensions(server))) {
      await testAndCarry(suite, server, module, tests);
    }
  }
  say(failures === 0 ? 'No difference' : `${failures} differences`);
  process.exitCode = failures === 0 ? 0 : 1;
} finally {
  if (flags.keep) say(`Kept: ${directory}`);
  else await rm(directory, { recursive: true, force: true });
}

async function testAndCarry(suite: RegressionSuite, server: Throwaway, name: string, tests: TestSet): Promise<void> {
  say(`${name}: ${await runTests(suite, tests, server, name)}`);
  await carry(server, name);
}

/** Security labels need a provider that only the source has. */
async function carryLabels(server: Throwaway): Promise<void> {
  await labelDatabase(server.connection, 'labels');
  const backup = await carry(server, 'labels');
  const copy = { ...server.connection, database: 'labels copy' };
  await changeLabels(copy);
  const { checks } = await compareWith(backup, copy);
  const told = checks.map(({ kind, object }) => `${kind}: ${object}`).join('; ');
  if (told === 'schema: security label table t in s; database: security labels') return;
  failures++;
  say(`  two labels were changed, and the comparison tells: ${told || 'nothing'}`);
}

/** Backs up, restores under another name, compares. */
async function carry({ connection }: Throwaway, database: string): Promise<MadeBackup> {
  const copy = `${database} copy`;
  const backup = await makeBackup({ ...connection, database });
  tell(backup.outcome.shortfalls);
  const restored = await restoreBackup(backup, connection, copy);
  tell(restored.shortfalls);
  const { checks, equal } = await compareWith(backup, { ...connection, database: copy });
  const others = await findDifferences({ ...connection, database }, { ...connection, database: copy });
  say(`${database}: ${equal} equal, ${checks.length} not, ${others.length} by other means`);
  for (const { kind, object, verdict, detail } of checks) say(`  ${kind} ${object}: ${verdict}: ${detail}`);
  for (const difference of others) say(`  ${difference}`);
  failures += checks.length + others.length;
  return backup;
}

/** What degrades a run is a difference, too. */
function tell(shortfalls: readonly Shortfall[]): void {
  for (const { object, reason, degrades } of shortfalls) {
    say(`  ${degrades ? 'degraded' : 'note'}: ${object}: ${reason}`);
    if (degrades) failures++;
  }
}

async function availableExtensions({ connection }: Throwaway): Promise<Set<string>> {
  const client = new pg.Client(connection);
  await client.connect();
  const { rows } = await client.query<{ name: string }>('SELECT name FROM pg_available_extensions');
  await client.end();
  return new Set(rows.map(({ name }) => name));
}
