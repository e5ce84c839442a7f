import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startHoldfast } from './run-holdfast.ts';
import { type WorkingSetup, workingSetup } from './working-setup.ts';

let setup: WorkingSetup | undefined;
afterEach(() => setup && rmSync(setup.directory, { recursive: true, force: true }));

/** Adds a source that takes its time. */
function addSlowSource(directory: string): void {
  const path = join(directory, 'holdfast.yaml');
  const source = { name: 'slow', type: 'command', command: 'echo begun; sleep 4; echo done', filename: 'out' };
  const text = readFileSync(path, 'utf8').replace(
    /^sources:$/m,
    `sources:\n${stringify([source]).replace(/^/gm, '  ')}`,
  );
  writeFileSync(path, text);
}

it('of two backups of one source one wins, the other says who holds the lease and exits 11', async () => {
  setup = await workingSetup();
  addSlowSource(setup.directory);
  const first = startHoldfast(['backup', 'slow'], { cwd: setup.directory });
  await first.heard('Backing up slow');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const second = await setup.run('backup', 'slow');
  expect(second.status).toBe(11);
  expect(second.stderr).toContain('web1');
  expect(second.stderr).toMatch(/until \d{4}-\d\d-\d\d/);
  expect((await first.ended).status).toBe(0);
  expect((await setup.run('backup', 'slow')).status).toBe(0);
});

it('a killed backup holds up nobody', async () => {
  setup = await workingSetup();
  addSlowSource(setup.directory);
  const first = startHoldfast(['backup', 'slow'], { cwd: setup.directory });
  await first.heard('Backing up slow');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  first.child.kill('SIGKILL');
  await first.ended;
  const started = performance.now();
  expect((await setup.run('backup', 'slow')).status).toBe(0);
  expect(performance.now() - started).toBeLessThan(20_000);
});
