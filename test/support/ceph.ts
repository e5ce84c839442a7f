/** A real S3 server for tests: Ceph's RADOS Gateway with a one-disk cluster of its own, in memory. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as timeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { S3Client } from '@aws-sdk/client-s3';

const run = promisify(execFile);
/** Ports in a row that one server takes. */
const portsEach = 100;

export interface CephServer {
  readonly port: number;
  readonly endpoint: string;
  readonly credentials: { accessKeyId: string; secretAccessKey: string };
  /** Runs `radosgw-admin` on it. */
  admin(...args: string[]): Promise<string>;
  /** The SDK's own client, for what an administrator, or an attacker, does. */
  client(credentials?: { accessKeyId: string; secretAccessKey: string }): Promise<S3Client>;
  /** Makes a bucket and gives its name. */
  bucket(options?: { objectLock?: boolean; versioning?: boolean }): Promise<string>;
  /** Kills the gateway; its objects stay. */
  kill(): Promise<void>;
  /** Starts the gateway again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server, in about two seconds. Needs the Debian packages radosgw, ceph-mon and ceph-osd. */
export async function startCeph(): Promise<CephServer> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-ceph-'));
  for (const name of ['mon', 'osd', 'rgw', 'run', 'log']) mkdirSync(join(directory, name));
  const base = await freePorts();
  const cluster = randomUUID();
  const disk = randomUUID();
  const file = join(directory, 'ceph.conf');
  writeFileSync(file, configuration(directory, base, cluster));
  const c = ['-c', file];
  const credentials = { accessKeyId: 'testkey', secretAccessKey: 'testsecret' };
  const port = base + 1;
  const endpoint = `http://127.0.0.1:${port}`;
  const running = new Map<string, ChildProcess>();
  const daemon = (program: string, ...args: string[]) => {
    // They end with this process, however it ends.
    running.set(program, spawn('setpriv', ['--pdeathsig', 'KILL', program, '-f', ...args], { stdio: 'ignore' }));
  };
  const gateway = async () => {
    daemon('radosgw', ...c, '-n', 'client.rgw.a');
    await answers(endpoint, () => logs(directory));
  };
  const admin = async (...args: string[]) => {
    const { stdout } = await run('radosgw-admin', [...c, '-n', 'client.rgw.a', ...args]);
    return stdout;
  };
  const kill = async (program: string) => {
    const child = running.get(program);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  const stop = async () => {
    await Promise.all([...running.keys()].map(kill));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await run('monmaptool', [
      ...['--create', '--addv', 'a', `[v2:127.0.0.1:${base}]`, '--fsid', cluster, join(directory, 'monmap')],
    ]);
    await run('ceph-mon', [...c, '-i', 'a', '--mkfs', '--monmap', join(directory, 'monmap')]);
    daemon('ceph-mon', ...c, '-i', 'a');
    await run('ceph', [...c, 'osd', 'new', disk]);
    await run('ceph-osd', [...c, '-i', '0', '--mkfs', '--osd-uuid', disk]);
    daemon('ceph-osd', ...c, '-i', '0');
    const keys = [`--access-key=${credentials.accessKeyId}`, `--secret-key=${credentials.secretAccessKey}`];
    await admin('user', 'create', '--uid=test', '--display-name=test', ...keys);
    await gateway();
  } catch (error) {
    await stop();
    throw error;
  }

  const clients: S3Client[] = [];
  const client: CephServer['client'] = async (own = credentials) => {
    const { S3Client } = await import('@aws-sdk/client-s3');
    const made = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: own });
    clients.push(made);
    return made;
  };
  let buckets = 0;
  return {
    port,
    endpoint,
    credentials,
    admin,
    client,
    async bucket({ objectLock = false, versioning = false } = {}) {
      const { CreateBucketCommand, PutBucketVersioningCommand } = await import('@aws-sdk/client-s3');
      const name = `bucket-${++buckets}`;
      const s3 = await client();
      await s3.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: objectLock }));
      if (versioning) {
        const VersioningConfiguration = { Status: 'Enabled' } as const;
        await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration }));
      }
      return name;
    },
    kill: () => kill('radosgw'),
    restart: gateway,
    async stop() {
      for (const made of clients) made.destroy();
      await stop();
    },
  };
}

function configuration(directory: string, base: number, cluster: string): string {
  return `
[global]
fsid = ${cluster}
mon host = v2:127.0.0.1:${base}/0
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
ms bind port min = ${base + 10}
ms bind port max = ${base + portsEach - 10}
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms mon service mode = crc
ms mon cluster mode = crc
paxos propose interval = 0.05
paxos min wait = 0.01
run dir = ${directory}/run
admin socket = ${directory}/run/$name.asok
pid file = ${directory}/run/$name.pid
log file = ${directory}/log/$name.log
crash dir = ${directory}/log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data = ${directory}/mon
mon data avail crit = 1
osd data = ${directory}/osd
osd objectstore = memstore
memstore device bytes = 4G
osd class load list = *
osd class default list = *
[client.rgw.a]
rgw data = ${directory}/rgw
rgw frontends = beast endpoint=127.0.0.1:${base + 1} tcp_nodelay=1
debug rgw = 0/0
`;
}

/** The first of a row of ports in which those that matter are free. */
async function freePorts(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    // Below the range from which the system itself takes ports.
    const base = 10_000 + portsEach * Math.floor(Math.random() * 220);
    const free = await Promise.all([0, 1, 10, 11, 12, 13].map((offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no free ports');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

async function answers(endpoint: string, log: () => string): Promise<void> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    try {
      const response = await fetch(endpoint);
      await response.arrayBuffer();
      return;
    } catch {
      await timeout(20);
    }
  }
  throw new Error(`the S3 server does not answer: ${log()}`);
}

function logs(directory: string): string {
  return readdirSync(join(directory, 'log'))
    .map((name) => readFileSync(join(directory, 'log', name), 'utf8').slice(-2000))
    .join('\n');
}
