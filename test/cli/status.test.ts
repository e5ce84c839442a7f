/** `holdfast status` through the real program: what is late, missing or failing, and how old the last success is. */
import { appendFileSync, cpSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { escapeCode, holdfast, holdfastOnTerminal } from './run-holdfast.ts';
import { type WorkingSetup, workingSetup } from './working-setup.ts';

interface Status {
  healthy: boolean;
  asked: boolean;
  problems: { severity: string; code: string; about: string; name: string; text: string }[];
  sources: {
    source: string;
    kept: number | null;
    newest: { sequence: number; host?: string; ageMs: number } | null;
    sites: string[];
    lagging: { site: string; behind: number }[];
    proof: { passed: unknown } | null;
  }[];
  sites: {
    site: string;
    reachable: boolean | null;
    lastTookPartMs: number | null;
    dropped: { since: string; runs: number } | null;
    unread: { days: number } | null;
  }[];
  jobs: {
    job: string;
    late: boolean;
    missed: number;
    lastSuccessMs: number | null;
    last: { outcome: string } | null;
  }[];
  byHand: { command: string; last: { outcome: string } }[];
}

const yearly = '0 0 1 1 *';
let setup: WorkingSetup;
const inSetup = (name: string) => join(setup.directory, name);

beforeAll(async () => {
  setup = await workingSetup();
  const path = inSetup('holdfast.yaml');
  const second = '  - { name: second, type: disk, path: second, operator: Other Ltd, country: DE }';
  const text = readFileSync(path, 'utf8').replace(/^sites:$/m, () => `sites:\n${second}`);
  const jobs = {
    yearly: { schedule: yearly, backup: 'all', sync: true },
    reading: { schedule: yearly, check: '1/1' },
  };
  writeFileSync(path, `${text}\n${stringify({ jobs })}`);
  expect((await setup.run('init', '--existing')).status).toBe(0);
  return () => rmSync(setup.directory, { recursive: true, force: true });
}, 60_000);

/** The state as it was, whatever a test made of it. */
afterEach(() => {
  if (globSync('state-before', { cwd: setup.directory }).length === 0) return;
  rmSync(inSetup('holdfast-state'), { recursive: true });
  renameSync(inSetup('state-before'), inSetup('holdfast-state'));
});

/** Changes one file of the state directory, for this test. */
function changeState(pattern: string, change: (value: Record<string, unknown>) => void): void {
  if (globSync('state-before', { cwd: setup.directory }).length === 0) {
    cpSync(inSetup('holdfast-state'), inSetup('state-before'), { recursive: true });
  }
  const [file] = globSync(`holdfast-state/*/${pattern}`, { cwd: setup.directory });
  const value = JSON.parse(readFileSync(inSetup(file!), 'utf8'));
  change(value);
  writeFileSync(inSetup(file!), JSON.stringify(value));
}

const status = (...args: string[]) => setup.json<Status>(['status', ...args]);
const codes = ({ problems }: Status) =>
  problems.map(({ severity, about, name, code }) => `${severity} ${about} ${name} ${code}`);

it('before anything has run is not healthy', async () => {
  const before = await status();
  expect(before.healthy).toBe(false);
  expect(codes(before)).toEqual([
    'problem job yearly job-late',
    'problem job reading job-late',
    'problem source documents no-snapshot',
  ]);
  expect((await setup.run('status', '--fail')).status).toBe(3);
});

it('is healthy after the jobs have run, with every age', async () => {
  for (const job of ['yearly', 'reading']) expect((await setup.run('run', job)).status).toBe(0);
  const now = await status('--fail');
  expect(now).toMatchObject({ healthy: true, asked: true, problems: [] });
  expect(now.sources).toMatchObject([
    {
      source: 'documents',
      kept: 1,
      newest: { sequence: 1, host: 'web1' },
      sites: ['second', 'vault'],
      lagging: [],
      proof: { passed: null },
    },
  ]);
  expect(now.sources[0]!.newest!.ageMs).toBeGreaterThan(0);
  for (const site of now.sites) {
    expect(site).toMatchObject({ reachable: true, dropped: null, unread: { days: 0 } });
    expect(site.lastTookPartMs).toBeGreaterThan(0);
  }
  expect(now.jobs.map(({ late, last }) => [late, last?.outcome])).toEqual([
    [false, 'done'],
    [false, 'done'],
  ]);
  const text = await setup.run('status');
  expect(text.stdout).toMatch(/^OK: 1 source, nothing is late\.\n/);
  expect(text.stdout).toMatch(/^vault +Example Ltd +FR +reachable +.* ago +0 days ago$/m);
  expect(text.stdout).toMatch(/^documents +.* ago +1 +web1 +1 +never$/m);
  expect(text.stdout).not.toContain(escapeCode);
});

it('tells of a site that is away, since when, and that it lags when it is back', async () => {
  renameSync(setup.site, `${setup.site}.away`);
  expect((await setup.run('backup')).status).toBe(3);
  const away = await setup.json<Status>(['status', '--fail'], 3);
  expect(codes(away)).toEqual(['problem site vault site-unreachable']);
  expect(away.problems[0]!.text).toMatch(
    /A run went on without it, the first .* ago\. It last took part in a run .* ago\./,
  );
  expect(away.sites.find(({ site }) => site === 'vault')).toMatchObject({ reachable: false, dropped: { runs: 1 } });
  expect(away.byHand).toMatchObject([{ command: 'backup', last: { outcome: 'partial' } }]);
  renameSync(`${setup.site}.away`, setup.site);
  const back = await status();
  expect(codes(back)).toEqual(['problem site vault site-dropped', 'problem source documents lagging']);
  expect(back.sources[0]).toMatchObject({ sites: ['second'], lagging: [{ site: 'vault', behind: 1 }] });
  expect((await setup.run('sync')).status).toBe(0);
  expect(codes(await status())).toEqual([]);
}, 60_000);

it('tells of missed runs, of old snapshots and of bytes that nobody reads', async () => {
  changeState('runs/yearly.json', (record) => {
    record.slot = String(record.slot).replace(/^\d+/, (year) => String(Number(year) - 3));
  });
  const missed = await status();
  // The backups were made all the same, so this is worth a note only; of a job without backups nobody else can tell.
  expect(codes(missed)).toEqual(['notice job yearly job-late']);
  expect(missed.jobs[0]).toMatchObject({ late: true, missed: 3 });
  changeState('runs/reading.json', (record) => {
    record.slot = String(record.slot).replace(/^\d+/, (year) => String(Number(year) - 2));
  });
  // A day is 86,400 seconds; the file holds days since 1970.
  for (const file of globSync('holdfast-state/*/read/*.days', { cwd: setup.directory })) {
    const bytes = readFileSync(inSetup(file));
    for (let at = 8; at < bytes.length; at += 19) bytes.writeUInt16LE(bytes.readUInt16LE(at + 16) - 40, at + 16);
    writeFileSync(inSetup(file), bytes);
  }
  appendFileSync(inSetup('holdfast.yaml'), '\nstatus: { maxAge: 1s }\n');
  const late = await status();
  expect(codes(late)).toEqual([
    'problem site second unread',
    'problem site vault unread',
    'problem job reading job-late',
    'problem source documents stale',
    'notice job yearly job-late',
  ]);
  expect(late.problems[0]!.text).toMatch(/^Bytes of documents were not read for 40 days/);
  expect(late.jobs.find(({ job }) => job === 'reading')).toMatchObject({ missed: 2 });
  writeFileSync(
    inSetup('holdfast.yaml'),
    readFileSync(inSetup('holdfast.yaml'), 'utf8').replace('\nstatus: { maxAge: 1s }\n', ''),
  );
});

it('without any site, or offline, tells what the machine remembers', async () => {
  const offline = await status('--offline');
  expect(offline).toMatchObject({ asked: false, healthy: true, sources: [{ newest: { sequence: 2 }, kept: null }] });
  expect(offline.sites.map(({ reachable }) => reachable)).toEqual([null, null]);
  for (const site of ['site', 'second']) renameSync(inSetup(site), inSetup(`${site}.away`));
  const none = await setup.json<Status>(['status', '--fail'], 3);
  for (const site of ['site', 'second']) renameSync(inSetup(`${site}.away`), inSetup(site));
  expect(none).toMatchObject({ asked: false, sources: [{ newest: { sequence: 2 } }] });
  expect(codes(none)).toEqual(['problem site second site-unreachable', 'problem site vault site-unreachable']);
});

it('needs no owner, gives up a site that says nothing, and fits a narrow terminal', async () => {
  const config = readFileSync(inSetup('holdfast.yaml'), 'utf8');
  // Takes connections, and never says a word.
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  writeFileSync(inSetup('silent.id'), 's3cr3t', { mode: 0o600 });
  const cloud = {
    ...{
      name: 'cloud',
      type: 's3',
      endpoint: `http://127.0.0.1:${port}`,
      bucket: 'b',
      operator: 'Cloud Ltd',
      country: 'CH',
    },
    credentials: { accessKeyId: { file: 'silent.id' }, secretAccessKey: { file: 'silent.id' } },
  };
  const path = inSetup('silent.yaml');
  writeFileSync(
    path,
    config.replace(/^sites:$/m, () => `sites:\n  - ${JSON.stringify(cloud)}`),
  );
  const options = { cwd: setup.directory };
  const { stdout } = await holdfastOnTerminal(['-c', path, 'status'], { ...options, columns: 60 });
  silent.close();
  expect(stdout).toContain(escapeCode);
  const plain = stdout.replaceAll(new RegExp(`${escapeCode}\\[[0-9;?]*[A-Za-z]`, 'g'), '');
  expect(plain).toMatch(/problem +site cloud: It cannot be used now: The site "cloud"/);
  expect(plain).not.toContain('s3cr3t');
  for (const line of plain.split(/\r?\n/).filter((one) => one.startsWith('problem') || one.startsWith('  '))) {
    expect(line.length, line).toBeLessThanOrEqual(60);
  }
  const bare = await holdfastOnTerminal(['--no-color', 'status'], { ...options, columns: 60 });
  expect(bare.stdout).not.toContain(`${escapeCode}[31m`);
  const quiet = await holdfast(['-q', 'status'], options);
  expect([quiet.status, quiet.stderr]).toEqual([0, '']);
}, 60_000);
