/** Several sites through the real program: a disk, an S3 server and an SFTP server that run, and are killed. */
import { appendFile, chmod, cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CephServer, startCeph } from '../support/ceph.ts';
import { type SshServer, startSshd } from '../support/sshd.ts';
import { holdfast, type Outcome } from './run-holdfast.ts';
import { type WorkingSetup, workingSetup } from './working-setup.ts';

let setup: WorkingSetup;
let ceph: CephServer;
let sshd: SshServer;
let env: Record<string, string>;
const config = () => join(setup.directory, 'holdfast.yaml');

beforeAll(async () => {
  [setup, ceph, sshd] = await Promise.all([workingSetup(), startCeph(), startSshd()]);
  const bucket = await ceph.bucket();
  env = { S3_KEY: ceph.credentials.accessKeyId, S3_SECRET: ceph.credentials.secretAccessKey };
  await writeFile(join(setup.directory, 'id'), sshd.identity, { mode: 0o600 });
  await chmod(join(setup.directory, 'id'), 0o600);
  const text = await readFile(config(), 'utf8');
  const more = `  - name: cloud
    type: s3
    endpoint: ${ceph.endpoint}
    bucket: ${bucket}
    credentials: { accessKeyId: { env: S3_KEY }, secretAccessKey: { env: S3_SECRET } }
    operator: Cloud Ltd
    country: DE
  - name: friends
    type: sftp
    host: 127.0.0.1
    port: ${sshd.port}
    user: ${sshd.user}
    path: ${join(sshd.directory, 'backups')}
    identity: { file: id }
    hostKeys: ['${sshd.fingerprint}']
    operator: Friends Ltd
    country: CH
`;
  // Behind the one site that init wrote.
  await writeFile(config(), text.replace(/(\n {4}country: FR\n)/, `$1${more}`));
});
afterAll(async () => {
  await Promise.allSettled([ceph?.stop(), sshd?.stop()]);
});

const run = (...args: string[]): Promise<Outcome> => holdfast(args, { cwd: setup.directory, env });

async function json<T>(status: number, ...args: string[]): Promise<T> {
  const outcome = await run('--json', '-i', join('owners', 'anna.key'), ...args);
  expect(outcome.status, outcome.stderr).toBe(status);
  return JSON.parse(outcome.stdout) as T;
}

interface Backup {
  outcome: string;
  sites: { site: string; error?: { code: string } }[];
  sources: { sites: string[]; snapshot: { id: string } }[];
}
interface Sync {
  outcome: string;
  sites: { site: string; objects: number; snapshots: number }[];
}

/** Takes the other sites out of the configuration, and restores the latest snapshot. */
async function restoredFrom(site: string, to: string): Promise<string> {
  const text = await readFile(config(), 'utf8');
  const alone = join(setup.directory, `only-${site}.yaml`);
  const [before, sites, after] = cut(text);
  const own = sites.split(/(?=^ {2}- )/m).find((part) => part.includes(`name: ${site}\n`))!;
  await writeFile(alone, before + own + after, { mode: 0o600 });
  const outcome = await holdfast(['-c', alone, '-i', join('owners', 'anna.key'), 'restore', 'documents', '--to', to], {
    cwd: setup.directory,
    env,
  });
  expect(outcome.status, outcome.stderr).toBe(0);
  return readFile(join(setup.directory, to, 'first.txt'), 'utf8');
}

/** The text up to its sites, the sites, and what follows. */
function cut(text: string): [string, string, string] {
  const begin = text.indexOf('\nsites:\n') + '\nsites:\n'.length;
  const rest = text.slice(begin);
  const end = rest.search(/^\S/m);
  return [text.slice(0, begin), end < 0 ? rest : rest.slice(0, end), end < 0 ? '' : rest.slice(end)];
}

