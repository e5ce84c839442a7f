/** What the s3 site makes of servers that lack something, networks that break for good, and refusals. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Retry } from '../../src/sites/retry.ts';
import { openS3Site, type S3SiteOptions } from '../../src/sites/s3/site.ts';
import type { Site } from '../../src/sites/site.ts';
import { type CephServer, startCeph } from '../support/ceph.ts';
import { collected } from '../support/collected.ts';
import { type HostileS3, type S3Fault, type SeenRequest, startHostileS3 } from '../support/hostile-s3.ts';

const code = (code: string) => expect.objectContaining({ name: 'HoldfastError', code });
const body = Buffer.from('a body of some length');

let ceph: CephServer;
let hostile: HostileS3;
let bucket: string;
const opened: Site[] = [];

beforeAll(async () => {
  ceph = await startCeph();
  hostile = await startHostileS3(ceph);
  bucket = await ceph.bucket();
});
afterAll(async () => {
  for (const site of opened) await site.close();
  await hostile?.stop();
  await ceph?.stop();
});
beforeEach(() => {
  hostile.decide = () => undefined;
});

async function open(options: Partial<S3SiteOptions> = {}): Promise<Site> {
  const { retry, ...others } = options;
  const site = await openS3Site({
    ...{ name: 'offsite', endpoint: hostile.endpoint, bucket, pathStyle: true, credentials: ceph.credentials },
    retry: { firstDelayMs: 2, longestDelayMs: 20, deadlineMs: 2000, ...retry },
    ...others,
  });
  opened.push(site);
  return site;
}

/** Injects faults into the first requests that match. */
function first(count: number, matches: (seen: SeenRequest) => boolean, fault: S3Fault): void {
  let left = count;
  hostile.decide = (seen) => (matches(seen) && left-- > 0 ? fault : undefined);
}
const puts = (seen: SeenRequest) => seen.method === 'PUT';
const gets = (seen: SeenRequest) => seen.method === 'GET' && seen.url.includes('GetObject');

describe('create, when the answer is lost', () => {
  it('says created, for it was', async () => {
    const site = await open();
    first(1, puts, { type: 'lose-answer' });
    expect(await site.create('lost/own', body)).toBe('created');
    expect((await site.read('lost/own')).equals(body)).toBe(true);
    expect(await site.create('lost/own', body)).toBe('exists');
  });

  it('says exists when another was first, also with equal bytes', async () => {
    const [site, other] = [await open(), await open({ endpoint: ceph.endpoint })];
    for (const [name, theirs] of [
      ['lost/other', Buffer.from('theirs')],
      ['lost/equal', body],
    ] as const) {
      await other.create(name, theirs);
      first(2, puts, { type: 'lose-answer' });
      expect(await site.create(name, body)).toBe('exists');
      expect((await site.read(name)).equals(theirs)).toBe(true);
    }
  });
});

describe('a server without conditional requests', () => {
  it.each<[string, S3Fault]>([
    ['answers 501', { type: 'answer', status: 501, code: 'NotImplemented' }],
    ['answers 400', { type: 'answer', status: 400, code: 'InvalidArgument' }],
    ['ignores them', { type: 'ignore-condition' }],
  ])('%s: it is found out, and looked at first instead', async (kind, fault) => {
    const conditional = (seen: SeenRequest) => puts(seen) && seen.headers['if-none-match'] !== undefined;
    hostile.decide = (seen) => (conditional(seen) ? fault : undefined);
    const prefix = kind.replaceAll(' ', '-');
    const site = await open({ prefix });
    expect(site.capabilities).toMatchObject({ conditionalCreate: false });
    expect(await site.create('object', body)).toBe('created');
    expect(await site.create('object', Buffer.from('other'))).toBe('exists');
    expect((await site.read('object')).equals(body)).toBe(true);
    let lost = 1;
    hostile.decide = (seen) => (puts(seen) && lost-- > 0 ? { type: 'lose-answer' } : undefined);
    expect(await site.create('lost', body)).toBe('created');
  });

  it('enforces them late: that is found out by a race, again each time', async () => {
    for (let run = 0; run < 2; run++) {
      first(3, puts, { type: 'ignore-condition' });
      const site = await open({ prefix: 'racy' });
      expect(site.capabilities?.conditionalCreate).toBe(false);
    }
    hostile.decide = () => undefined;
    expect((await open({ prefix: 'racy' })).capabilities?.conditionalCreate).toBe(true);
    const requests = hostile.seen.length;
    expect((await open({ prefix: 'racy' })).capabilities?.conditionalCreate).toBe(true);
    expect(hostile.seen.slice(requests).filter(puts)).toHaveLength(1);
  });
});

