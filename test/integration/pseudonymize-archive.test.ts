/** Copies as archives: what pg_restore and psql make of them, who can open them, and what is left when something goes wrong. */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Decrypter } from 'age-encryption';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { HoldfastError } from '../../src/base/errors.ts';
import { type HoldfastEvent, silent } from '../../src/base/events.ts';
import { sealed } from '../../src/crypt/sealed-stream.ts';
import { generateKeyPair } from '../../src/crypt/secrets.ts';
import { dumpCopy } from '../../src/jobs/pseudonymize/archive-dump.ts';
import { claimArchive } from '../../src/jobs/pseudonymize/archive-place.ts';
import { copyDatabase } from '../../src/jobs/pseudonymize/copy-database.ts';
import type { CopySettings } from '../../src/jobs/pseudonymize/copy-settings.ts';
import { type ArchiveWish, copyToArchive } from '../../src/jobs/pseudonymize/to-archive.ts';
import { machineOf } from '../../src/jobs/verify/scratch-server.ts';
import { findBinaries } from '../../src/sources/postgres/binaries.ts';
import { libpqEnvironment, type PostgresConnection } from '../../src/sources/postgres/connection.ts';
import { findDump } from '../../src/sources/postgres/dump-archive.ts';
import type { ThrowawayConnection } from '../../src/sources/postgres/throwaway.ts';
import { copySettings, reviewDatabase } from '../support/copied-database.ts';
import { clearMark, clientSchema, rowsOf } from '../support/copied-rows.ts';
import { useCluster } from '../support/postgres.ts';
import { mountSmallDisk, unmount } from '../support/small-disk.ts';

const cluster = useCluster();
const directory = mkdtempSync(join(tmpdir(), 'copy-archive-'));
const scratch = join(directory, 'scratch');
const archives = join(directory, 'archives');
const events: HoldfastEvent[] = [];
let live: ThrowawayConnection;
let lockFile: string;
let programs: string;
/** Of a copy that went to a database, with the same key. */
let expected: Record<string, string>;

const settings = (more: Partial<CopySettings> = {}) =>
  copySettings({
    connection: live,
    lockFile,
    database: 'copied',
    jobs: 1,
    emit: (event) => void events.push(event),
    ...more,
  });

const toArchive = (name: string, wish: Partial<ArchiveWish> = {}, more: Partial<CopySettings> = {}) =>
  copyToArchive(settings(more), {
    file: join(archives, name),
    format: 'custom',
    scratch: { kind: 'local', directory: scratch },
    ...wish,
  });

const run = (program: string, args: string[], connection?: PostgresConnection, input?: Buffer) =>
  execFileSync(join(programs, program), args, {
    env: { ...process.env, ...(connection && libpqEnvironment(connection)) },
    ...(input && { input }),
    maxBuffer: 1e9,
  });

/** Nothing but what is named lies in the places that were written to. */
function expectLeft(...names: string[]): void {
  expect(readdirSync(archives).sort()).toEqual(names.sort());
  expect(existsSync(scratch) ? readdirSync(scratch) : []).toEqual([]);
}

beforeAll(async () => {
  chmodSync(directory, 0o711);
  mkdirSync(archives);
  live = await cluster.createDatabase('app');
  const client = await cluster.client('app');
  await client.query(clientSchema);
  lockFile = join(directory, 'app.lock.yaml');
  await reviewDatabase(settings());
  await copyDatabase(settings());
  expected = await rowsOf({ ...live, database: 'copied' });
  programs = (await findBinaries({ programs: ['pg_restore', 'psql'], path: process.env.PATH })).directory;
});

