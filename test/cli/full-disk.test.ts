import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { program } from './run-holdfast.ts';
import { type WorkingSetup, workingSetup } from './working-setup.ts';

/**
 * A full disk. As root a file system of 12 MB is mounted as the site; otherwise the largest file a process may write is
 * bounded, which is the nearest that an ordinary account can come to it.
 */
const isRoot = process.getuid?.() === 0;
const mounted: string[] = [];

afterAll(() => {
  for (const path of mounted) spawnSync('umount', [path]);
});

function backUpWithoutRoom(setup: WorkingSetup) {
  const limit = isRoot ? '' : 'ulimit -f 2000; ';
  return spawnSync('sh', ['-c', `${limit}exec "$0" "$@"`, process.execPath, program, 'backup'], {
    cwd: setup.directory,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: setup.directory },
  });
}

it('a full disk gives one clear error, loses nothing, and the next run with room succeeds', {
  timeout: 120_000,
}, async () => {
  const setup = await workingSetup();
  if (isRoot) {
    const moved = `${setup.site}-before`;
    spawnSync('mv', [setup.site, moved]);
    mkdirSync(setup.site);
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', setup.site], { encoding: 'utf8' });
    expect(mount.stderr).toBe('');
    mounted.push(setup.site);
    spawnSync('cp', ['-a', `${moved}/.`, setup.site]);
  }
  await setup.json(['backup']);
  writeFileSync(join(setup.tree, 'large'), randomBytes(40_000_000));
  const full = backUpWithoutRoom(setup);
  expect(full.status).toBe(1);
  expect(full.stderr.match(/^error: /gm)).toHaveLength(1);
  expect(full.stderr).toMatch(/space|larger than/);
  expect(full.stderr).toContain('hint: Make room');
  expect((await setup.json<{ findings: unknown[] }>(['check', '--read-data'])).findings).toEqual([]);
  if (isRoot) spawnSync('mount', ['-o', 'remount,size=100m', setup.site]);
  await setup.json(['backup']);
  expect((await setup.json<{ findings: unknown[] }>(['check', '--read-data'])).findings).toEqual([]);
  await setup.json(['restore', 'documents', '--to', 'restored', '--yes']);
  if (isRoot) spawnSync('umount', [mounted.pop()!]);
  rmSync(setup.directory, { recursive: true });
});
