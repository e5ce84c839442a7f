import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DoctorReport } from '../../src/jobs/doctor/doctor.ts';
import type { Finding } from '../../src/jobs/doctor/finding.ts';
import { useCluster } from '../support/postgres.ts';
import { mountSmallDisk, unmount } from '../support/small-disk.ts';
import { holdfast, type RunOptions } from './run-holdfast.ts';
import { postgresUrl, type WorkingSetup, workingSetup } from './working-setup.ts';

const cluster = useCluster();
/** With a backup that every owner has answered, and no owner on the machine. */
let whole: WorkingSetup;
const copies: string[] = [];

beforeAll(async () => {
  const connection = await cluster.createDatabase('app');
  const client = await cluster.client('app');
  await client.query(`
    CREATE TABLE people AS SELECT i AS id FROM generate_series(1, 1000) i;
    CREATE TABLE hidden AS SELECT 1 AS secret;
    CREATE ROLE limited LOGIN; GRANT SELECT ON people TO limited;
    CREATE ROLE worded LOGIN PASSWORD 'correct-horse'`);
  const hba = join(cluster.throwaway.directory, 'data', 'pg_hba.conf');
  writeFileSync(hba, `local all worded scram-sha-256\n${readFileSync(hba, 'utf8')}`);
  await client.query('SELECT pg_reload_conf()');
  whole = await workingSetup(connection);
  for (const args of [['backup'], ...['anna', 'bert'].map((name) => ['keys', 'test', '-i', `owners/${name}.key`])]) {
    const { status, stderr } = await whole.run(...args);
    if (status !== 0) throw new Error(stderr);
  }
  renameSync(join(whole.directory, 'owners'), `${whole.directory}-owners`);
}, 120_000);

afterAll(() => {
  for (const path of [whole.directory, `${whole.directory}-owners`, ...copies])
    rmSync(path, { recursive: true, force: true });
});

/** A copy of the whole set-up, to break. */
function copy(name: string): string {
  const directory = `${whole.directory}-${name}`;
  cpSync(whole.directory, directory, { recursive: true, preserveTimestamps: true });
  copies.push(directory);
  return directory;
}

function edit(directory: string, change: (text: string) => string): void {
  const path = join(directory, 'holdfast.yaml');
  const text = readFileSync(path, 'utf8');
  expect(change(text)).not.toBe(text);
  writeFileSync(path, change(text));
}

async function examine(directory: string, args: string[] = [], options: Partial<RunOptions> = {}) {
  const { status, stdout, stderr } = await holdfast(['doctor', '--json', ...args], { cwd: directory, ...options });
  expect([0, 1], stderr).toContain(status);
  const report = JSON.parse(stdout) as DoctorReport & { schema: string };
  const all = (wanted: Finding['status']) => report.findings.filter((finding) => finding.status === wanted);
  expect(report.outcome).toBe(status === 0 ? 'sound' : 'problems');
  expect(all('problem').length > 0).toBe(status === 1);
  return { status, report, problems: all('problem'), warnings: all('warning'), text: stdout + stderr };
}

