import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fillDemoDatabase } from '../../src/jobs/demo/database.ts';
import { moments } from '../support/moments.ts';
import { useCluster } from '../support/postgres.ts';
import { startHoldfast } from './run-holdfast.ts';
import { type WorkingSetup, workingSetup } from './working-setup.ts';

/** kill -9 at random moments, through the real program: nothing that was complete is lost, nothing needs a hand. */

const cluster = useCluster();
const rounds = moments(3);
/** Some seconds each, on a machine that does other things too. */
const timeout = 100_000 + 20_000 * rounds;

interface SnapshotsDocument {
  sources: { source: string; snapshots: { id: string; sequence: number }[] }[];
}

async function idsOf(setup: WorkingSetup): Promise<string[]> {
  const { sources } = await setup.json<SnapshotsDocument>(['snapshots']);
  return sources.flatMap(({ snapshots }) => snapshots.map(({ id }) => id));
}

/** Runs the program and kills it after `ms`, unless it has ended by then. */
async function killAfter(setup: WorkingSetup, args: string[], ms: number): Promise<'killed' | 'ended'> {
  const running = startHoldfast(args, { cwd: setup.directory });
  const timer = setTimeout(() => running.child.kill('SIGKILL'), ms);
  const { signal } = await running.ended;
  clearTimeout(timer);
  return signal === 'SIGKILL' ? 'killed' : 'ended';
}

async function fill(setup: WorkingSetup, round: number): Promise<void> {
  const directory = join(setup.tree, `round ${round}`);
  mkdirSync(directory);
  for (let i = 0; i < 20; i++) writeFileSync(join(directory, `${i}.bin`), randomBytes(100_000));
}

it('a backup killed at random moments', { timeout }, async () => {
  const connection = await cluster.createDatabase('killed_backup');
  await fillDemoDatabase(connection, { megabytes: 25, seed: 'killed' });
  const setup = await workingSetup(connection);
  const whole = await timed(() => setup.json(['backup']));
  const client = await cluster.client('killed_backup');
  let killed = 0;
  for (let round = 0; round < rounds; round++) {
    await fill(setup, round);
    await client.query(`CREATE TABLE round_${round} AS SELECT i, md5(i::text) FROM generate_series(${round}, 20000) i`);
    const before = await idsOf(setup);
    // Spread over the run, its start and its end included.
    const moment = (whole * 1.1 * (round + Math.random())) / rounds;
    if ((await killAfter(setup, ['backup'], moment)) === 'killed') killed++;
    const after = await idsOf(setup);
    expect(after).toEqual(expect.arrayContaining(before));
    if (round % 5 === 4) {
      await setup.json(['backup']);
      await setup.json(['check', '--read-data']);
    }
  }
  tell('backups', killed);
  expect(killed).toBeGreaterThan(rounds / 4);
  await setup.json(['backup']);
  const report = await setup.json<{ findings: unknown[] }>(['check', '--read-data']);
  expect(report.findings).toEqual([]);
  await setup.json(['restore', 'documents', '--to', 'restored', '--yes']);
  expect(readdirSync(join(setup.directory, 'restored')).length).toBe(rounds + 1);
  rmSync(setup.directory, { recursive: true });
});

it('a restore killed at random moments', { timeout }, async () => {
  const connection = await cluster.createDatabase('killed_restore');
  await fillDemoDatabase(connection, { megabytes: 16, seed: 'killed' });
  const setup = await workingSetup(connection);
  for (let round = 0; round < 10; round++) await fill(setup, round);
  await setup.json(['backup']);
  const before = await idsOf(setup);
  const client = await cluster.client();
  const databases = async () => (await client.query<{ datname: string }>('SELECT datname FROM pg_database')).rows;
  const database = (name: string) => ['restore', 'app', '--to', name, '--yes'];
  const identity = ['-i', 'owners/anna.key'];
  const whole = await timed(() => setup.json(database('whole')));
  let killed = 0;
  for (let round = 0; round < rounds; round++) {
    const moment = (whole * (round + Math.random())) / rounds;
    const outcome = await killAfter(setup, [...identity, ...database('copy')], moment);
    const there = (await databases()).some(({ datname }) => datname === 'copy');
    if (outcome === 'killed') {
      killed++;
      // Under the final name there is a whole database or none.
      if (there) expect(moment).toBeGreaterThan(whole / 2);
    }
    if (there) await client.query('DROP DATABASE copy WITH (FORCE)');
  }
  tell('restores', killed);
  expect(killed).toBeGreaterThan(rounds / 3);
  await setup.json(database('copy'));
  const left = (await databases()).map(({ datname }) => datname).filter((name) => name.startsWith('copy'));
  expect(left).toEqual(['copy']);

  const filesWhole = await timed(() => setup.json(['restore', 'documents', '--to', 'files-whole', '--yes']));
  let halves = 0;
  for (let round = 0; round < rounds; round++) {
    const target = `files-${round}`;
    const moment = (filesWhole * (round + Math.random())) / rounds;
    const outcome = await killAfter(setup, [...identity, 'restore', 'documents', '--to', target, '--yes'], moment);
    const path = join(setup.directory, target);
    if (outcome === 'killed') halves++;
    if (outcome === 'killed' && existsSync(path) && readdirSync(path).length > 0) {
      // Half a tree is never taken for a whole one, nor written over unasked.
      expect((await setup.asOwner('restore', 'documents', '--to', target, '--yes')).status).toBe(1);
      if (existsSync(join(path, '.holdfast-restore-incomplete'))) {
        await setup.json(['restore', 'documents', '--to', target, '--yes', '--overwrite']);
      }
    }
  }
  tell('restores of files', halves);
  expect(halves).toBeGreaterThan(rounds / 4);
  await setup.json(['restore', 'documents', '--to', 'files-again', '--yes']);
  expect(await idsOf(setup)).toEqual(before);
  rmSync(setup.directory, { recursive: true });
});

function tell(what: string, killed: number): void {
  if (process.env.HOLDFAST_TEST_MOMENTS) console.log(`${killed} of ${rounds} ${what} were killed`);
}

/** Milliseconds that it took. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
