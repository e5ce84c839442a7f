/** `check` and `repair` over two sites, through the real program. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { holdfast } from './run-holdfast.ts';
import { type WorkingSetup, workingSetup } from './working-setup.ts';

let setup: WorkingSetup;
const far = () => join(setup.directory, 'far');

beforeAll(async () => {
  setup = await workingSetup();
  const config = join(setup.directory, 'holdfast.yaml');
  const more = '  - { name: far, type: disk, path: far, operator: Other Ltd, country: DE }\n';
  writeFileSync(config, readFileSync(config, 'utf8').replace(/(\n {4}country: FR\n)/, `$1${more}`));
  // As on a backup host: the owners' identities are elsewhere.
  writeFileSync(config, readFileSync(config, 'utf8').replace(/^\s+identity: .*owners.*\n/gm, ''));
  mkdirSync(far());
  expect((await setup.run('init', '--existing')).status).toBe(0);
  expect((await setup.run('backup')).status).toBe(0);
  writeFileSync(join(setup.tree, 'second.txt'), 'the second file\n');
  expect((await setup.run('backup')).status).toBe(0);
});

const near = () => setup.site;

/** Paths of the objects of a kind at a site, below it. */
function objects(site: string, kind: string): string[] {
  return readdirSync(site, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.includes(`/${kind}/`) && /[0-9a-f]{64}$/.test(path))
    .sort();
}

describe('check and repair', () => {
  it('find nothing where nothing is wrong, with keys and without', async () => {
    expect((await setup.run('check', '-q')).status).toBe(0);
    const table = await setup.run('check', '--keyless', '--read-data');
    expect(table).toMatchObject({ status: 0, stderr: expect.not.stringContaining('warning') });
    expect(table.stdout).toMatch(/^documents +site|vault/m);
    expect(table.stdout).toContain('read, not opened (no key)');
    const repaired = await setup.run('repair', '--read-data');
    expect(repaired).toMatchObject({ status: 0, stdout: expect.stringContaining('There was nothing to mend') });
  });

  it('find and mend what one site lost', async () => {
    const [pack] = objects(far(), 'packs');
    const before = readFileSync(join(far(), pack!));
    writeFileSync(join(far(), pack!), Buffer.alloc(before.length));
    const [index] = objects(near(), 'index');
    rmSync(join(near(), index!));
    const found = await setup.json<{ findings: { site: string; object: string }[] }>(
      ['check', '--keyless', '--read-data'],
      4,
    );
    expect(found.findings.map(({ object }) => object).sort()).toEqual([index, pack].sort());
    const plan = await setup.json<{ mended: object[] }>(['repair', '--dry-run', '--read-data']);
    expect(plan.mended).toHaveLength(2);
    expect(readFileSync(join(far(), pack!)).equals(before)).toBe(false);
    const outcome = await setup.run('repair', '--read-data');
    expect(outcome.status, outcome.stderr).toBe(0);
    expect(outcome.stdout).toContain('2 objects mended.');
    expect(readFileSync(join(far(), pack!)).equals(before)).toBe(true);
    expect((await setup.run('check', '-q', '--read-data')).status).toBe(0);
  });

  it('end with 3 and name what is lost at every site', async () => {
    const packs = objects(far(), 'packs');
    const kept = packs.map((pack) => [join(far(), pack), readFileSync(join(far(), pack))] as const);
    for (const site of [near(), far()]) for (const pack of packs) rmSync(join(site, pack));
    const blind = await setup.run('repair');
    expect(blind.status).toBe(3);
    expect(blind.stdout).toMatch(/broken {2}documents@[0-9a-f]+: what of it is lost, an owner can tell/);
    const manifests = await setup.json<{ broken: { because?: string }[]; lost: object[] }>(['repair'], 3);
    expect(manifests.broken.every(({ because }) => because === 'manifest-lost')).toBe(true);
    expect(manifests.lost).toHaveLength(2 * packs.length);
    for (const [path, bytes] of kept) writeFileSync(path, bytes);
    expect((await setup.run('repair')).status).toBe(0);
    expect((await setup.run('check', '-q')).status).toBe(0);
  });

  it('do without the key of the host', async () => {
    const key = join(setup.directory, 'host.key');
    renameSync(key, `${key}.away`);
    try {
      expect((await setup.run('check')).status).toBe(2);
      expect((await setup.run('check', '--keyless')).status).toBe(0);
      expect((await setup.run('repair', '--keyless')).status).toBe(0);
    } finally {
      renameSync(`${key}.away`, key);
    }
  });

  it('take one site with --site, and no other name', async () => {
    const one = await setup.json<{ sources: { site: string }[] }>(['check', '--site', 'far']);
    expect(one.sources.map(({ site }) => site)).toEqual(['far']);
    expect((await setup.run('check', '--site', 'fra')).stderr).toContain('Did you mean `far`?');
    expect((await setup.run('repair', '--site', 'fra')).status).toBe(2);
  });
});

describe('several sites', () => {
  it('are told for each snapshot, and by the command that finds none', async () => {
    expect((await setup.run('snapshots')).stdout).toMatch(/^SNAPSHOT.*SITES/m);
    const { sources } = await setup.json<{ sources: { snapshots: { id: string; sites: string[] }[] }[] }>([
      'snapshots',
    ]);
    const { id } = sources[0]!.snapshots[1]!;
    const object = objects(near(), 'snapshots').find((path) => path.endsWith(id))!;
    rmSync(join(near(), object));
    const { stdout, status } = await setup.run('snapshots');
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^documents@${id.slice(0, 8)}.* far`, 'm'));
    expect(stdout).toMatch(/ all( |$)/m);
    expect((await setup.run('snapshots', '--site', 'far')).stdout).not.toContain('SITES');
    for (const args of [
      ['restore', `documents@${id.slice(0, 12)}`, '--to', 'out', '--dry-run'],
      ['ls', `documents@${id.slice(0, 12)}`],
      ['cat', `documents@${id.slice(0, 12)}`, 'first.txt'],
    ]) {
      const outcome = await setup.asOwner(...args);
      expect(outcome.status, args[0]).toBe(1);
      expect(outcome.stderr).toContain('hint: The site "far" has it: --site far');
      expect((await setup.asOwner(...args, '--site', 'far')).status, args[0]).toBe(0);
    }
    const [name] = sources[0]!.snapshots[1]!.sites;
    expect((await setup.run('repair', '--site', name!)).status).toBe(0);
    expect(objects(near(), 'snapshots')).toEqual(objects(far(), 'snapshots'));
  });

  it('are read past one that is away', async () => {
    renameSync(near(), `${near()}.away`);
    try {
      const outcome = await setup.run('snapshots');
      expect(outcome).toMatchObject({ status: 0, stdout: expect.stringContaining('documents@') });
      expect(outcome.stderr).toContain('is left out');
      const check = await holdfast(['check'], { cwd: setup.directory });
      expect(check).toMatchObject({ status: 3, stdout: expect.stringContaining('not every site was') });
    } finally {
      renameSync(`${near()}.away`, near());
    }
  });
});