describe('a sound set-up', () => {
  it('has no problem, and the warnings of one site alone', async () => {
    const { status, report, problems, warnings } = await examine(whole.directory);
    expect(problems).toEqual([]);
    expect(status).toBe(0);
    expect(report.schema).toBe('holdfast/doctor/1');
    expect(warnings.map(({ section }) => section)).toEqual(['policy', 'policy']);
    expect(warnings[0]!.what).toContain('Copies at another operator: none.');
    const sections = [...new Set(report.findings.map(({ section }) => section))];
    expect(sections).toEqual(['configuration', 'tools', 'secrets', 'owners', 'sources', 'sites', 'clocks', 'policy']);
    const said = report.findings.map(({ subject, what }) => `${subject}: ${what}`).join('\n');
    expect(said).toMatch(/^app: Logged in: PostgreSQL \d+/m);
    expect(said).toMatch(/^app: All 2 tables can be read whole\.$/m);
    expect(said).toMatch(/^app: The backup takes \d+ of [\d ]+ locks\.$/m);
    expect(said).toMatch(/^app: Every owner has shown that they can open app\.$/m);
    expect(said).toMatch(/^documents: .* can be read: one file seen\.$/m);
  });

  it('is left as it was, and makes sense to every other command', async () => {
    const before = readdirSync(whole.site, { recursive: true }).sort();
    const { stdout } = await whole.run('doctor');
    expect(stdout).toMatch(/^policy\n {2}warning {2}copies: /m);
    expect(stdout).toMatch(/^No problem\. 2 warnings\.\n$/m);
    const objects = (names: unknown[]) => names.filter((name) => name !== 'probes' && name !== '.tmp');
    expect(objects(readdirSync(whole.site, { recursive: true }).sort())).toEqual(objects(before));
    expect(readdirSync(join(whole.site, 'probes'))).toEqual([]);
    // One that a killed doctor left confuses nobody, and goes once it is old.
    const [old, fresh] = ['1', '2'].map((digit) => join(whole.site, 'probes', digit.repeat(32)));
    writeFileSync(old!, '{"probe":"2020-01-01T00:00:00.000Z"}\n');
    writeFileSync(fresh!, `{"probe":"${new Date().toISOString()}"}\n`);
    for (const command of ['check', 'snapshots']) {
      const outcome = await whole.run(command, '--json');
      expect([command, outcome.status]).toEqual([command, 0]);
      expect(outcome.stdout + outcome.stderr).not.toContain('probe');
    }
    await whole.run('doctor');
    expect(readdirSync(join(whole.site, 'probes'))).toEqual(['2'.repeat(32)]);
    rmSync(fresh!);
  });

  it('is not written to with --no-write, which says so', async () => {
    const directory = copy('no-write');
    rmSync(join(directory, 'site', 'probes'), { recursive: true, force: true });
    const { status, warnings } = await examine(directory, ['--no-write']);
    expect(status).toBe(0);
    expect(warnings.some(({ what }) => what.includes('only reading was tried'))).toBe(true);
    expect(readdirSync(join(directory, 'site'))).not.toContain('probes');
  });
});

