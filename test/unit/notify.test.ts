/** Telling hooks, against a real server and real programs: bounded, tried again, and silent about what is secret. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { HoldfastError } from '../../src/base/errors.ts';
import type { HoldfastEvent } from '../../src/base/events.ts';
import type { NotifyEvent } from '../../src/notify/event.ts';
import { type Hook, wants } from '../../src/notify/hook.ts';
import { notify } from '../../src/notify/notify.ts';
import { NotifyRecords } from '../../src/notify/notify-record.ts';
import { withSuffix } from '../../src/notify/request.ts';

const secret = 's3cr3t';
const pausesMs = new Set([500, 2000, 5000]);
let server: Server;
let base: string;
let requests = 0;
/** Status of the next answers; 0: none comes. */
let answers: number[] = [];
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-notify-'));
  server = createServer((_request, response) => {
    requests++;
    const status = answers.shift() ?? 200;
    if (status !== 0) response.writeHead(status, status === 302 ? { location: `${base}/elsewhere` } : {}).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true });
});
afterEach(() => {
  requests = 0;
  answers = [];
});

const event: NotifyEvent = {
  schema: 'holdfast/event/1',
  event: 'failed',
  summary: 'The job daily of web1 failed.',
  host: 'web1',
  repository: 'r',
  time: '2026-11-22T04:00:00.000Z',
  job: 'daily',
  failedSources: [],
  droppedSites: [],
  problems: [],
  moreProblems: 0,
  failuresInRow: 1,
  lastSuccess: null,
  already: false,
};

async function tell(hook: Hook, told: NotifyEvent = event, signal = new AbortController().signal) {
  const events: HoldfastEvent[] = [];
  const records = new NotifyRecords(directory, 'r');
  // Pauses between tries are short; limits are what they are.
  const clock = {
    ...systemClock,
    sleep: (ms: number, end?: AbortSignal) => systemClock.sleep(pausesMs.has(ms) ? 5 : ms, end),
  };
  const emit = (one: HoldfastEvent) => void events.push(one);
  const env = { PATH: process.env.PATH };
  const [result] = await notify({ records, clock, emit, signal, env }, [hook], told);
  const record = await records.read(hook.name);
  expect(JSON.stringify([events, record, result?.error?.why, result?.error?.message])).not.toContain(secret);
  return { error: result?.error, record, events, durationMs: result?.durationMs ?? 0 };
}

const webhook = (url: string, timeoutMs = 20_000): Hook => ({
  name: 'chat',
  type: 'webhook',
  timeoutMs,
  on: ['failed'],
  url: async () => url,
  headers: async () => ({ authorization: secret }),
});
const command = (script: string, timeoutMs = 20_000): Hook => ({
  name: 'pager',
  type: 'command',
  timeoutMs,
  on: ['failed'],
  command: ['sh', '-c', script],
  directory,
});

