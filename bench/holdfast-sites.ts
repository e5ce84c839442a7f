/** The same backup to a disk, to S3 and to SFTP, each alone and all three together: a source is read once, and none waits for another. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { parseDocument } from 'yaml';
import { startCeph } from '../test/support/ceph.ts';
import { startSshd } from '../test/support/sshd.ts';
import { commandLine, setUp } from './holdfast.ts';
import type { Repetition, SiteServers, Task } from './task.ts';

type SiteKind = 'disk' | 's3' | 'sftp';

/** Starts the servers, on this machine: they share its processors with whoever writes to them. */
export async function startSiteServers(): Promise<SiteServers & AsyncDisposable> {
  const [ceph, sshd] = await Promise.all([startCeph(), startSshd()]);
  let places = 0;
  return {
    async s3() {
      const { accessKeyId, secretAccessKey } = ceph.credentials;
      return {
        type: 's3',
        endpoint: ceph.endpoint,
        bucket: await ceph.bucket(),
        credentials: { accessKeyId: { env: 'BENCH_S3_KEY' }, secretAccessKey: { env: 'BENCH_S3_SECRET' } },
        environment: { BENCH_S3_KEY: accessKeyId, BENCH_S3_SECRET: secretAccessKey },
      };
    },
    async sftp() {
      return {
        type: 'sftp',
        host: '127.0.0.1',
        port: sshd.port,
        user: sshd.user,
        path: join(sshd.directory, `backups-${++places}`),
        identity: sshd.identity,
        hostKeys: [sshd.fingerprint],
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([ceph.stop(), sshd.stop()]);
    },
  };
}

const place = ({ directory }: Repetition, id: string) => join(directory, id);
/** What the command of a task finds in its environment, by its place. */
const environments = new Map<string, Record<string, string>>();

async function prepare(repetition: Repetition, id: string, kinds: readonly SiteKind[]): Promise<void> {
  const at = place(repetition, id);
  const { sites } = repetition.scene;
  if (sites === undefined) throw new Error('the servers were not started');
  await setUp(repetition, 'database', at);
  const path = join(at, 'holdfast.yaml');
  const document = parseDocument(await readFile(path, 'utf8'));
  const about = { operator: 'Bench', country: 'FR' };
  const entries: Record<string, unknown>[] = [];
  for (const kind of kinds) {
    if (kind === 'disk') entries.push({ name: kind, type: 'disk', path: join(at, 'vault'), ...about });
    if (kind === 's3') {
      const { environment, ...site } = await sites.s3();
      environments.set(at, environment as Record<string, string>);
      entries.push({ name: kind, ...site, ...about });
    }
    if (kind === 'sftp') {
      const { identity, ...site } = await sites.sftp();
      await writeFile(join(at, 'id'), identity as string, { mode: 0o600 });
      entries.push({ name: kind, ...site, identity: { file: 'id' }, ...about });
    }
  }
  document.set('sites', entries);
  await writeFile(path, String(document));
  await execa('bash', ['-c', commandLine('init', '--existing', '--config', path)], { env: environments.get(at) ?? {} });
}

const task = (id: string, title: string, kinds: readonly SiteKind[]): Task => ({
  id,
  stage: 'sites',
  title: `holdfast, first, to ${title}`,
  programs: [
    { program: 'radosgw', package: 'radosgw ceph-mon ceph-osd' },
    { program: '/usr/sbin/sshd', package: 'openssh-server' },
  ],
  prepare: (repetition) => prepare(repetition, id, kinds),
  command: (repetition) => ({
    script: commandLine('backup', '--quiet', '--config', join(place(repetition, id), 'holdfast.yaml')),
    environment: environments.get(place(repetition, id)) ?? {},
  }),
});

export const holdfastSites: readonly Task[] = [
  task('holdfast-sites-disk', 'a disk', ['disk']),
  task('holdfast-sites-s3', 'S3', ['s3']),
  task('holdfast-sites-sftp', 'SFTP', ['sftp']),
  task('holdfast-sites-all', 'all three together', ['disk', 's3', 'sftp']),
];
