import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatDuration } from '../../src/base/units.ts';
import { openFile } from '../../src/crypt/age.ts';
import { backup } from '../../src/jobs/backup.ts';
import { listContents, readContent } from '../../src/jobs/contents.ts';
import { compareRestored } from '../../src/jobs/restore.ts';
import { openSource } from '../../src/repository/source-record.ts';
import { globalsOf } from '../support/globals.ts';
import { makeNastyGlobals, nastyNames } from '../support/nasty-globals.ts';
import { useCluster } from '../support/postgres.ts';
import { recover } from '../support/recovery-run.ts';
import { RecoverySite } from '../support/recovery-site.ts';
import { parties, RepositoryFixture } from '../support/repository-fixture.ts';

/** What a host key, a thief of the site, and an heir with the escrow sheet alone can read of globals. */

const cluster = useCluster();
const fixture = new RepositoryFixture();
afterAll(() => rm(fixture.directory, { recursive: true }));
let hashes: string[];

beforeAll(async () => {
  await makeNastyGlobals(await cluster.client(), cluster.throwaway);
  const { roles } = await globalsOf(cluster.connection);
  hashes = roles.flatMap(({ password }) => password ?? []);
  expect(hashes).toHaveLength(4);
  await fixture.init();
  const access = await fixture.access();
  const report = await backup(access, {
    sources: [{ type: 'postgres-globals', name: 'globals', connection: cluster.connection, passwords: true }],
    tags: [],
    env: process.env,
  });
  expect(report.outcome).toBe('done');
});

async function objects(): Promise<{ name: string; bytes: Buffer }[]> {
  const names = await readdir(fixture.sitePath, { recursive: true });
  const all = names.map(async (name) => {
    const path = join(fixture.sitePath, name);
    return (await stat(path)).isFile() ? [{ name, bytes: await readFile(path) }] : [];
  });
  return (await Promise.all(all)).flat();
}

/** Names that could stand nowhere by chance. */
const telling = nastyNames.filter((name) => name.length > 9);

function expectSilent(text: string): void {
  for (const secret of [...hashes, ...telling, 'SCRAM-SHA-256$', 'work_mem', 'about plain']) {
    expect(text.includes(secret) || text.includes(JSON.stringify(secret).slice(1, -1)), secret).toBe(false);
  }
}

test('the host key opens figures, and no name or hash', async () => {
  const access = await fixture.access();
  const source = await openSource(access, 'globals');
  expect(source.keys[0]!.dataIdentity).toBeUndefined();
  const identities = [parties.web1.identity, source.keys[0]!.catalogIdentity];
  let opened = 0;
  let sealed = 0;
  for (const { name, bytes } of await objects()) {
    expectSilent(bytes.toString('latin1'));
    if (name.includes('/packs/')) {
      await expect(openFile(identities, bytes), name).rejects.toMatchObject({ code: 'wrong-key' });
      sealed++;
    } else if (/\/(index|snapshots)\//.test(name)) {
      const envelope = JSON.parse(zstdDecompressSync(await openFile(identities, bytes)).toString('utf8'));
      const payload = Buffer.from(envelope.payload, 'base64').toString('utf8');
      expectSilent(payload);
      if (name.includes('/snapshots/')) expect(JSON.parse(payload).totals.roles).toBe(nastyNames.length + 1);
      opened++;
    }
  }
  expect(opened).toBe(2);
  expect(sealed).toBeGreaterThan(0);
  await expect(listContents(access, 'globals')).rejects.toMatchObject({ code: 'wrong-key' });
  await expect(readContent(access, 'globals', '', async () => {})).rejects.toMatchObject({ code: 'wrong-key' });
  expectSilent(JSON.stringify(fixture.events));
});

test('an owner can list, read and compare them', async () => {
  const access = await fixture.access({ machine: 'laptop', host: undefined, identities: [parties.anna] } as never);
  const { lines, type } = await listContents(access, 'globals');
  const listed: unknown[] = [];
  for await (const line of lines()) listed.push(line);
  expect({ type, listed }).toMatchObject({
    type: 'postgres-globals',
    listed: [
      { kind: 'output', name: 'globals.sql' },
      { kind: 'output', name: 'globals.json' },
    ],
  });
  const read = async (path: string) => {
    const pieces: Uint8Array[] = [];
    await readContent(access, 'globals', path, async (piece) => void pieces.push(piece));
    return Buffer.concat(pieces).toString('utf8');
  };
  expect(await read('')).toContain('CREATE ROLE "plain"');
  expect(JSON.parse(await read('globals.json')).kind).toBe('postgres-globals');
  await expect(read('other')).rejects.toMatchObject({ code: 'not-found' });
  const target = { connection: cluster.connection };
  const report = await compareRestored(access, { address: 'globals', target, env: process.env });
  expect(report.checks).toEqual([]);
  expect(report.equal, formatDuration(report.durationMs)).toBeGreaterThan(40);
});

test('every password stands beside random bytes: its chunk cannot be guessed', async () => {
  const access = await fixture.access({ machine: 'laptop', identities: [parties.anna] });
  const pieces: Uint8Array[] = [];
  await readContent(access, 'globals', 'globals.json', async (piece) => void pieces.push(piece));
  const { roles, salt } = JSON.parse(Buffer.concat(pieces).toString('utf8'));
  const salts = [
    salt,
    ...roles.filter((role: { password: unknown }) => role.password).map((role: { salt: string }) => role.salt),
  ];
  expect(new Set(salts).size).toBe(5);
  for (const each of salts) expect(each).toMatch(/^[0-9a-f]{32}$/);
});

test('recover.sh gives both files, with the sheet alone', async () => {
  const access = await fixture.access();
  const site = await RecoverySite.copyOf(fixture, access);
  const { listed } = await recover([...site.facts, '--list'], { script: site.script });
  expect(listed).toMatch(/ postgres-globals by web1 {2}roles \d+, passwords 4/);
  const to = await site.target();
  const { status, said } = await recover([...site.facts, '--source', 'globals', '--to', to], { script: site.script });
  expect({ status, said }).toMatchObject({ status: 0, said: expect.stringContaining('globals.sql') });
  expect((await readdir(to)).sort()).toEqual(['globals.json', 'globals.sql']);
  expect((await stat(join(to, 'globals.sql'))).mode & 0o777).toBe(0o600);
  const globals = JSON.parse(await readFile(join(to, 'globals.json'), 'utf8'));
  expect(globals.roles.map(({ name }: { name: string }) => name).sort()).toEqual([...nastyNames, 'postgres'].sort());
  expect(await readFile(join(to, 'globals.sql'), 'utf8')).toContain(hashes[0]!);

  const crafted = async (...names: string[]) => {
    const id = await site.craft('globals', 'postgres-globals', async (ingest) =>
      Promise.all(
        names.map(async (filename) => {
          const { stored } = await ingest.whole(Buffer.from('x'));
          return { kind: 'output', filename, stream: stored };
        }),
      ),
    );
    const place = await site.target();
    const facts = [...site.facts, '--source', 'globals', '--snapshot', id.slice(0, 16), '--to', place];
    return recover(facts, { script: site.script });
  };
  const unknown = 'the manifest has a line that this script does not know';
  expect(await crafted('../x')).toMatchObject({ status: 1, said: expect.stringContaining(unknown) });
  expect(await crafted('globals.sql\nglobals.json')).toMatchObject({
    status: 1,
    said: expect.stringContaining(unknown),
  });
  expect(await crafted('globals.sql', 'globals.sql')).toMatchObject({
    status: 1,
    said: expect.stringContaining('the manifest holds one file twice'),
  });
});