/** One letter, as the system tells; empty when there is no such process. */
function stateOf(pid: number): string {
  try {
    return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}

it.each<[string, number[], string, number]>([
  ['not found', [404], 'The answer was status 404.', 1],
  ['a redirect, which is not followed', [302], 'The answer was status 302. Name the place that it redirects to.', 1],
  ['trouble that does not end', [500, 429, 503, 502], 'The answer was status 502. It was tried 4 times.', 4],
])(
  '%s',
  async (_what, statuses, why, count) => {
    answers = statuses;
    const { error, record, events } = await tell(webhook(`${base}/${secret}`));
    expect(error).toMatchObject({ code: 'failed', why });
    expect(requests).toBe(count);
    expect(record).toMatchObject({ event: 'failed', error: { why } });
    expect(events).toMatchObject([{ type: 'warning' }]);
  },
  30_000,
);

it('trouble that ends is none', async () => {
  answers = [503, 200];
  const { error, record, events } = await tell(webhook(`${base}/${secret}`));
  expect([error, record?.error, record?.failures, events]).toEqual([undefined, undefined, 0, []]);
});

it.each([
  ['nobody listens', () => `http://127.0.0.1:1/${secret}`],
  ['the host is none', () => `http://${secret}.invalid/`],
  ['the URL is none', () => secret],
  ['it is of another kind', () => `ftp://${secret}/`],
  ['a header is none', () => `${base}/`],
])('fails without a word of the secret when %s', async (what, url) => {
  const hook = webhook(url(), 1000);
  if (what === 'a header is none' && hook.type === 'webhook')
    hook.headers = async () => ({ 'x-y': `${secret}\n\u0000` });
  expect((await tell(hook)).error).toBeDefined();
});

it('a secret that cannot be had is a failure of the hook alone', async () => {
  const hook = webhook('');
  if (hook.type === 'webhook') {
    hook.url = async () => {
      throw new HoldfastError('secret', 'The secret file cannot be read.');
    };
  }
  expect((await tell(hook)).error).toMatchObject({ code: 'secret' });
});

it('a server that says nothing, and a program that does not end, are given up', async () => {
  answers = [0];
  const silent = await tell(webhook(`${base}/`, 300));
  expect(silent.error?.why).toBe('No answer came in time.');
  const slow = await tell(command('sleep 600 & echo $! > pid; sleep 600', 1500));
  expect(slow.error?.why).toBe('It took longer than 1.5 s.');
  expect(slow.durationMs).toBeLessThan(30_000);
  const pid = Number(readFileSync(join(directory, 'pid'), 'utf8'));
  // What it started is ended with it; whoever adopts it may not have noticed yet.
  const isOver = () => /^(Z|)$/.test(stateOf(pid));
  for (let tries = 0; tries < 100 && !isOver(); tries++) await systemClock.sleep(50);
  expect(isOver()).toBe(true);
});

it('a program that reads nothing is told; one that is killed, missing or fails is not', async () => {
  expect((await tell(command('exit 0'), { ...event, summary: 'x'.repeat(1_000_000) })).error).toBeUndefined();
  expect((await tell(command('kill -9 $$'))).error?.why).toBe('SIGKILL ended it.');
  expect((await tell(command(`echo ${secret} >&2; exit 3`))).error?.why).toBe('It ended with status 3.');
  const missing: Hook = { ...command(''), command: ['/no/such/program'] } as Hook;
  expect((await tell(missing)).error?.why).toBe('There is no such program.');
});

it('an interruption ends the telling', async () => {
  const over = new AbortController();
  const telling = tell(command('sleep 60'), event, over.signal);
  setTimeout(() => over.abort(new HoldfastError('interrupted', 'Stop.')), 200);
  await expect(telling).rejects.toMatchObject({ code: 'interrupted' });
});

it('who wants what', () => {
  const chat = { ...webhook(base), jobs: ['daily'] };
  const alive: Hook = { name: 'alive', type: 'heartbeat', timeoutMs: 1, url: async () => base, method: 'GET' };
  const strict: Hook = { ...alive, failure: '/fail' };
  const { job: _, ...byHand } = event;
  expect(wants(chat, event)).toBe(true);
  expect(wants(chat, { ...event, job: 'weekly' })).toBe(false);
  expect(wants(chat, { ...byHand, command: 'check' })).toBe(false);
  expect(wants(webhook(base), { ...byHand, command: 'check' })).toBe(true);
  expect(wants(chat, { ...event, event: 'partial' })).toBe(false);
  expect(wants(chat, { ...event, event: 'test', job: 'weekly' })).toBe(true);
  expect(wants(alive, event)).toBe(false);
  expect(wants(strict, event)).toBe(true);
  // Missed runs are what the silence of a heartbeat says.
  expect(wants(strict, { ...event, event: 'missed' })).toBe(false);
  expect(wants(alive, { ...event, event: 'done', already: true })).toBe(true);
  expect(wants({ ...webhook(base), on: ['done'] } as Hook, { ...event, event: 'done', already: true })).toBe(false);
  expect(wants(alive, { ...byHand, event: 'recovered' })).toBe(false);
});

it('the suffix of a heartbeat goes before its query', () => {
  expect(withSuffix('https://a.example/ping/x?y=1', '/fail')).toBe('https://a.example/ping/x/fail?y=1');
  expect(withSuffix('https://a.example/ping/x/', '/fail')).toBe('https://a.example/ping/x/fail');
});
