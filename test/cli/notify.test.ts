/** Hooks through the real program: a program that is started, and a server that is asked and posted to. */
import { appendFileSync, existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { NotifyEvent } from '../../src/notify/event.ts';
import { type WorkingSetup, workingSetup } from './working-setup.ts';

/** Stand in URLs and headers, and must never come out. */
const secrets = ['s3cr3t-chat', 's3cr3t-alive', 's3cr3t-token'];
/** Due once a year: a slot that does not end while the tests run, but for a minute at New Year. */
const yearly = '0 0 1 1 *';

interface Asked {
  method: string;
  url: string;
  token: string | undefined;
  body: string;
}

let setup: WorkingSetup;
let server: Server;
let asked: Asked[] = [];
/** What the next requests are answered; 200 when none is left. */
let answers: number[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      asked.push({ method: request.method!, url: request.url!, token: request.headers.authorization, body });
      const status = answers.shift() ?? 200;
      response.writeHead(status).end('thank you');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  setup = await workingSetup();
  const inSetup = (name: string) => join(setup.directory, name);
  const secret = (name: string, value: string) => writeFileSync(inSetup(name), `${value}\n`, { mode: 0o600 });
  secret('chat.url', `http://127.0.0.1:${port}/chat/s3cr3t-chat?room=1`);
  secret('alive.url', `http://127.0.0.1:${port}/ping/s3cr3t-alive`);
  secret('chat.token', 'Bearer s3cr3t-token');
  const config = inSetup('holdfast.yaml');
  const second = '  - { name: second, type: disk, path: second, operator: Other Ltd, country: DE }';
  const odd = '  - { name: odd, type: command, command: "test ! -e broken && echo fine", filename: out }';
  const text = readFileSync(config, 'utf8')
    .replace(/^sites:$/m, () => `sites:\n${second}`)
    .replace(/^sources:$/m, () => `sources:\n${odd}`);
  writeFileSync(config, text);
  const notify = [
    { name: 'pager', type: 'command', command: ['sh', '-c', 'cat >> pager.ndjson'] },
    {
      name: 'chat',
      type: 'webhook',
      url: { file: 'chat.url' },
      headers: { Authorization: { file: 'chat.token' } },
      timeout: '3s',
    },
    { name: 'alive', type: 'heartbeat', url: { file: 'alive.url' }, failure: '/fail', jobs: ['yearly'] },
    {
      name: 'deaf',
      type: 'command',
      command: ['sh', '-c', 'echo s3cr3t-token >&2; exit 7'],
      on: ['done'],
      jobs: ['other'],
    },
  ];
  const jobs = {
    yearly: { schedule: yearly, backup: 'all', sync: true },
    other: { schedule: yearly, backup: ['documents'] },
  };
  appendFileSync(config, `\n${stringify({ jobs, notify })}`);
  const opened = await setup.run('init', '--existing');
  expect(opened.status, opened.stderr).toBe(0);
}, 60_000);
afterAll(() => {
  server?.closeAllConnections();
  server?.close();
  if (setup) rmSync(setup.directory, { recursive: true, force: true });
});

const pagerFile = () => join(setup.directory, 'pager.ndjson');
beforeEach(() => {
  asked = [];
  answers = [];
  rmSync(pagerFile(), { force: true });
});

function paged(): NotifyEvent[] {
  if (!existsSync(pagerFile())) return [];
  return readFileSync(pagerFile(), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as NotifyEvent);
}

/** Runs the program; nothing secret may come out of it, or stay behind in the state directory or an event. */
async function holdfast(status: number, ...args: string[]) {
  const outcome = await setup.run(...args);
  expect(outcome.status, outcome.stderr).toBe(status);
  const state = globSync('holdfast-state/*/{notify,runs,sites,by-hand}/*.json', { cwd: setup.directory });
  const left = state.map((file) => readFileSync(join(setup.directory, file), 'utf8')).join('');
  const bodies = asked.map(({ body }) => body).join('');
  for (const secret of secrets) expect(outcome.stdout + outcome.stderr + left + bodies).not.toContain(secret);
  return outcome;
}

const pings = () => asked.filter(({ url }) => url.startsWith('/ping')).map(({ url }) => url);
const posted = () => asked.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body) as NotifyEvent);

it('a run that did everything is a heartbeat, and nothing else', async () => {
  await holdfast(0, 'run', 'yearly');
  expect(asked).toMatchObject([{ method: 'GET', url: '/ping/s3cr3t-alive', body: '' }]);
  expect(paged()).toEqual([]);
});