describe('what is broken is named, and the rest is examined all the same', () => {
  it('a wrong password', async () => {
    const directory = copy('password');
    const url = postgresUrl({ ...cluster.connection, user: 'worded', database: 'app' });
    edit(directory, (text) =>
      text.replace(/( *)connection: .*/, `$1connection: ${JSON.stringify(url)}\n$1password: {env: APP_PASSWORD}`),
    );
    const { problems, report, text } = await examine(directory, [], { env: { APP_PASSWORD: 'wrong-pony' } });
    expect(problems).toMatchObject([{ section: 'sources', subject: 'app', why: 'The server refused the password.' }]);
    expect(text).not.toContain('wrong-pony');
    expect(report.findings.filter(({ section }) => section === 'sites').every(({ status }) => status === 'ok')).toBe(
      true,
    );
    const unset = await examine(directory);
    expect(unset.problems.map(({ section, subject }) => `${section} ${subject}`)).toEqual([
      'secrets password of app',
      'sources app',
    ]);
  });

  it('missing rights', async () => {
    const directory = copy('rights');
    edit(directory, (text) => text.replace(/postgres:\/\/postgres@/, 'postgres://limited@'));
    const { problems } = await examine(directory);
    expect(problems).toMatchObject([
      { subject: 'app', what: 'This role may not read public.hidden.', hint: expect.stringContaining('GRANT') },
    ]);
  });

  it('a secret that others may read, and a key that is another’s', async () => {
    const directory = copy('secret');
    chmodSync(join(directory, 'host.key'), 0o644);
    const { problems } = await examine(directory, ['documents']);
    expect(problems).toMatchObject([
      { section: 'secrets', subject: 'identity of web1', hint: expect.stringContaining('chmod 600') },
    ]);
    writeFileSync(join(directory, 'host.key'), readFileSync(`${whole.directory}-owners/anna.key`), { mode: 0o600 });
    chmodSync(join(directory, 'host.key'), 0o600);
    expect((await examine(directory, ['documents'])).problems).toMatchObject([{ subject: 'identity of web1' }]);
  });

  it('a site that is not there', async () => {
    const directory = copy('gone');
    rmSync(join(directory, 'site'), { recursive: true });
    const { problems, warnings, report } = await examine(directory);
    expect(problems).toMatchObject([
      { section: 'sites', subject: 'vault', what: expect.stringContaining('does not exist') },
    ]);
    expect(warnings.some(({ what }) => what.includes('answers of owners could not be looked at'))).toBe(true);
    expect(report.findings.some(({ what }) => what.startsWith('Logged in'))).toBe(true);
  });

  it('a site that cannot be written to, or by everybody', async () => {
    const directory = copy('obstructed');
    rmSync(join(directory, 'site', 'probes'), { recursive: true, force: true });
    // Root may write everywhere; but not through a file.
    writeFileSync(join(directory, 'site', 'probes'), '');
    chmodSync(join(directory, 'site'), 0o777);
    const { problems } = await examine(directory, ['documents']);
    expect(problems).toMatchObject([
      { section: 'sites', what: expect.stringContaining('is in the way') },
      {
        section: 'sites',
        what: expect.stringContaining('Every user may remove'),
        hint: expect.stringContaining('chmod o-w'),
      },
    ]);
  });

  it('a site without its repository', async () => {
    const directory = copy('empty');
    rmSync(join(directory, 'site', 'holdfast.json'));
    const { problems } = await examine(directory, ['documents']);
    expect(problems).toMatchObject([{ section: 'sites', what: expect.stringContaining('no repository') }]);
  });

  it('owners who never answered, and an identity beside the key of the host', async () => {
    const directory = copy('unanswered');
    for (const id of readdirSync(join(directory, 'site', 'sources')))
      rmSync(join(directory, 'site', 'sources', id, 'answers', 'bert.json'));
    const { problems, warnings } = await examine(directory);
    expect(problems.map(({ subject, what }) => `${subject}: ${what}`).sort()).toEqual([
      'app: bert never showed that they can open app.',
      'documents: bert never showed that they can open documents.',
    ]);
    expect(warnings.every(({ section }) => section === 'policy')).toBe(true);
    cpSync(`${whole.directory}-owners`, join(directory, 'owners'), { recursive: true });
    const both = await examine(directory);
    expect(both.warnings[0]).toMatchObject({ section: 'owners', what: expect.stringMatching(/anna .*, bert /) });
  });

  it('clocks that disagree', async () => {
    const shift = 'data:text/javascript,const now=Date.now;Date.now=()=>now()-3600000';
    const { status, warnings } = await examine(whole.directory, [], { nodeArguments: ['--import', shift] });
    expect(status).toBe(0);
    const clocks = warnings.filter(({ section }) => section === 'clocks');
    expect(clocks.map(({ subject }) => subject).sort()).toEqual(['app', 'vault']);
    for (const { what } of clocks) expect(what).toMatch(/is 1 h 0 min ahead of this machine's\.$/);
  });

  it('a tree, a program and a state directory', async () => {
    const directory = copy('sources');
    rmSync(join(directory, 'tree'), { recursive: true });
    writeFileSync(join(directory, 'file'), '');
    edit(directory, (text) =>
      text
        .replace(/^state: .*$/m, 'state: file/state')
        .replace(
          /^sources:$/m,
          'sources:\n  - name: lost\n    type: command\n    command: [no-such-program, now]\n    filename: x',
        ),
    );
    const { problems } = await examine(directory);
    expect(problems.map(({ section, subject }) => `${section} ${subject}`).sort()).toEqual([
      'configuration state',
      // What this machine has seen of the keys lies in the state directory.
      'owners app',
      'owners documents',
      'sources documents',
      'sources lost',
    ]);
    mkdirSync(join(directory, 'tree'));
    const { warnings } = await examine(directory, ['documents']);
    expect(warnings.some(({ what }) => what.startsWith('There is no file in '))).toBe(true);
  });

  it('too little room, which a backup tells before it begins', async () => {
    const directory = copy('small');
    const state = join(directory, 'small');
    edit(directory, (text) => text.replace(/^state: .*$/m, 'state: small'));
    mountSmallDisk(state, 8);
    try {
      const { problems } = await examine(directory, ['documents']);
      expect(problems).toMatchObject([{ subject: 'state', what: expect.stringMatching(/^Only 8.00 MiB are free/) }]);
      const warned = await holdfast(['backup', 'documents'], { cwd: directory });
      expect([warned.status, warned.stderr]).toEqual([0, expect.stringContaining('are free for the state directory')]);
      writeFileSync(join(state, 'ballast'), Buffer.alloc(7.9 * 1024 * 1024));
      const refused = await holdfast(['backup', 'documents'], { cwd: directory });
      expect([refused.status, refused.stderr]).toEqual([
        1,
        expect.stringContaining('There is no room for the state directory.'),
      ]);
    } finally {
      unmount(state);
    }
  });

  it('a configuration, as every command tells it', async () => {
    const directory = copy('config');
    edit(directory, (text) => `${text}\nnonsense: 1\n`);
    const { status, stderr } = await holdfast(['doctor'], { cwd: directory });
    expect(status).toBe(2);
    expect(stderr).toContain('nonsense');
  });
});

it('text goes to standard output, and nothing under -q when all is well', async () => {
  const quiet = await whole.run('doctor', '-q');
  expect([quiet.status, quiet.stdout]).toEqual([0, '']);
});
