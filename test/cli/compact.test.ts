import { randomBytes } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readShare } from '../../commands/compact.ts';
import type { CompactReport } from '../../src/jobs/compact.ts';
import { workingSetup } from './working-setup.ts';

describe('holdfast compact', () => {
  it('plans, rewrites with an owner alone, and has nothing to do then; check and restore find it all', async () => {
    const setup = await workingSetup();
    const kept = randomBytes(150_000);
    writeFileSync(join(setup.tree, 'kept'), kept);
    writeFileSync(join(setup.tree, 'passing'), randomBytes(900_000));
    await setup.json(['backup', 'documents']);
    rmSync(join(setup.tree, 'passing'));
    await setup.json(['backup', 'documents']);
    await setup.json(['backup', 'documents']);
    // Those of the same day but the newest are dropped.
    await setup.json(['prune', 'documents', '--even-if-unusual']);

    const file = join(setup.directory, 'holdfast.yaml');
    const config = readFileSync(file);
    appendFileSync(file, '\ncompaction: { deadShare: 0.99 }\n');
    const unconcerned = await setup.asOwner('compact', 'documents', '--dry-run');
    expect(unconcerned.stdout).toContain('documents: nothing to do');
    writeFileSync(file, config);

    const plan = await setup.asOwner('compact', 'documents', '--dry-run');
    expect(plan).toMatchObject({ status: 0, stderr: expect.not.stringContaining('error') });
    expect(plan.stdout).toMatch(/SOURCE +STORED +DEAD +PACKS TO REWRITE +TO WRITE +FREED LATER/);
    expect(plan.stdout).toContain('documents: that is what it would do');

    const without = await setup.run('compact', 'documents');
    expect(without.status).toBe(12);
    expect(without.stdout + without.stderr).toMatch(/owner/);

    const packs = () => readdirSync(setup.site, { recursive: true }).filter((path) => /packs\/..\//.test(`${path}`));
    const before = packs().length;
    const report = await setup.json<CompactReport & { schema: string }>(['compact', 'documents']);
    expect(report).toMatchObject({
      schema: 'holdfast/compact/1',
      outcome: 'done',
      sources: [
        { source: 'documents', rewrite: { packs: 1 }, done: { replaced: { packs: 1 }, indexes: 1 }, unread: [] },
      ],
    });
    expect(packs().length).toBe(before + report.sources[0]!.done!.written.packs);
    expect((await setup.asOwner('compact')).stdout).toContain('documents: nothing to do');
    expect((await setup.asOwner('check', '--read-data')).status).toBe(0);
    const to = join(setup.directory, 'restored');
    expect((await setup.asOwner('restore', 'documents', '--to', to)).status).toBe(0);
  });

  it('wants a share', () => {
    expect([readShare(undefined), readShare('0'), readShare('0.25')]).toEqual([undefined, 0, 0.25]);
    for (const text of ['1', '-0.1', 'x', '.3', '30%', '1.5']) {
      expect(() => readShare(text)).toThrow(expect.objectContaining({ code: 'usage' }));
    }
  });
});
