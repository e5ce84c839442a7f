/** What the sftp site makes of servers that lack something, networks that break for good, and refusals. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MiB } from '../../src/base/units.ts';
import { openSftpSite, type SftpSiteOptions } from '../../src/sites/sftp/site.ts';
import type { Site } from '../../src/sites/site.ts';
import { collected } from '../support/collected.ts';
import { type HostileTcp, startHostileTcp } from '../support/hostile-tcp.ts';
import { mountSmallDisk, unmount } from '../support/small-disk.ts';
import { generateKey, type SshServer, startSshd } from '../support/sshd.ts';

const code = (code: string) => expect.objectContaining({ name: 'HoldfastError', code });
const body = Buffer.from('a body of some length');
const servers: SshServer[] = [];
const opened: Site[] = [];
let server: SshServer;
let hostile: HostileTcp;

async function start(sftpArguments: string[] = []): Promise<SshServer> {
  const started = await startSshd({ sftpArguments });
  servers.push(started);
  return started;
}

async function open(options: Partial<SftpSiteOptions> = {}, at = server): Promise<Site> {
  const { retry, ...others } = options;
  const site = await openSftpSite({
    ...{ name: 'vault', host: '127.0.0.1', port: at.port, user: at.user, path: at.directory, identity: at.identity },
    ...{ hostKeys: [at.fingerprint], retry: { firstDelayMs: 2, longestDelayMs: 20, deadlineMs: 3000, ...retry } },
    ...others,
  });
  opened.push(site);
  return site;
}

beforeAll(async () => {
  server = await start();
  hostile = await startHostileTcp(server.port);
});
afterAll(async () => {
  for (const site of opened) await site.close();
  await hostile?.stop();
  for (const started of servers) await started.stop();
});

describe('the server', () => {
  it('is the one that is expected, or nothing is sent', async () => {
    const other = generateKey().public;
    const error = await open({ hostKeys: [other] }).catch((error) => error);
    expect(error).toMatchObject({ code: 'site-unavailable', why: expect.stringContaining(server.fingerprint) });
    await expect(open({ hostKeys: [] })).rejects.toEqual(code('config'));
    await expect(open({ hostKeys: ['SHA256:short'] })).rejects.toEqual(code('config'));
    await expect(open({ hostKeys: [`[127.0.0.2]:${server.port} ${server.hostKey}`] })).rejects.toEqual(code('config'));
    await expect(open({ hostKeys: [`@revoked [127.0.0.1]:${server.port} ${server.hostKey}`] })).rejects.toEqual(
      code('config'),
    );
  });

  it('is known by its key, and by lines of known_hosts, hashed ones too', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-known-'));
    const file = join(directory, 'known_hosts');
    const line = `[127.0.0.1]:${server.port} ${server.hostKey}`;
    writeFileSync(file, `# a comment\nexample.org ${generateKey().public}\n${line}\n`);
    const plain = execFileSync('cat', [file], { encoding: 'utf8' });
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    const hashed = execFileSync('cat', [file], { encoding: 'utf8' });
    expect(hashed).toContain('|1|');
    for (const hostKey of [server.hostKey, plain, hashed]) await (await open({ hostKeys: [hostKey] })).stat('x');
  });

  it('lets in an identity with a passphrase, or an agent, and nobody else', async () => {
    const encrypted = mkdtempSync(join(tmpdir(), 'holdfast-agent-'));
    const key = join(encrypted, 'key');
    writeFileSync(key, server.identity, { mode: 0o600 });
    const socket = join(encrypted, 'agent');
    const agent: ChildProcess = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 10));
      execFileSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
      expect(await (await open({ identity: undefined, agent: socket })).stat('x')).toBeUndefined();
    } finally {
      agent.kill();
    }
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'open sesame', '-f', key], { stdio: 'ignore' });
    const identity = execFileSync('cat', [key], { encoding: 'utf8' });
    expect(await (await open({ identity, passphrase: 'open sesame' })).stat('x')).toBeUndefined();
    for (const passphrase of [undefined, 'wrong']) {
      await expect(open({ identity, passphrase })).rejects.toEqual(code('secret'));
    }
    const stranger = generateKey().private;
    const error = await open({ identity: stranger }).catch((error) => error);
    expect(error).toMatchObject({ code: 'site-unavailable', message: expect.stringContaining('refused the login') });
    expect(inspect(error, { depth: 9 })).not.toContain(stranger.split('\n')[2]);
  });

  it('has the directory, or is told to make it', async () => {
    const path = join(server.directory, 'not/yet');
    await expect(open({ path })).rejects.toEqual(code('no-repository'));
    const site = await open({ path, create: true });
    expect(await site.create('a/b', body)).toBe('created');
    await site.close();
    expect(readdirSync(join(path, '.tmp'))).toEqual([]);
  });
});

describe('a server that', () => {
  it.each<[string, string[], object]>([
    ['can do all', [], { conditionalCreate: true, durable: true }],
    ['has no hard links', ['-P', 'hardlink'], { conditionalCreate: true, durable: true }],
    ['cannot sync', ['-P', 'fsync'], { conditionalCreate: true, durable: false }],
  ])('%s is found out, and used as it is', async (_, sftpArguments, capabilities) => {
    const own = await start(sftpArguments);
    const [site, other] = [await open({}, own), await open({}, own)];
    expect(site.capabilities).toMatchObject(capabilities);
    expect(await site.create('a/object', body)).toBe('created');
    expect(await other.create('a/object', Buffer.from('other'))).toBe('exists');
    expect((await site.read('a/object')).equals(body)).toBe(true);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? site : other).create('raced', Buffer.from(`${i}`))),
    );
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
    expect((await site.read('raced')).toString()).toBe(`${outcomes.indexOf('created')}`);
    await site.replace('a/object', Buffer.from('new'));
    expect((await other.read('a/object')).toString()).toBe('new');
    await site.close();
    expect(readdirSync(join(own.directory, '.tmp'))).toEqual([]);
  });

  it('cannot replace a file at once is refused for that', async () => {
    const site = await open({}, await start(['-P', 'posix-rename']));
    expect(await site.create('object', body)).toBe('created');
    await expect(site.replace('object', body)).rejects.toMatchObject({ why: expect.stringContaining('posix-rename') });
  });

  it('may only be read can be read', async () => {
    const own = await start(['-R']);
    mkdirSync(join(own.directory, 'a'));
    writeFileSync(join(own.directory, 'a/object'), body);
    const site = await open({}, own);
    expect((await site.read('a/object')).equals(body)).toBe(true);
    expect(await collected(site.list(''))).toEqual([{ name: 'a/object', size: body.length }]);
    await expect(site.create('b', body)).rejects.toMatchObject({
      ...{ code: 'site-unavailable', why: expect.stringContaining('permission') },
    });
  });

  it('can sync is asked to, in the right order', async () => {
    const own = await startSshd({ verbose: true });
    servers.push(own);
    const site = await open({}, own);
    const before = own.requests().length;
    await site.create('deep/object', randomBytes(100_000));
    await site.close();
    const steps = own
      .requests()
      .slice(before)
      .replaceAll(own.directory, '')
      .replace(/[0-9a-f]{32}/g, 'upload')
      .split(/\r?\n/)
      .filter((line) => /^(fsync|hardlink|mkdir|remove)/.test(line));
    expect(steps).toEqual([
      ...['mkdir name "/.tmp" mode 0700', 'fsync ""'],
      'fsync "/.tmp/upload"',
      ...['mkdir name "/deep" mode 0700', 'fsync ""'],
      ...['hardlink old "/.tmp/upload" new "/deep/object"', 'fsync "/deep"'],
      'remove name "/.tmp/upload"',
    ]);
  });
});

it('removes uploads that killed writers left a day ago, and no others', async () => {
  const own = await start();
  const temporary = join(own.directory, '.tmp');
  mkdirSync(temporary);
  const [old, young] = ['a'.repeat(32), 'b'.repeat(32)];
  for (const name of [old, young, 'foreign']) writeFileSync(join(temporary, name), body);
  const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
  for (const name of [old, 'foreign']) utimesSync(join(temporary, name), yesterday, yesterday);
  const site = await open({}, own);
  expect(readdirSync(temporary).sort()).toEqual([young, 'foreign']);
  await site.close();
});

it('says that the disk is full, and leaves nothing', async () => {
  const own = await start();
  const path = join(own.directory, 'small');
  mountSmallDisk(path, 3);
  try {
    const site = await open({ path }, own);
    const outcomes: unknown[] = [];
    for (let i = 0; i < 4; i++) outcomes.push(await site.create(`${i}`, randomBytes(MiB)).catch((error) => error));
    expect(outcomes.slice(0, 2)).toEqual(['created', 'created']);
    expect(outcomes.at(-1)).toEqual(code('site-full'));
    for (const { name, size } of await collected(site.list(''))) {
      expect(size).toBe(MiB);
      expect((await site.read(name)).length).toBe(MiB);
    }
    await site.close();
    expect(readdirSync(join(path, '.tmp'))).toEqual([]);
  } finally {
    unmount(path);
  }
});

describe('over a network that breaks', () => {
  it.each([[[]], [['-P', 'hardlink']]])(
    'it knows whether it was the one that created (sftp-server %j)',
    async (sftpArguments) => {
      const own = await start(sftpArguments);
      const bad = await startHostileTcp(own.port);
      try {
        const site = await open({ port: bad.port, retry: { deadlineMs: 20_000 } }, own);
        const other = await open({}, own);
        const path = (name: string) => join(own.directory, name);
        for (let i = 0; i < 8; i++) {
          // The first answer after the name was given is lost, and the one after that.
          let left = 1 + (i % 2);
          bad.faults = { loseAnswer: () => existsSync(path(`own-${i}`)) && left-- > 0 };
          expect(await site.create(`own-${i}`, body)).toBe('created');
          expect(left).toBeLessThan(1);
          // Another has it, with equal bytes: only who did it tells them apart.
          await other.create(`other-${i}`, body);
          const uploaded = () => {
            const [upload] = readdirSync(path('.tmp'));
            return upload !== undefined && statSync(join(path('.tmp'), upload)).size === body.length;
          };
          // One of the answers after the upload is lost, each round another: one of them is to the link or rename.
          let nth = i;
          bad.faults = { loseAnswer: () => uploaded() && nth-- === 0 };
          expect(await site.create(`other-${i}`, body)).toBe('exists');
          bad.faults = {};
        }
        expect(bad.cuts).toBeGreaterThan(5);
      } finally {
        await bad.stop();
      }
    },
  );

  it.each([
    ['breaks every connection', { refuse: true }],
    ['never answers', { silent: true }],
  ])('%s: each operation says so by the deadline', async (_, faults) => {
    const site = await open({
      ...{ port: hostile.port, idleTimeoutMs: 300, connectTimeoutMs: 1500, retry: { deadlineMs: 500 } },
    });
    hostile.faults = faults;
    hostile.cut();
    const began = performance.now();
    const all: (() => Promise<unknown>)[] = [
      () => site.create('gone', body),
      () => site.replace('gone', body),
      () => site.read('gone'),
      () => site.stat('gone'),
      () => collected(site.list('')),
      () => site.remove('gone'),
    ];
    for (const outcome of await Promise.all(all.map((work) => work().catch((error) => error)))) {
      expect(outcome).toEqual(code('site-unavailable'));
    }
    expect(performance.now() - began).toBeLessThan(8000);
    hostile.faults = {};
    expect(await site.create('again', body)).toMatch(/created|exists/);
  });

  it('outlasts a restart of the server', async () => {
    const own = await start();
    const between = await startHostileTcp(own.port);
    const site = await open({ port: between.port }, own);
    await own.kill();
    between.cut();
    const creating = site.create('back', body);
    await own.restart();
    expect(await creating).toBe('created');
    await site.close();
    await between.stop();
  });
});