afterEach(() => {
  for (const name of readdirSync(archives)) rmSync(join(archives, name), { recursive: true });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('an archive', () => {
  it('is restored by pg_restore, several tables at once, into what a database gets with the same key', async () => {
    const report = await toArchive('app.dump');
    const file = join(archives, 'app.dump');
    const bytes = readFileSync(file);
    expect(report).toMatchObject({
      file,
      format: 'custom',
      encrypted: false,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      shortfalls: [],
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const target = await cluster.createDatabase('from_custom');
    run('pg_restore', ['--exit-on-error', '--no-owner', '--jobs=2', '--dbname=from_custom', file], target);
    expect(await rowsOf(target)).toEqual(expected);
    const sql = run('pg_restore', ['--file=-', file]).toString();
    expect(sql).toContain('CREATE INDEX orders_person');
    expect(sql).not.toContain(clearMark);
    const key = Buffer.from(settings().secret);
    for (const secret of [key, key.toString('hex'), key.toString('base64')]) expect(bytes.includes(secret)).toBe(false);
    expectLeft('app.dump');
  });

  it('is not written when the copy holds an original: the one before stays, and the report tells', async () => {
    const connection = await cluster.createDatabase('leaky');
    const client = await cluster.client('leaky');
    await client.query(`CREATE TABLE people (id int PRIMARY KEY, email text NOT NULL, note text);
      INSERT INTO people VALUES (1, 'zoe.quentin@posteo.example', 'wrote from zoe.quentin@posteo.example')`);
    const leaky = { connection, lockFile: join(directory, 'leaky.lock.yaml') };
    await reviewDatabase(settings(leaky), {
      columns: { 'public.people.email': 'email', 'public.people.note': 'keep' },
    });
    const file = join(archives, 'leaky.dump');
    writeFileSync(file, 'PGDMP the one before');
    const report = await toArchive('leaky.dump', { overwrite: true }, leaky);
    expect(report).toMatchObject({ published: false, leaks: { verdict: 'fail' } });
    expect(report).not.toHaveProperty('sha256');
    expect(readFileSync(file, 'utf8')).toBe('PGDMP the one before');
    expectLeft('leaky.dump');
  });

  it('may be a directory, whose sum is that of the list of its parts', async () => {
    const report = await toArchive('app.dir', { format: 'directory' });
    const file = join(archives, 'app.dir');
    const sum = execFileSync('sh', ['-c', 'LC_ALL=C sha256sum -- * | sha256sum'], { cwd: file }).toString();
    expect(report.sha256).toBe(sum.slice(0, 64));
    expect(statSync(file).mode & 0o777).toBe(0o700);
    const target = await cluster.createDatabase('from_directory');
    run('pg_restore', ['--exit-on-error', '--no-owner', '--jobs=2', '--dbname=from_directory', file], target);
    expect(await rowsOf(target)).toEqual(expected);
    expectLeft('app.dir');
  });

  it('that is a directory takes the place of another archive, and of nothing else', async () => {
    const file = join(archives, 'app.dir');
    mkdirSync(file);
    for (const name of ['toc.dat', '3201.dat.gz', 'letter.txt']) writeFileSync(join(file, name), 'the one before');
    const name = { file, kind: 'directory', overwrite: true } as const;
    await expect(claimArchive(name, silent)).rejects.toMatchObject({ code: 'target-exists' });
    expect(readFileSync(join(file, 'letter.txt'), 'utf8')).toBe('the one before');
    rmSync(join(file, 'letter.txt'));
    {
      await using place = await claimArchive(name, silent);
      writeFileSync(join(place.partial, 'toc.dat'), 'the new one');
      expect(readdirSync(file)).toHaveLength(2);
      await place.publish();
    }
    expect(readdirSync(file)).toEqual(['toc.dat']);
    expect(readFileSync(join(file, 'toc.dat'), 'utf8')).toBe('the new one');
    // One that was killed when the old had given up its name, and the new had not got it.
    const aside = `${file}.${machineOf()}-2e2e2e-1-0123abcd.replaced`;
    renameSync(file, aside);
    await (await claimArchive(name, silent))[Symbol.asyncDispose]();
    expect(readFileSync(join(file, 'toc.dat'), 'utf8')).toBe('the new one');
    expectLeft('app.dir');
  });

  it('is opened by its recipients and by nobody else', async () => {
    const [anna, bob, eve] = await Promise.all([generateKeyPair(), generateKeyPair(), generateKeyPair()]);
    const file = join(archives, 'app.sql.age');
    writeFileSync(file, 'the one before');
    const report = await toArchive('app.sql.age', {
      format: 'plain-sql',
      recipients: [anna.recipient, bob.recipient],
      overwrite: true,
    });
    const bytes = readFileSync(file);
    expect(report).toMatchObject({ encrypted: true, bytes: bytes.length });
    expect(report.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(bytes.includes('CREATE TABLE')).toBe(false);
    const identity = (name: string, text: string) => {
      const path = join(directory, name);
      writeFileSync(path, `${text}\n`, { mode: 0o600 });
      return path;
    };
    const age = (key: string) =>
      execFileSync('age', ['--decrypt', '-i', key, file], { maxBuffer: 1e9, stdio: ['ignore', 'pipe', 'pipe'] });
    const sql = age(identity('bob.key', bob.identity));
    const decrypter = new Decrypter();
    decrypter.addIdentity(anna.identity);
    expect(Buffer.compare(Buffer.from(await decrypter.decrypt(bytes)), sql)).toBe(0);
    // Several segments, so that their order counts.
    expect(sql.length).toBeGreaterThan(65_536);
    expect(() => age(identity('eve.key', eve.identity))).toThrow(/no identity matched/);
    const target = await cluster.createDatabase('from_sealed');
    run('psql', ['--quiet', '--no-psqlrc', '--set=ON_ERROR_STOP=1', '--output=/dev/null'], target, sql);
    expect(await rowsOf(target)).toEqual(expected);
    expectLeft('app.sql.age');
  });

  it('never goes over something, and is not begun when its name or its readers cannot be', async () => {
    const { identity, recipient } = await generateKeyPair();
    writeFileSync(join(archives, 'there'), 'somebody’s');
    mkdirSync(join(archives, 'folder'));
    events.length = 0;
    const refused: [string, Partial<ArchiveWish>, string][] = [
      ['there', {}, 'target-exists'],
      ['folder', { overwrite: true }, 'target-exists'],
      ['there', { format: 'directory', overwrite: true }, 'target-exists'],
      ['no/such/directory', {}, 'target-failed'],
      ['new', { format: 'directory', recipients: [recipient] }, 'usage'],
      ['new', { recipients: [] }, 'wrong-key'],
      ['new', { recipients: ['age1nobody'] }, 'wrong-key'],
      ['new', { recipients: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF'] }, 'usage'],
      ['new', { recipients: [identity] }, 'usage'],
      ['new', { scratch: { kind: 'server', directory: scratch } }, 'usage'],
      ['new', { scratchLimit: 1 }, 'target-failed'],
    ];
    for (const [name, wish, code] of refused) {
      const error = await toArchive(name, wish).catch((error: unknown) => error);
      expect(error, `${name} ${JSON.stringify(wish)}`).toMatchObject({ code });
      const { message, why, hint } = error as HoldfastError;
      expect(JSON.stringify([message, why, hint])).not.toContain(identity);
    }
    expect(events.filter(({ type }) => type === 'step')).toEqual([]);
    expect(readFileSync(join(archives, 'there'), 'utf8')).toBe('somebody’s');
    expectLeft('folder', 'there');
  });

  it('leaves the one before on a disk that becomes full, and is not begun on one that is', async () => {
    const small = join(directory, 'small');
    mountSmallDisk(small, 1);
    try {
      const { recipient } = await generateKeyPair();
      const file = join(small, 'app');
      const full = (wish: Partial<ArchiveWish>) => toArchive('', { file, ...wish });
      const leave = (bytes: number) => writeFileSync(join(small, 'ballast'), Buffer.alloc(1024 * 1024 - bytes));
      // Room enough for the least that it may take, and not for what it takes.
      writeFileSync(file, 'the one before');
      leave(32 * 1024);
      const isFull = { code: 'target-failed', why: 'Its disk is full.' };
      await expect(full({ recipients: [recipient], overwrite: true })).rejects.toMatchObject(isFull);
      expect(readdirSync(small).sort()).toEqual(['app', 'ballast']);
      expect(readFileSync(file, 'utf8')).toBe('the one before');
      rmSync(file);
      {
        await using place = await claimArchive({ file, kind: 'file', overwrite: false }, silent);
        const { signal, env } = settings();
        const program = await findDump(150_000, env);
        const connection = { ...live, database: 'copied' };
        const parts = { connection, program, recipients: [], file, partial: place.partial, jobs: 1, env, signal };
        for (const format of ['custom', 'plain-sql'] as const) {
          await expect(dumpCopy({ ...parts, format })).rejects.toMatchObject(isFull);
        }
      }
      expect(readdirSync(small)).toEqual(['ballast']);
      leave(8 * 1024);
      events.length = 0;
      await expect(full({})).rejects.toMatchObject({ code: 'target-failed', why: expect.stringMatching(/at least/) });
      expect(events.filter(({ type }) => type === 'step')).toEqual([]);
      expect(readdirSync(small)).toEqual(['ballast']);
    } finally {
      unmount(small);
    }
    expectLeft();
  });

  it('has no name when its run was killed, and the next one removes what was left', async () => {
    const file = join(archives, 'app.dump');
    const archive: ArchiveWish = { file, format: 'custom', scratch: { kind: 'local', directory: scratch } };
    const child = spawn(
      process.execPath,
      [
        new URL('../support/archive-child.ts', import.meta.url).pathname,
        JSON.stringify({ connection: live, lockFile, archive }),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let said = '';
    child.stdout.on('data', (bytes) => {
      said += bytes;
      if (said.includes('Writing ')) child.kill('SIGKILL');
    });
    await once(child, 'exit');
    expect(said).toMatch(/Writing .*\n$/);
    expect(readdirSync(archives)).toEqual([expect.stringMatching(/^app\.dump\.[0-9a-z-]+\.partial$/)]);
    expect(readdirSync(scratch)).toHaveLength(1);
    events.length = 0;
    // Also one that comes to nothing itself.
    await expect(toArchive('app.dump', { scratchLimit: 1 })).rejects.toMatchObject({ code: 'target-failed' });
    expectLeft();
    const notes = events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
    expect(notes.filter((text) => text.startsWith('Removed what a killed run left behind: '))).toHaveLength(2);
  });
});

describe('a stream', () => {
  it('is sealed as age seals files, whatever its pieces are, and cut short it is not opened', async () => {
    const { identity, recipient } = await generateKeyPair();
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const sizes = fc.array(
      fc.oneof(fc.constantFrom(0, 1, 65_535, 65_536, 65_537, 131_072), fc.integer({ min: 0, max: 200_000 })),
      { maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 70_000 }), async (lengths, cut) => {
        const pieces = lengths.map((length, at) => Buffer.alloc(length, at + 1));
        const parts: Uint8Array[] = [];
        for await (const part of sealed(asStream(pieces), [recipient])) parts.push(part);
        const file = Buffer.concat(parts);
        const opened = Buffer.from(await decrypter.decrypt(file));
        expect(opened.equals(Buffer.concat(pieces))).toBe(true);
        await expect(decrypter.decrypt(file.subarray(0, Math.max(0, file.length - cut)))).rejects.toThrow();
      }),
      { numRuns: 15 },
    );
  });
});

async function* asStream(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces;
}
