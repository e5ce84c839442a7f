import { execSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import type { VerifyReport } from '../../src/jobs/verify/report.ts';
import { useCluster } from '../support/postgres.ts';
import { mountSmallDisk, unmount } from '../support/small-disk.ts';
import { holdfastOnTerminal, startHoldfast } from './run-holdfast.ts';
import { copySite, type WorkingSetup, workingSetup } from './working-setup.ts';

/** `holdfast verify` through the real program: what is whole is red under no circumstances, and what is not never green. */

// Each proof starts a server; a loaded machine takes its time.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const cluster = useCluster();
let setup: WorkingSetup;
let scratch: string;

interface Changes {
  verify?: object;
  site?: object;
}

/** The configuration with some of it changed, in a file beside it. */
function configWith(name: string, { verify, site }: Changes): string {
  const config = parse(readFileSync(join(setup.directory, 'holdfast.yaml'), 'utf8'));
  if (verify) config.verify = verify;
  if (site) Object.assign(config.sites[0], site);
  const file = join(setup.directory, `${name}.yaml`);
  writeFileSync(file, stringify(config));
  return file;
}

const verifyArguments = (...args: string[]) => ['verify', '--scratch-dir', scratch, ...args];
const verify = (args: string[], status = 0) => setup.json<VerifyReport>(verifyArguments(...args), status);
const check = ({ proofs }: VerifyReport, id: string) => proofs[0]!.checks.find((one) => one.id === id)!;

beforeAll(async () => {
  const connection = await cluster.createDatabase('app');
  const client = await cluster.client('app');
  const space = join(cluster.throwaway.directory, 'data', 'space');
  await client.query(`COPY (SELECT) TO PROGRAM 'mkdir ${space} && cat > /dev/null'`);
  await client.query(`CREATE TABLESPACE fast LOCATION '${space}'`);
  await client.query(`
    CREATE EXTENSION pgcrypto;
    CREATE ROLE app_owner; CREATE ROLE reader LOGIN IN ROLE app_owner;
    ALTER ROLE postgres SET statement_timeout = '1h'; COMMENT ON ROLE postgres IS 'the first';
    GRANT pg_monitor TO postgres; ALTER ROLE postgres PASSWORD 'known to nobody';
    CREATE TABLE people (id serial PRIMARY KEY, name text NOT NULL, twice int GENERATED ALWAYS AS (length(name) * 2) STORED);
    ALTER TABLE people OWNER TO app_owner; GRANT SELECT ON people TO reader;
    INSERT INTO people (name) SELECT 'p' || i FROM generate_series(1, 500) i;
    CREATE TABLE parted (id int, at date) PARTITION BY RANGE (at);
    CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
    CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2026-07-01') TO ('2027-01-01') TABLESPACE fast;
    INSERT INTO parted SELECT i, '2026-01-01'::date + i FROM generate_series(0, 300) i;
    CREATE INDEX ON people (name); CREATE TABLE empty (); CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM people;
    SELECT lo_from_bytea(0, decode(repeat('ab', 5000), 'hex'));
    CREATE SUBSCRIPTION elsewhere CONNECTION 'host=/nowhere dbname=x' PUBLICATION p WITH (connect = false);
    ALTER DATABASE app SET search_path = public; COMMENT ON DATABASE app IS 'of the app'`);
  setup = await workingSetup(connection);
  scratch = join(setup.directory, '..', `${setup.directory.split('/').at(-1)}-scratch`);
  writeFileSync(join(setup.tree, 'random.bin'), randomBytes(400_000));
  const file = join(setup.directory, 'holdfast.yaml');
  const config = parse(readFileSync(file, 'utf8'));
  const { host, port, user } = connection;
  config.sources.push(
    { name: 'output', type: 'command', command: ['seq', '20000'], filename: 'numbers' },
    { name: 'globals', type: 'postgres-globals', connection: { host, port, user, database: 'postgres' } },
  );
  writeFileSync(file, stringify(config));
  await setup.json(['backup']);
});
afterAll(async () => {
  const client = await cluster.client('app');
  await client.query('ALTER SUBSCRIPTION elsewhere SET (slot_name = NONE); DROP SUBSCRIPTION elsewhere');
  for (const path of [setup.directory, scratch]) rmSync(path, { recursive: true, force: true });
});

describe('a sound repository', () => {
  it('passes in every check, for every type of source, and leaves nothing behind', async () => {
    const report = await verify(['--site', 'vault']);
    expect(report.proofs.flatMap(({ checks }) => checks.filter(({ verdict }) => verdict !== 'pass'))).toEqual([]);
    expect(report).toMatchObject({ schema: 'holdfast/verify/1', verdict: 'pass' });
    const ids = Object.fromEntries(report.proofs.map((proof) => [proof.source, proof.checks.map(({ id }) => id)]));
    const always = ['authenticity', 'objects', 'restore'];
    const database = ['schema', 'tables', 'sequences', 'large-objects', 'roles', 'database'];
    expect(ids).toEqual({
      app: expect.arrayContaining([...always, ...database, 'constraints-and-indexes']),
      documents: [...always, 'files'],
      output: [...always, 'content'],
      globals: [...always, 'roles', 'content'],
    });
    for (const proof of report.proofs) {
      expect(proof).toMatchObject({ site: { name: 'vault', operator: 'Example Ltd', country: 'FR' } });
      expect(proof.contents.length, proof.source).toBeGreaterThan(0);
      for (const { source, restored } of proof.contents) expect(restored).toBe(source);
    }
    const [app, , output] = report.proofs;
    expect(app!.checks.find(({ id }) => id === 'tables')).toMatchObject({
      equal: 5,
      figures: { tables: 4, rows: 801 },
    });
    expect(app!.contents.find(({ object }) => object === 'public.people')).toMatchObject({
      rows: 500,
      method: 'sha256',
    });
    const numbers = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join('');
    expect(output!.contents).toMatchObject([{ source: createHash('sha256').update(numbers).digest('hex') }]);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('shows people a table for each proof, with the verdict last', async () => {
    const args = ['-i', 'owners/anna.key', ...verifyArguments('documents')];
    const { status, stdout } = await holdfastOnTerminal(args, { cwd: setup.directory, columns: 100 });
    expect(status, stdout).toBe(0);
    expect(stdout).toMatch(/CHECK.*VERDICT.*TIME.*FIGURES/);
    expect(stdout).toMatch(/1 proof in .*1 pass/);
    expect(stdout.trimEnd().split('\n').length).toBeGreaterThan(6);
  });

  it('--dry-run restores nothing', async () => {
    const planned = await verify(['--dry-run', 'app', 'output']);
    expect(planned).toMatchObject({ dryRun: true, proofs: [{ source: 'app', site: 'vault' }, { source: 'output' }] });
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('--keep leaves the scratch, says how to reach it, and the next run does not take it for a leak', async () => {
    const own = `${scratch}-kept`;
    const keeping = ['verify', '--scratch-dir', own, 'app', 'documents', '--keep'];
    const { proofs } = await setup.json<VerifyReport>(keeping);
    const [app, documents] = proofs.map((proof) => proof.scratch!);
    await setup.json(['verify', '--scratch-dir', own, 'output']);
    expect(readFileSync(join(documents!.kept!, 'first.txt'), 'utf8')).toBe('the first file\n');
    const url = new URL(app!.kept!.replace('@/', '@localhost/'));
    const client = new pg.Client({
      host: url.searchParams.get('host')!,
      port: Number(url.searchParams.get('port')),
      user: url.username,
      database: url.pathname.slice(1),
    });
    await client.connect();
    expect((await client.query('SELECT count(*)::int AS n FROM public.people')).rows).toEqual([{ n: 500 }]);
    expect((await client.query('SELECT FROM pg_subscription')).rows).toEqual([]);
    await client.end();
    for (const { remove } of [app!, documents!]) execSync(remove!);
    expect(readdirSync(own)).toEqual([]);
    rmSync(own, { recursive: true });
  });
});

it('on a server it takes a database of its own, which is dropped, and leaves roles that were there', async () => {
  const { host, port, user } = cluster.connection;
  const url = `postgres://${user}@/?host=${encodeURIComponent(host)}&port=${port}`;
  const { verdict, proofs } = await verify(['app', '--scratch-url', url]);
  expect(verdict).toBe('pass');
  expect(proofs[0]!.scratch).toEqual({ kind: 'server', version: expect.stringMatching(/^\d+$/) });
  const client = await cluster.client();
  const { rows } = await client.query(`SELECT datname FROM pg_database WHERE datname LIKE 'holdfast%'`);
  expect(rows).toEqual([]);
  const roles = await client.query(`SELECT rolname FROM pg_roles WHERE rolname IN ('app_owner', 'reader')`);
  expect(roles.rows).toHaveLength(2);
});

describe('damage is red', () => {
  let sound: string;

  beforeAll(() => {
    sound = copySite(setup, 'sound');
  });
  const mended = () => {
    rmSync(setup.site, { recursive: true });
    cpSync(sound, setup.site, { recursive: true });
  };

  it('the last byte of a pack, which no restore needs, and a pack that is missing', async () => {
    const packs = globSync('sources/*/packs/*/*', { cwd: setup.site }).map((path) => {
      const file = join(setup.site, path);
      return { source: path.split('/')[1], file, bytes: readFileSync(file) };
    });
    const largest = packs.sort((a, b) => b.bytes.length - a.bytes.length)[0]!;
    // The tree is the largest source; of the others every pack is missing.
    for (const { source, file, bytes } of packs) {
      bytes[bytes.length - 1] = bytes.at(-1)! ^ 1;
      if (source === largest.source) writeFileSync(file, bytes);
      else rmSync(file);
    }
    const { verdict, proofs } = await verify(['documents', 'output'], 4);
    expect(verdict).toBe('fail');
    const [documents, output] = proofs.map(({ checks }) => new Map(checks.map((one) => [one.id, one])));
    expect(documents!.get('objects')!.verdict).toBe('fail');
    expect(output!.get('objects')).toMatchObject({ verdict: 'fail', why: expect.stringMatching(/missing/) });
    expect(output!.get('content')).toMatchObject({ verdict: 'could-not-verify', why: expect.any(String) });
    mended();
  });

  it('an old state that is served as the newest', async () => {
    await setup.json(['backup', 'documents']);
    const newer = copySite(setup, 'newer');
    mended();
    const report = await verify(['documents'], 4);
    expect(check(report, 'authenticity')).toMatchObject({ verdict: 'fail', findings: [{ kind: 'rollback' }] });
    // Whoever names it by its id wants that one.
    const { id } = report.proofs[0]!.snapshot!;
    expect((await verify([`documents@${id.slice(0, 12)}`])).verdict).toBe('pass');
    sound = newer;
    mended();
  });
});

// Several at a time: most of each is the start of the program.
describe('what could not be examined is never a pass', () => {
  it('without an identity it is 5, with the wrong one 12, from a site that is not there 5', async () => {
    await setup.run('keys', 'new', 'stranger', '--out', 'stranger.key');
    const gone = configWith('gone', { site: { path: join(tmpdir(), 'no such directory') } });
    const outcomes = await Promise.all([
      setup.run('--json', ...verifyArguments('output')),
      setup.run('-i', 'stranger.key', ...verifyArguments('output')),
      setup.asOwner(...verifyArguments('-c', gone, 'output')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([5, 12, 5]);
    expect(JSON.parse(outcomes[0].stdout).proofs[0]).toMatchObject({ error: { code: 'wrong-key' } });
  });

  it('without the programs of a server, without the embedded one, or when it may not take so much', async () => {
    mkdirSync(join(setup.directory, 'nothing'), { recursive: true });
    const noServer = configWith('no-server', { verify: { scratch: { binaries: 'nothing' } } });
    const limited = configWith('limited', { verify: { limits: { size: '1MB' } } });
    const [server, embedded, limit] = await Promise.all([
      verify(['-c', noServer, 'app'], 5),
      verify(['app', '--scratch', 'embedded'], 5),
      verify(['-c', limited, 'app'], 5),
    ]);
    const [proof] = server!.proofs;
    expect(proof).toMatchObject({ verdict: 'could-not-verify', error: { code: 'tool-missing' } });
    // That every object is there can be said all the same.
    const [authenticity, objects, ...others] = proof!.checks.map(({ verdict }) => verdict);
    expect([authenticity, objects]).toEqual(['pass', 'pass']);
    expect(new Set(others)).toEqual(new Set(['could-not-verify']));
    const hint = expect.stringContaining('npm install');
    expect(embedded!.proofs[0]!.error).toMatchObject({ code: 'tool-missing', hint });
    expect(limit!.proofs[0]!.error!.message).toMatch(/larger than it may be/);
  });

  it('without room, in a directory that others can write to, in too little time; and everything is cleaned up', async () => {
    const small = `${scratch}-small`;
    const slow = configWith('slow', { site: { bandwidth: '100kB/s' } });
    mountSmallDisk(small, 1);
    try {
      writeFileSync(join(small, 'full'), Buffer.alloc(700_000));
      const [full, shared, late] = await Promise.all([
        setup.json<VerifyReport>(['verify', 'documents', '--scratch-dir', small], 5),
        setup.json<VerifyReport>(['verify', 'output', '--scratch-dir', '/tmp'], 5),
        verify(['-c', slow, 'app', '--timeout', '1s'], 5),
      ]);
      expect(full!.proofs[0]!.error).toMatchObject({
        code: 'could-not-verify',
        message: expect.stringMatching(/room/),
      });
      expect(shared!.proofs[0]!.error!.why).toMatch(/Others may write/);
      expect(late!.proofs[0]!.error).toMatchObject({ message: expect.stringContaining('timeout') });
      expect(readdirSync(scratch)).toEqual([]);
    } finally {
      unmount(small);
      rmSync(small, { recursive: true });
    }
  });
});

describe('kill -9', () => {
  it('the next run removes what it left', async () => {
    configWith('slow', { site: { bandwidth: '100kB/s' } });
    const killed = async (source: string, config: string, said: string, left: RegExp) => {
      const args = ['-i', 'owners/anna.key', '-c', config, ...verifyArguments(source)];
      const running = startHoldfast(args, { cwd: setup.directory });
      await running.heard(said);
      // With the whole mark of its owner: what has none yet is somebody's for another minute.
      const isMarked = (name: string) =>
        globSync(`${name}/owner.json`, { cwd: scratch }).some((file) =>
          readFileSync(join(scratch, file), 'utf8').trimEnd().endsWith('}'),
        );
      const isThere = () => readdirSync(scratch).some((name) => left.test(name) && isMarked(name));
      while (running.child.exitCode === null && !isThere()) await new Promise((done) => setTimeout(done, 5));
      running.child.kill('SIGKILL');
      await running.ended;
      // This one's, and nothing of the one before.
      expect(readdirSync(scratch)).toEqual([expect.stringMatching(left)]);
    };
    await killed('documents', 'slow.yaml', 'Verifying documents', /^files-/);
    await killed('app', 'holdfast.yaml', 'Restoring definitions', /^pg-/);
    await verify(['output']);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('an interruption ends with 130, and leaves nothing', async () => {
    const args = ['-i', 'owners/anna.key', ...verifyArguments('app')];
    const running = startHoldfast(args, { cwd: setup.directory });
    await running.heard('Restoring definitions');
    running.child.kill('SIGINT');
    expect((await running.ended).status).toBe(130);
    expect(readdirSync(scratch)).toEqual([]);
  });
});
