import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  const source = { name: 'slow', type: 'command', command: 'echo begun; sleep 12; echo done', filename: 'out' };
  const text = readFileSync(path, 'utf8').replace(
    /^sources:$/m,
    `sources:\n${stringify([source]).replace(/^/gm, '  ')}`,
  );
  writeFileSync(path, text);
}

/** Resolves once a lease lies on the site. */
async function leaseTaken({ site }: WorkingSetup): Promise<void> {
  while (globSync('sources/*/leases/*', { cwd: site }).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

it('of two backups of one source one wins, the other says who holds the lease and exits 11', async () => {
  setup = await workingSetup();
  addSlowSource(setup.directory);
  const first = startHoldfast(['backup', 'slow'], { cwd: setup.directory });
  await leaseTaken(setup);
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
  await leaseTaken(setup);
  first.child.kill('SIGKILL');
  await first.ended;
  const started = performance.now();
  expect((await setup.run('backup', 'slow')).status).toBe(0);
  expect(performance.now() - started).toBeLessThan(30_000);
});
