import { spawnSync } from 'node:child_process';
import { access, chmod, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { afterAll } from 'vitest';
import { findBinaries } from '../../src/sources/postgres/binaries.ts';

/** Runs recover.sh as somebody would who has never had Holdfast: with the programs it may need, and nothing else. */

/** Debian packages and what recover.sh may use of them. */
const programs: Readonly<Record<string, readonly string[]>> = {
  bash: ['bash'],
  age: ['age', 'age-keygen'],
  zstd: ['zstd'],
  jq: ['jq'],
  openssl: ['openssl'],
  attr: ['setfattr'],
  coreutils:
    'base64 cat chmod chown cut dd echo env head ln mkdir mkfifo mknod mktemp mv nproc od paste printf realpath rm sha256sum sleep sort stat tail touch tr truncate wc'.split(
      ' ',
    ),
  'mawk, grep, sed, findutils': ['awk', 'grep', 'sed', 'xargs'],
};

let toolbox: Promise<string> | undefined;
afterAll(async () => {
  if (toolbox !== undefined) await rm(await toolbox, { recursive: true });
});

/** A directory that holds these programs alone. */
export function recoveryToolbox(): Promise<string> {
  toolbox ??= makeToolbox();
  return toolbox;
}

async function makeToolbox(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-toolbox-'));
  // Other accounts run them too.
  await chmod(directory, 0o755);
  const clients = await findBinaries({ programs: ['psql', 'pg_restore'], path: process.env.PATH });
  for (const name of ['psql', 'pg_restore']) await symlink(join(clients.directory, name), join(directory, name));
  const missing: string[] = [];
  for (const [debianPackage, names] of Object.entries(programs)) {
    for (const name of names) {
      const found = await locate(name);
      if (found === undefined) missing.push(`${name} (package ${debianPackage})`);
      else await symlink(found, join(directory, name));
    }
  }
  if (missing.length > 0) throw new Error(`These programs must be installed for this test: ${missing.join(', ')}`);
  return directory;
}

async function locate(name: string): Promise<string | undefined> {
  for (const directory of [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/bin']) {
    const path = join(directory, name);
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return realpath(path);
  }
  return undefined;
}

export interface RecoverOutcome {
  status: number;
  /** What people read: progress, warnings, errors. */
  said: string;
  /** What `--list` prints. */
  listed: string;
}

export interface RecoverOptions {
  /** The script to run; on a site, as people would. */
  script: string;
  environment?: Record<string, string>;
  account?: { uid: number; gid: number } | undefined;
}

export async function recover(arguments_: readonly string[], options: RecoverOptions): Promise<RecoverOutcome> {
  const directory = await recoveryToolbox();
  const result = await execa(join(directory, 'bash'), [options.script, ...arguments_], {
    extendEnv: false,
    env: { PATH: directory, HOME: '/nonexistent', ...options.environment },
    cwd: '/',
    stdin: 'ignore',
    reject: false,
    ...options.account,
  });
  return { status: result.exitCode ?? -1, said: result.stderr, listed: result.stdout };
}

/** Everything about a tree that a restore must bring back, as sorted text. */
export function treeFacts(directory: string): string[] {
  const run = (script: string): string[] => {
    const { stdout, stderr, status } = spawnSync('bash', ['-o', 'pipefail', '-c', script], {
      cwd: directory,
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      maxBuffer: 256 * 1024 * 1024,
    });
    if (status !== 0) throw new Error(`bash: ${stderr}`);
    return stdout.toString('latin1').split('\0');
  };
  const entries = run(`find . -printf '%p %y %m %U:%G %T@ %n -> %l\\0'`);
  const contents = run('find . -type f -print0 | xargs -0 sha256sum -z --');
  const attributes = run('getfattr -R -P -h -d -m - -e base64 . | tr "\\n" "\\0"');
  return [...entries.sort(), ...contents.sort(), ...attributes];
}
