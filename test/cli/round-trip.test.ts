import { spawnSync } from 'node:child_process';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { holdfast, holdfastOnTerminal, prepareBackup, program, useDirectory } from './run-holdfast.ts';

const directory = useDirectory(prepareBackup);
const path = (...parts: string[]) => join(directory.path, ...parts);
const run = (...args: string[]) => holdfast(args, { cwd: directory.path });
const anna = ['-i', 'owners/anna.key'];

/** The document of a command that ends with `status`. */
async function document(status: number, ...args: string[]) {
  const outcome = await run('--json', ...args);
  expect(outcome.status, outcome.stderr).toBe(status);
  return JSON.parse(outcome.stdout);
}

describe('after a backup', () => {
  it('warns until every owner has shown that they can open it', async () => {
    expect((await run('backup', '-q')).stderr).toContain('anna, bert never showed that they can open it.');
    const { tests } = await document(0, 'keys', 'test', ...anna, '-i', 'owners/bert.key');
    expect(tests).toEqual([
      { source: 'documents', party: 'anna', result: 'opened' },
      { source: 'documents', party: 'bert', result: 'opened' },
    ]);
    expect(await run('backup', '-q')).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('lists the snapshot without needing an owner', async () => {
    const { sources } = await document(0, 'snapshots', 'documents');
    const [snapshot] = sources[0].snapshots;
    expect(snapshot).toMatchObject({ sequence: 1, type: 'files', tags: ['first'], signer: 'web1' });
    const { stdout } = await run('snapshots');
    expect(stdout).toContain(`documents@${snapshot.id.slice(0, 8)}`);
  });

  it('lists and shows content to an owner, and to nobody else', async () => {
    const { entries, type } = await document(0, 'ls', 'documents', ...anna);
    expect(type).toBe('files');
    expect(entries.map(({ name }: { name: string }) => name)).toContain('contracts/b.bin');
    expect((await run('ls', 'documents', 'contracts', ...anna)).stdout).toMatch(
      /^-rw-.* 293 KiB .* contracts\/b\.bin$/m,
    );
    expect((await run('cat', 'documents@latest', 'a.txt', ...anna)).stdout).toBe('first\n');
    for (const args of [
      ['ls', 'documents'],
      ['cat', 'documents', 'a.txt'],
      ['restore', 'documents', '--to', 'out'],
    ]) {
      const { status, stdout, stderr } = await run(...args);
      expect(status, args.join(' ')).toBe(12);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^hint: /m);
    }
  });

  it('what is not there is said, and nothing is written', async () => {
    expect(await run('cat', 'documents', 'none.txt', ...anna)).toMatchObject({ status: 1, stdout: '' });
    expect((await run('restore', 'documents@2020-01-01', '--to', 'out', ...anna)).status).toBe(1);
    expect((await run('restore', 'documets', '--to', 'out', ...anna)).stderr).toContain('Did you mean `documents`?');
    expect(await readdir(directory.path)).not.toContain('out');
  });

  it('`ls` ends quietly when its reader has seen enough', () => {
    const command = `'${process.execPath}' '${program}' ls documents -i owners/anna.key | true`;
    expect(spawnSync('sh', ['-c', command], { cwd: directory.path, encoding: 'utf8' }).stderr).toBe('');
  });

  it('restores what was there, once: never over something', async () => {
    const plan = await document(0, 'restore', 'documents', '--to', 'out', '--dry-run', ...anna);
    expect(plan).toMatchObject({ dryRun: true, target: { kind: 'directory', path: path('out') } });
    expect(await readdir(directory.path)).not.toContain('out');
    const report = await document(0, 'restore', 'documents', '--to', 'out', ...anna);
    expect(report).toMatchObject({ schema: 'holdfast/restore/1', source: 'documents', dryRun: false });
    expect(await readFile(path('out', 'a.txt'), 'utf8')).toBe('first\n');
    expect(await readFile(path('out', 'contracts', 'b.bin'))).toEqual(
      await readFile(path('tree', 'contracts', 'b.bin')),
    );
    await writeFile(path('out', 'a.txt'), 'mine');
    expect((await run('restore', 'documents', '--to', 'out', ...anna)).status).toBe(1);
    expect(await readFile(path('out', 'a.txt'), 'utf8')).toBe('mine');
  });

  it('restores one path', async () => {
    await document(0, 'restore', 'documents', '--to', 'out', '--path', 'contracts', ...anna);
    expect((await readdir(path('out'), { recursive: true })).sort()).toEqual(['contracts', 'contracts/b.bin']);
  });

  it('shows the plan and asks on a terminal; no means no', async () => {
    const { status, stdout } = await holdfastOnTerminal(['restore', 'documents', '--to', 'out', ...anna], {
      cwd: directory.path,
      columns: 100,
      answers: [['Restore it?', 'n\r']],
    });
    expect(stdout).toContain(path('out'));
    expect(status).toBe(130);
    expect(await readdir(directory.path)).not.toContain('out');
  });

  it('finds it sound, and says how deep it looked', async () => {
    expect((await run('check')).stdout).toContain('listed, not read');
    expect((await run('check', '--read-data')).stdout).toContain('read, not opened (no owner)');
    const { outcome, sources } = await document(0, 'check', '--read-data', ...anna);
    expect(outcome).toBe('sound');
    expect(sources[0].packsRead).toBeGreaterThan(0);
    expect(sources[0]).toMatchObject({ opened: true, packsRead: sources[0].packs });
  });

  it('finds damage, names it, and ends with 4', async () => {
    const names = await readdir(path('site', 'sources'), { recursive: true });
    const pack = names.find((name) => /packs\/..\/[0-9a-f]{64}$/.test(name))!;
    await truncate(path('site', 'sources', pack), 100);
    const { status, stdout } = await run('check', '-q', '--read-data');
    expect(status).toBe(4);
    expect(stdout).toContain(pack);
    expect(stdout).toContain('damaged or missing');
  });
});