describe('three sites of different operators', () => {
  it('are opened by init, and each takes the backup', async () => {
    const refused = await run('backup');
    expect(refused.status).toBe(3);
    expect(refused.stdout).toContain('site cloud');
    expect(refused.stderr).toContain('There is no repository at the site "cloud".');
    const opened = await run('init', '--existing');
    expect(opened.status, opened.stderr).toBe(0);
    const report = await json<Backup>(0, 'backup');
    expect(report).toMatchObject({
      outcome: 'done',
      sites: [{ site: 'vault' }, { site: 'cloud' }, { site: 'friends' }],
      sources: [{ sites: ['vault', 'cloud', 'friends'] }],
    });
    const { sites } = await json<Sync>(0, 'sync');
    // The first backup went to one site only.
    expect(sites.map(({ snapshots }) => snapshots)).toEqual([0, 1, 1]);
    for (const site of ['vault', 'cloud', 'friends']) {
      expect(await restoredFrom(site, `out-${site}`)).toBe('the first file\n');
    }
  });

  it.each([
    ['cloud', () => ceph.kill(), () => ceph.restart()],
    ['friends', () => sshd.kill(), () => sshd.restart()],
    ['vault', () => rename(setup.site, `${setup.site}.away`), () => rename(`${setup.site}.away`, setup.site)],
  ] as const)('complete when %s is dead, and one sync makes them equal', async (dead, kill, restart) => {
    await kill();
    await appendFile(join(setup.tree, 'first.txt'), `without ${dead}\n`);
    const report = await json<Backup>(3, 'backup');
    const others = ['vault', 'cloud', 'friends'].filter((site) => site !== dead);
    expect(report).toMatchObject({ outcome: 'partial', sources: [{ sites: others }] });
    expect(report.sites.find(({ site }) => site === dead)?.error).toBeDefined();
    // Reading takes another.
    expect((await run('snapshots')).status).toBe(0);
    await restart();
    const first = await json<Sync>(0, 'sync');
    expect(first.sites.find(({ site }) => site === dead)?.snapshots).toBe(1);
    const second = await json<Sync>(0, 'sync');
    expect(second.sites.map(({ objects }) => objects)).toEqual([0, 0, 0]);
    expect(await restoredFrom(dead, `after-${dead}`)).toContain(`without ${dead}\n`);
  });

  it('are pruned together, and show why', async () => {
    const text = await readFile(config(), 'utf8');
    await writeFile(
      config(),
      text.replace('\nrotation:\n', '\nrotation:\n  keep: { daily: 0, monthly: 0, last: 1 }\n'),
    );
    const plan = await run('prune', '--dry-run');
    expect(plan.status, plan.stderr).toBe(0);
    expect(plan.stdout).toMatch(/documents@\w+ .* drop +nothing keeps it/);
    expect(plan.stdout).toMatch(/documents@\w+ .* keep +newest, last/);
    const { sources } = await json<{ sources: { snapshots: { id: string }[] }[] }>(0, 'prune', '--dry-run');
    const ids = sources[0]!.snapshots.map(({ id }) => id);
    expect((await run('snapshots', 'pin', `documents@${ids.at(-1)!.slice(0, 10)}`)).status).toBe(0);
    const pruned = await run('prune');
    expect(pruned.status, pruned.stderr).toBe(0);
    const { sources: left } = await json<{ sources: { snapshots: { id: string; sites: string[] }[] }[] }>(
      0,
      'snapshots',
    );
    expect(left[0]!.snapshots.map(({ id }) => id)).toEqual([ids.at(-1), ids[0]]);
    expect((await json<Sync>(0, 'sync')).sites.map(({ objects }) => objects)).toEqual([0, 0, 0]);
    const oldest = `documents@${ids.at(-1)!.slice(0, 10)}`;
    expect((await run('snapshots', 'drop', oldest)).stderr).toContain('It is pinned.');
    expect((await run('snapshots', 'unpin', oldest)).status).toBe(0);
    expect((await run('snapshots', 'drop', oldest, '--dry-run')).stdout).toMatch(/would be dropped; prune removes it/);
    expect(await json(0, 'snapshots', 'drop', oldest)).toMatchObject({
      snapshot: { id: ids.at(-1) },
      sites: { length: 3 },
    });
    const last = await run('snapshots', 'drop', 'documents');
    expect(last).toMatchObject({ status: 1, stderr: expect.stringContaining('the only snapshot of its source') });
    expect((await run('prune')).status).toBe(0);
  });

  it('say what is wrong with one of them, without secrets', async () => {
    const wrong = { ...env, S3_SECRET: 'not-the-secret-at-all' };
    const outcome = await holdfast(['backup'], { cwd: setup.directory, env: wrong });
    expect(outcome.status).toBe(3);
    expect(outcome.stderr).toContain('"cloud"');
    expect(outcome.stdout + outcome.stderr).not.toContain('not-the-secret-at-all');
    const text = await readFile(config(), 'utf8');
    await cp(config(), `${config()}.good`);
    await writeFile(config(), text.replace(sshd.fingerprint, `SHA256:${'A'.repeat(43)}`));
    const strange = await run('backup');
    expect(strange.status).toBe(3);
    expect(strange.stderr).toContain(sshd.fingerprint);
    await rename(`${config()}.good`, config());
    await rm(join(setup.directory, 'out-vault'), { recursive: true });
  });
});