it('reads again what came short, and gives up in words by the deadline', async () => {
  const site = await open();
  await site.create('short', body);
  for (const type of ['cut-down', 'shorten'] as const) {
    for (const range of [undefined, { offset: 3, length: 9 }]) {
      const wanted = range ? body.subarray(3, 12) : body;
      first(2, gets, { type });
      expect((await site.read('short', range)).equals(wanted)).toBe(true);
      hostile.decide = (seen) => (gets(seen) ? { type } : undefined);
      await expect(site.read('short', range)).rejects.toEqual(code('site-unavailable'));
    }
  }
}, 30_000);

it('waits as long as the server asks, and says so', async () => {
  const retries: Retry[] = [];
  const site = await open({ retry: { onRetry: (retry) => retries.push(retry) } });
  first(1, puts, { type: 'answer', status: 503, code: 'SlowDown', headers: { 'retry-after': '1' } });
  expect(await site.create('slow', body)).toBe('created');
  expect(retries).toEqual([
    { site: 'offsite', what: 'slow could not be stored', failed: 1, delayMs: 1000, why: 'SlowDown' },
  ]);
});

it('keeps its promises whatever lists say', async () => {
  const site = await open({ prefix: 'stale' });
  hostile.decide = (seen) => (seen.url.includes('list-type') ? { type: 'stale' } : undefined);
  const listed = async () => (await collected(site.list(''))).map(({ name }) => name);
  expect(await listed()).toEqual([]);
  expect(await site.create('a', body)).toBe('created');
  expect(await listed()).toEqual([]);
  expect(await site.create('a', body)).toBe('exists');
  expect(await site.stat('a')).toEqual({ size: body.length });
  await site.replace('a', Buffer.from('new'));
  expect((await site.read('a')).toString()).toBe('new');
  await site.remove('a');
  expect(await site.stat('a')).toBeUndefined();
});

describe('a server that is gone', () => {
  const all = (site: Site): [string, () => Promise<unknown>][] => [
    ['create', () => site.create('gone', body)],
    ['replace', () => site.replace('gone', body)],
    ['read', () => site.read('gone')],
    ['stat', () => site.stat('gone')],
    ['list', () => collected(site.list(''))],
    ['remove', () => site.remove('gone')],
  ];
  it.each<[string, S3Fault]>([
    ['breaks every connection', { type: 'reset' }],
    ['fails every request', { type: 'answer', status: 503, code: 'ServiceUnavailable' }],
    ['never answers', { type: 'stall' }],
    ['answers nonsense', { type: 'answer', status: 502 }],
  ])('%s: each operation says so by the deadline', async (_, fault) => {
    const site = await open({ idleTimeoutMs: 300, retry: { deadlineMs: 500 } });
    hostile.decide = () => fault;
    const began = performance.now();
    await Promise.all(
      all(site).map(async ([name, work]) =>
        expect(await work().catch((e) => e), name).toEqual(code('site-unavailable')),
      ),
    );
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it('lets go of what waits when it is closed', async () => {
    const site = await open();
    hostile.decide = () => ({ type: 'stall' });
    const waiting = expect(site.read('gone')).rejects.toEqual(code('internal'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await site.close();
    await waiting;
  });
});

describe('a refusal', () => {
  const secret = 'this-is-the-secret-key';
  async function refusal(options: Partial<S3SiteOptions>) {
    const error = await open(options).then(
      () => undefined,
      (error) => error,
    );
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/testkey|Signature=/);
    return error;
  }

  it('of credentials', async () => {
    const accessKeyId = 'testkey';
    const unknown = await refusal({ credentials: { accessKeyId: 'nobody', secretAccessKey: secret } });
    expect(unknown).toMatchObject({ code: 'site-unavailable', why: expect.stringContaining('does not know') });
    const wrong = await refusal({ credentials: { accessKeyId, secretAccessKey: secret } });
    expect(wrong).toMatchObject({ code: 'site-unavailable', why: expect.stringContaining('does not belong') });
  });

  it('of credentials that were good before', async () => {
    await ceph.admin('key', 'create', '--uid=test', '--access-key=passing', `--secret-key=${secret}`);
    const site = await open({ credentials: { accessKeyId: 'passing', secretAccessKey: secret } });
    expect(await site.create('before', body)).toBe('created');
    await ceph.admin('key', 'rm', '--uid=test', '--access-key=passing');
    await expect(site.create('after', body)).rejects.toEqual(code('site-unavailable'));
    await expect(site.read('before')).rejects.toEqual(code('site-unavailable'));
    await expect(site.stat('before')).rejects.toEqual(code('site-unavailable'));
  });

  it('of a bucket that is not there, or another region', async () => {
    expect(await refusal({ bucket: 'no-such-bucket' })).toEqual(code('no-repository'));
    const headers = { 'x-amz-bucket-region': 'eu-central-9' };
    hostile.decide = () => ({ type: 'answer', status: 301, code: 'PermanentRedirect', headers });
    expect(await refusal({})).toMatchObject({ code: 'site-unavailable', why: expect.stringContaining('eu-central-9') });
  });

  it('for a clock that is wrong: the SDK mends that by itself, or it is said', async () => {
    first(2, () => true, { type: 'answer', status: 403, code: 'RequestTimeTooSkewed' });
    const site = await open();
    hostile.decide = () => ({ type: 'answer', status: 403, code: 'RequestTimeTooSkewed' });
    await expect(site.create('skewed', body)).rejects.toMatchObject({ hint: expect.stringContaining('clock') });
  });

  it('for a quota', async () => {
    const keys = ['--access-key=poor', `--secret-key=${secret}`];
    await ceph.admin('user', 'create', '--uid=poor', '--display-name=poor', ...keys);
    await ceph.admin('quota', 'set', '--quota-scope=user', '--uid=poor', '--max-objects=3');
    await ceph.admin('quota', 'enable', '--quota-scope=user', '--uid=poor');
    const credentials = { accessKeyId: 'poor', secretAccessKey: secret };
    const { CreateBucketCommand } = await import('@aws-sdk/client-s3');
    await (await ceph.client(credentials)).send(new CreateBucketCommand({ Bucket: 'poor' }));
    const site = await open({ bucket: 'poor', credentials });
    const outcomes = [];
    for (let i = 0; i < 6; i++) outcomes.push(await site.create(`${i}`, body).catch((error) => error));
    expect(outcomes[0]).toBe('created');
    expect(outcomes.at(-1)).toEqual(code('site-full'));
  });

  it('of deleting: the policy in the documentation lets a backup work and delete nothing', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/sites.md'), 'utf8');
    const policy = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)![1]!.replaceAll('BUCKET', bucket));
    for (const statement of policy.Statement) statement.Principal = { AWS: ['arn:aws:iam:::user/writer'] };
    const keys = ['--access-key=writer', `--secret-key=${secret}`];
    await ceph.admin('user', 'create', '--uid=writer', '--display-name=writer', ...keys);
    const owner = await ceph.client();
    await owner.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(policy) }));
    const site = await open({ prefix: 'PREFIX', credentials: { accessKeyId: 'writer', secretAccessKey: secret } });
    expect(site.capabilities?.conditionalCreate).toBe(true);
    expect(await site.create('a', body)).toBe('created');
    expect(await site.create('a', body)).toBe('exists');
    await site.replace('lease', body);
    expect((await site.read('a')).equals(body)).toBe(true);
    expect(await site.stat('nothing')).toBeUndefined();
    expect((await collected(site.list(''))).map(({ name }) => name).sort()).toEqual(['a', 'lease']);
    await expect(site.remove('a')).rejects.toMatchObject({
      code: 'site-unavailable',
      why: expect.stringContaining('permission'),
    });
  });
});

