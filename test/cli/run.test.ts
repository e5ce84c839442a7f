/** `holdfast run`: each source once for a due time, however often and wherever it is started. */
import { appendFileSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startHoldfast } from './run-holdfast.ts';
import { type WorkingSetup, workingSetup } from './working-setup.ts';

interface RunDocument {
  outcome: string;
  already: boolean;
  steps: { step: string; outcome: string; why?: string; error?: { code: string } }[];
  backup?: { sources: { source: string; outcome: string; already?: { host: string } }[] };
}

/** Due once a year: a slot that does not end while the tests run, but for a minute at New Year. */
const yearly = '0 0 1 1 *';

let setup: WorkingSetup;
beforeEach(async () => {
  setup = await workingSetup();
});
afterEach(() => rmSync(setup.directory, { recursive: true, force: true }));

function addSources(sources: object[]): void {
  const path = join(setup.directory, 'holdfast.yaml');
  const text = readFileSync(path, 'utf8').replace(
    /^sources:$/m,
    () => `sources:\n${stringify(sources).trimEnd().replace(/^/gm, '  ')}`,
  );
  writeFileSync(path, text);
}

function addJobs(jobs: object): void {
  appendFileSync(join(setup.directory, 'holdfast.yaml'), `\n${stringify({ jobs })}`);
}

const command = (name: string, script: string) => ({ name, type: 'command', command: script, filename: 'out' });
const run = (...args: string[]) => setup.json<RunDocument>(['run', ...args]);
const outcomes = ({ steps }: RunDocument) => Object.fromEntries(steps.map(({ step, outcome }) => [step, outcome]));

async function snapshotCounts(): Promise<Record<string, number>> {
  const { sources } = await setup.json<{ sources: { source: string; snapshots: unknown[] }[] }>(['snapshots']);
  return Object.fromEntries(sources.map(({ source, snapshots }) => [source, snapshots.length]));
}

it('does what is due, nothing the second time, and everything again with --force', async () => {
  const first = await run('daily');
  expect(outcomes(first)).toEqual({ backup: 'done', sync: 'left-out', prune: 'done' });
  expect(first).toMatchObject({ outcome: 'done', already: false });
  const second = await setup.run('run', 'daily');
  expect(second.status).toBe(0);
  expect(second.stdout).toMatch(/documents@[0-9a-f]+: already done by web1 at \d{4}-/);
  expect(second.stdout).toContain('daily is already done for ');
  const forced = await run('daily', '--force');
  expect(outcomes(forced)).toMatchObject({ backup: 'done', prune: 'done' });
  expect(forced.backup?.sources[0]).toMatchObject({ snapshot: { sequence: 2 } });
  // Of two of one day the newest is kept.
  expect(await snapshotCounts()).toEqual({ documents: 1 });
});

it('believes the repository, and not what this machine remembers', async () => {
  await run('daily');
  for (const snapshot of globSync('sources/*/snapshots/*', { cwd: setup.site })) rmSync(join(setup.site, snapshot));
  rmSync(join(setup.directory, 'holdfast-state'), { recursive: true });
  expect(outcomes(await run('daily'))).toMatchObject({ backup: 'done' });
  rmSync(join(setup.directory, 'holdfast-state'), { recursive: true });
  expect(outcomes(await run('daily'))).toMatchObject({ backup: 'already' });
});

it('three at once do each of five sources once', async () => {
  addJobs({ yearly: { schedule: yearly, backup: 'all' } });
  addSources(['one', 'two', 'three', 'four'].map((name) => command(name, `echo ${name}; sleep 0.7`)));
  const { directory } = setup;
  const runs = await Promise.all(
    [1, 2, 3].map(() => startHoldfast(['run', 'yearly', '--json'], { cwd: directory }).ended),
  );
  const documents = runs.map(({ status, stdout, stderr }) => {
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout) as RunDocument;
  });
  expect(await snapshotCounts()).toEqual({ documents: 1, one: 1, two: 1, three: 1, four: 1 });
  // Every one of them tells of all five; of each source one says that it made the snapshot.
  const told = documents.flatMap(({ backup }) => backup!.sources);
  expect(told).toHaveLength(15);
  expect(
    told
      .filter(({ already }) => !already)
      .map(({ source }) => source)
      .sort(),
  ).toEqual(['documents', 'four', 'one', 'three', 'two']);
  expect(documents.filter(({ steps }) => steps[0]!.outcome === 'done').length).toBeGreaterThan(1);
}, 60_000);