it('a site that is away is told once, by name, until all is well again', async () => {
  renameSync(setup.site, `${setup.site}.away`);
  await holdfast(3, 'run', 'yearly', '--force');
  const [event, ...others] = paged();
  expect(others).toEqual([]);
  expect(event).toMatchObject({
    schema: 'holdfast/event/1',
    event: 'partial',
    host: 'web1',
    job: 'yearly',
    droppedSites: ['vault'],
    failedSources: [],
    failuresInRow: 1,
    problems: [{ about: 'site', name: 'vault', hint: expect.stringContaining('mounted') }],
  });
  expect(event!.summary).toBe('The job yearly of web1 did not do everything: the site vault did not take part.');
  expect(event!.lastSuccess).toMatch(/^\d{4}-/);
  expect(posted()).toEqual([event]);
  const { url, token } = asked.find(({ method }) => method === 'POST')!;
  expect([url, token]).toEqual(['/chat/s3cr3t-chat?room=1', 'Bearer s3cr3t-token']);
  expect(pings()).toEqual(['/ping/s3cr3t-alive/fail']);
  // The same failure of the same due time is no news.
  await holdfast(3, 'run', 'yearly');
  expect(paged()).toHaveLength(1);
  renameSync(`${setup.site}.away`, setup.site);
  await holdfast(0, 'run', 'yearly');
  expect(paged().at(-1)).toMatchObject({ event: 'recovered', problems: [], failuresInRow: 0 });
  expect(posted().map(({ event: what }) => what)).toEqual(['partial', 'recovered']);
  expect(pings().at(-1)).toBe('/ping/s3cr3t-alive');
}, 60_000);

it('a source that fails is told with its reason, and missed due times before it', async () => {
  const [record] = globSync('holdfast-state/*/runs/yearly.json', { cwd: setup.directory });
  const path = join(setup.directory, record!);
  const before = JSON.parse(readFileSync(path, 'utf8')) as { slot: string };
  const slot = before.slot.replace(/^\d+/, (year) => String(Number(year) - 3));
  writeFileSync(path, JSON.stringify({ ...before, slot }));
  writeFileSync(join(setup.directory, 'broken'), '');
  await holdfast(3, 'run', 'yearly', '--force');
  rmSync(join(setup.directory, 'broken'));
  const [missed, partial] = paged();
  expect(missed).toMatchObject({ event: 'missed', missedRuns: 2, job: 'yearly' });
  expect(partial).toMatchObject({
    event: 'partial',
    failedSources: ['odd'],
    problems: [{ about: 'source', name: 'odd', code: 'source-failed', message: expect.any(String) }],
  });
});

it('a hook that fails does not fail the run, and status tells of it', async () => {
  const { stderr } = await holdfast(0, 'run', 'other', '--force');
  expect(stderr).toContain(
    'warning: The hook deaf was not told of done: The program sh was not told. It ended with status 7.',
  );
  const status = await holdfast(0, 'status');
  expect(status.stdout).toMatch(/problem +hook deaf: It was not told .* ago\. It ended with status 7\./);
});

it('damage that a check by hand finds is told', async () => {
  const [pack] = globSync('sources/*/packs/*/*', { cwd: setup.site });
  const path = join(setup.site, pack!);
  const bytes = readFileSync(path);
  rmSync(path);
  writeFileSync(path, bytes.subarray(1));
  await holdfast(4, 'check');
  writeFileSync(path, bytes);
  expect(paged()).toMatchObject([
    {
      event: 'failed',
      command: 'check',
      problems: [{ code: 'verification-failed', hint: expect.stringContaining('repair') }],
    },
  ]);
});

it('a run that cannot be begun is told', async () => {
  for (const site of ['site', 'second']) renameSync(join(setup.directory, site), join(setup.directory, `${site}.away`));
  const { stderr } = await holdfast(10, 'run', 'other', '--force');
  for (const site of ['site', 'second']) renameSync(join(setup.directory, `${site}.away`), join(setup.directory, site));
  expect(stderr).toContain('error:');
  expect(paged()).toMatchObject([
    { event: 'failed', job: 'other', problems: [{ about: 'job', code: 'no-repository' }] },
  ]);
});

it('notify test tells every hook, tries again what may help, and tells what failed', async () => {
  answers = [503, 503];
  const { stdout } = await holdfast(3, 'notify', 'test');
  expect(paged()).toMatchObject([{ event: 'test', command: 'notify test' }]);
  expect(stdout).toMatch(/^pager +command +told /m);
  expect(stdout).toMatch(/^chat +webhook +told /m);
  expect(stdout).toMatch(/^alive +heartbeat +told /m);
  expect(stdout).toMatch(/^deaf +command +failed .*It ended with status 7\./m);
  expect(asked).toHaveLength(4);

  asked = [];
  answers = [404];
  const refused = await holdfast(1, '--json', 'notify', 'test', 'chat');
  const { hooks } = JSON.parse(refused.stdout) as { hooks: unknown[] };
  expect(hooks).toMatchObject([{ hook: 'chat', error: { code: 'failed', why: 'The answer was status 404.' } }]);
  expect(asked).toHaveLength(1);

  expect((await holdfast(2, 'notify', 'test', 'chta')).stderr).toContain('hint: Did you mean `chat`?');
}, 60_000);
