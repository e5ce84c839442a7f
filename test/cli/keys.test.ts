import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import { parseParty, publicLine } from '../../src/crypt/parties.ts';
import { sha256Hex } from '../../src/crypt/secrets.ts';
import { holdfast, holdfastOnTerminal, prepareConfig, useDirectory } from './run-holdfast.ts';

const directory = useDirectory(prepareConfig);
const path = (...parts: string[]) => join(directory.path, ...parts);
const run = (...args: string[]) => holdfast(args, { cwd: directory.path });

describe('keys', () => {
  const presences = async (...args: string[]) => {
    const { stdout, stderr } = await run('keys', 'list', '--json', ...args);
    const { parties } = JSON.parse(stdout);
    return { stderr, found: parties.map((party: Record<string, unknown>) => [party.name, party.role, party.identity]) };
  };

  it('keys list tells whose identity is here', async () => {
    expect((await presences()).found).toEqual([
      ['web1', 'backup', 'yes'],
      ['anna', 'owner', 'no'],
      ['bert', 'owner', 'no'],
    ]);
    expect((await presences('-i', 'owners/bert.key')).found).toContainEqual(['bert', 'owner', 'yes']);
  });

  it('keys list warns of an identity that others can read, and does not call it usable', async () => {
    await chmod(path('host.key'), 0o644);
    const { found, stderr } = await presences();
    expect(found).toContainEqual(['web1', 'backup', 'unreadable']);
    expect(stderr).toMatch(/^warning: .*host\.key is open to other users/m);
  });

  it('keys list is a table for people, one row for each party', async () => {
    const { stdout } = await run('keys', 'list');
    expect(stdout.trimEnd().split('\n')).toHaveLength(4);
    expect(stdout).toMatch(/^web1 +host +all +yes +([0-9a-f]{4} ){7}[0-9a-f]{4}$/m);
  });

  it('-i refuses a file that is no identity, without showing it', async () => {
    await writeFile(path('wrong.key'), 'AGE-SECRET-KEY-1HUNTER2\n', { mode: 0o600 });
    const { status, stdout, stderr } = await run('keys', 'list', '-i', 'wrong.key');
    expect(status).toBe(12);
    expect(stderr).toContain('wrong.key cannot be used.');
    expect(stdout + stderr).not.toContain('HUNTER2');
  });

  it('keys test tells what could not be tested from what passed', async () => {
    const { status, stdout } = await run('keys', 'test', '-i', 'owners/anna.key', '--json');
    expect(status).toBe(5);
    expect(JSON.parse(stdout).tests).toEqual([{ source: 'documents', party: 'anna', result: 'not-begun' }]);
    const without = await run('keys', 'test');
    expect(without.status).toBe(12);
    expect(without.stderr).toContain('There is no identity to test.');
  });

  it('keys export shows no secret unless told to', async () => {
    const { status, stdout, stderr } = await run('keys', 'export', 'anna', '-i', 'owners/anna.key');
    expect(status).toBe(2);
    expect(stderr).toContain('--yes-show-secret');
    expect(stdout).toBe('');
  });

  it('keys export writes a sheet that holds the identity, the hashes and the sites', async () => {
    const { status, stdout } = await run('keys', 'export', '-i', 'owners/anna.key', '--out', 'sheet.txt');
    expect(status).toBe(0);
    expect((await stat(path('sheet.txt'))).mode & 0o777).toBe(0o600);
    const sheet = await readFile(path('sheet.txt'), 'utf8');
    expect(stdout).not.toMatch(/SECRET|SIGNING-KEY/);
    // Somebody types or scans these lines into a file: then they are an identity again.
    const lines = sheet.split('\n');
    const from = lines.findIndex((line) => line.startsWith('# name:'));
    const anna = await parseParty(lines.slice(from, from + 5).join('\n'));
    const { config } = await loadConfig(path('holdfast.yaml'));
    expect(publicLine(anna)).toBe(publicLine(config.owners[0]!.public));
    for (const name of ['trust.json', 'recover.sh']) {
      expect(sheet).toContain(sha256Hex(await readFile(path('site', name))));
    }
    for (const fact of [path('site'), 'Example Ltd', 'FR']) expect(sheet).toContain(fact);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(200);
  });

  it('keys export warns when the site has something else than the sheet says', async () => {
    await writeFile(path('site', 'recover.sh'), 'echo swapped\n');
    const flags = ['keys', 'export', 'anna', '-i', 'owners/anna.key', '--out'];
    const { status, stderr } = await run(...flags, 'one.txt');
    expect(status).toBe(0);
    expect(stderr).toMatch(/^warning: The site has another recover\.sh/m);
    expect((await run('init', '--existing')).status).toBe(0);
    expect((await run(...flags, 'two.txt')).stderr).toBe('');
  });

  it('keys export never overwrites a sheet, and wants the identity of that owner', async () => {
    await writeFile(path('sheet.txt'), 'precious');
    const flags = ['-i', 'owners/anna.key', '--out', 'sheet.txt'];
    expect((await run('keys', 'export', 'anna', ...flags)).status).toBe(1);
    expect(await readFile(path('sheet.txt'), 'utf8')).toBe('precious');
    const other = await run('keys', 'export', 'bert', ...flags);
    expect(other.status).toBe(12);
    expect(other.stderr).toContain('The identity of bert is not at hand.');
  });

  it('keys export draws its code in ink for paper, and in light for a dark terminal', async () => {
    const flags = ['keys', 'export', 'anna', '-i', 'owners/anna.key', '--yes-show-secret'];
    const paper = (await run(...flags)).stdout;
    const terminal = (await holdfastOnTerminal(flags, { cwd: directory.path, columns: 120 })).stdout;
    // The top of a finder pattern: seven dark modules over a ring of light ones.
    expect(paper).toContain('█▀▀▀▀▀█');
    expect(terminal).toContain('█ ▄▄▄▄▄ █');
    expect(paper).not.toContain('█ ▄▄▄▄▄ █');
  });
});