it('what a killed run was at, another one that waits for it does', async () => {
  addJobs({ yearly: { schedule: yearly, backup: ['slow'] } });
  // Only the first run is slow.
  addSources([command('slow', 'if [ -e begun ]; then echo done; else touch begun; sleep 20; fi')]);
  const options = { cwd: setup.directory };
  const first = startHoldfast(['run', 'yearly'], options);
  while (globSync('begun', { cwd: setup.directory }).length === 0)
    await new Promise((resolve) => setTimeout(resolve, 50));
  const second = startHoldfast(['run', 'yearly', '--json'], options);
  await second.heard('Another host works on it; waiting.');
  first.child.kill('SIGKILL');
  await first.ended;
  const { status, stdout } = await second.ended;
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ outcome: 'done', backup: { sources: [{ source: 'slow' }] } });
  expect(await snapshotCounts()).toMatchObject({ slow: 1 });
}, 60_000);

it('a failing source is told, is not pruned, and the only one that is tried again', async () => {
  addSources([command('broken', 'test -e mended && echo fine')]);
  const broken = await setup.json<RunDocument>(['run', 'daily'], 3);
  expect(broken.outcome).toBe('partial');
  expect(broken.steps.find(({ step }) => step === 'prune')).toMatchObject({
    outcome: 'done',
    why: 'Not pruned, since their backup failed: broken.',
  });
  const show = await setup.json<{ jobs: { overdue: boolean; last: { outcome: string } }[] }>(['schedule', 'show']);
  expect(show.jobs[0]).toMatchObject({ overdue: false, last: { outcome: 'partial' } });
  writeFileSync(join(setup.directory, 'mended'), '');
  const mended = await run('daily');
  expect(mended.backup!.sources.filter(({ already }) => !already).map(({ source }) => source)).toEqual(['broken']);
  expect(await snapshotCounts()).toEqual({ broken: 1, documents: 1 });
});

it('checks a part of the packs at each site, and ends with 4 when something is damaged', async () => {
  addJobs({
    care: { schedule: yearly, backup: 'all', check: '1/1' },
    rolling: { schedule: '0 5 * * *', check: 'rolling' },
  });
  expect(outcomes(await run('care'))).toEqual({ backup: 'done', check: 'done' });
  expect(outcomes(await run('rolling'))).toEqual({ check: 'done' });
  for (const pack of globSync('sources/*/packs/*/*', { cwd: setup.site })) {
    const path = join(setup.site, pack);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    rmSync(path);
    writeFileSync(path, bytes);
  }
  const damaged = await setup.run('run', 'care', '--force');
  expect(damaged.status).toBe(4);
  expect(damaged.stdout).toMatch(/damage +vault: documents: .*packs/);
});

it('with two sites it syncs and checks both, and one that is gone degrades the run', async () => {
  const path = join(setup.directory, 'holdfast.yaml');
  const second = '  - { name: second, type: disk, path: second, operator: Other Ltd, country: DE }';
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(/^sites:$/m, () => `sites:\n${second}`),
  );
  addJobs({ all: { schedule: yearly, backup: 'all', sync: true, check: '1/1' } });
  expect((await setup.run('init', '--existing')).status).toBe(0);
  expect(outcomes(await run('all'))).toEqual({ backup: 'done', sync: 'done', check: 'done' });
  rmSync(setup.site, { recursive: true });
  const degraded = await setup.json<RunDocument & { retry: boolean }>(['run', 'all', '--force'], 3);
  expect(degraded).toMatchObject({ outcome: 'partial', retry: true });
  expect(outcomes(degraded)).toMatchObject({ backup: 'partial', sync: 'partial' });
}, 60_000);

it('names the jobs there are, and tells of a job that could not be begun', async () => {
  const unknown = await setup.run('run', 'dialy');
  expect(unknown.status).toBe(2);
  expect(unknown.stderr).toContain('hint: Did you mean `daily`?');
  rmSync(setup.site, { recursive: true });
  expect((await setup.run('run', 'daily')).status).toBe(10);
  expect((await setup.run('schedule', 'show')).stdout).toMatch(/last +failed, for /);
});

it('refuses a job that does nothing, or never', async () => {
  addJobs({ idle: { schedule: '0 4 * * *' }, never: { schedule: '0 4 30 2 *', sync: true } });
  const { status, stderr } = await setup.run('run', 'daily');
  expect(status).toBe(2);
  expect(stderr).toContain('jobs.idle: expected at least one of `backup`, `sync`, `prune`, `check` and `verify`');
  expect(stderr).toContain('jobs.never.schedule: expected a time that comes: there is no such day');
});