it('believes the certificate authority that it is told to, and no other; and goes through a proxy', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-tls-'));
  const [key, cert] = [join(directory, 'key'), join(directory, 'cert')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-days', '2', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  const tls = createHttps({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    const to = {
      host: '127.0.0.1',
      port: ceph.port,
      method: request.method,
      path: request.url,
      headers: request.headers,
    };
    import('node:http').then((http) => {
      const onward = http.request(to, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      });
      request.pipe(onward);
    });
  });
  let authorization: string | undefined;
  const proxy = createHttp();
  proxy.on('connect', (request, socket) => {
    authorization = request.headers['proxy-authorization'];
    const [host, port] = request.url!.split(':');
    const onward = connect(Number(port), host === 'localhost' ? '127.0.0.1' : host!, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    for (const end of [socket, onward]) end.on('error', () => {});
  });
  tls.listen(0);
  proxy.listen(0);
  await Promise.all([once(tls, 'listening'), once(proxy, 'listening')]);
  const port = (server: { address(): unknown }) => (server.address() as { port: number }).port;
  const endpoint = `https://localhost:${port(tls)}`;
  try {
    await expect(open({ endpoint })).rejects.toMatchObject({
      ...{ code: 'site-unavailable', why: expect.stringContaining('certificate') },
    });
    const direct = await open({ endpoint, caFile: cert });
    expect(await direct.create('tls', body)).toBe('created');
    const through = await open({ endpoint, caFile: cert, proxy: `http://me:word@localhost:${port(proxy)}` });
    expect((await through.read('tls')).equals(body)).toBe(true);
    expect(authorization).toBe(`Basic ${Buffer.from('me:word').toString('base64')}`);
    await Promise.all([direct.close(), through.close()]);
  } finally {
    tls.close();
    tls.closeAllConnections();
    proxy.close();
    proxy.closeAllConnections();
  }
});

// Last: Ceph's own tools wait half a minute for a gateway that was killed.
it('outlasts a restart of the server', async () => {
  const site = await open({ endpoint: ceph.endpoint, retry: { deadlineMs: 20_000 } });
  await ceph.kill();
  const creating = site.create('back', body);
  await ceph.restart();
  expect(await creating).toBe('created');
});
