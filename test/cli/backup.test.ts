import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { escapeCode, holdfast, holdfastOnTerminal, prepareConfig, useDirectory } from './run-holdfast.ts';

const directory = useDirectory(prepareConfig);
const path = (...parts: string[]) => join(directory.path, ...parts);
const run = (...args: string[]) => holdfast(args, { cwd: directory.path });
const anna = ['-i', 'owners/anna.key'];

/** The document of a command that ends with `status`. */
async function document(status: number, ...args: string[]) {
  const outcome = await run('--json', ...args);
  expect(outcome.status, outcome.stderr).toBe(status);
  return JSON.parse(outcome.stdout);
}

describe('before the first backup', () => {
  it('there is nothing to list, and that is said', async () => {
    const { status, stderr } = await run('snapshots');
    expect(status).toBe(0);
    expect(stderr).toContain('note: documents: It has no backup yet.');
  });

  it('a restore finds none', async () => {
    const { status, stderr } = await run('restore', 'documents', '--to', 'out', ...anna);
    expect(status).toBe(1);
    expect(stderr).toContain('hint: Make one: holdfast backup documents');
  });

  it('a check says that nothing was looked at', async () => {
    expect((await run('check')).stdout).toContain('1 source has no backup, so nothing of it was checked.');
  });
});

describe('without a repository at the site', () => {
  it('the status is 10', async () => {
    await rm(path('site', 'holdfast.json'));
    for (const command of ['backup', 'snapshots']) expect((await run(command)).status, command).toBe(10);
    // What else lies there is of this repository: for a check, one object is missing.
    const { status, stdout } = await run('check');
    expect(status).toBe(4);
    expect(stdout).toContain('holdfast.json: It is missing.');
    for (const name of await readdir(path('site'))) await rm(path('site', name), { recursive: true });
    expect((await run('check')).status).toBe(10);
  });
});

describe('a source that fails', () => {
  it('does not keep the others from theirs, and is told', async () => {
    const text = await readFile(path('holdfast.yaml'), 'utf8');
    const extra = '  - { name: gone, type: files, path: nowhere }\n';
    await writeFile(path('holdfast.yaml'), text.replace(/^sources:\n/m, `$&${extra}`));
    const { outcome, sources } = await document(3, 'backup');
    expect(outcome).toBe('partial');
    expect(sources.map((one: Record<string, unknown>) => [one.source, one.outcome])).toEqual([
      ['gone', 'failed'],
      ['documents', 'done'],
    ]);
    const { status, stderr, stdout } = await run('backup', 'gone');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: /m);
    expect(stdout).toMatch(/^gone +failed/m);
  });
});

describe('on a terminal', () => {
  it('a backup shows a live line, and leaves only its result', async () => {
    const { status, stdout } = await holdfastOnTerminal(['backup'], { cwd: directory.path, columns: 60 });
    expect(status).toBe(0);
    expect(stdout).toContain(escapeCode);
    expect(stdout).toContain('Backing up documents');
    // Hidden while something is shown, and there again in the end.
    expect(stdout.lastIndexOf('\u001b[?25h')).toBeGreaterThan(stdout.lastIndexOf('\u001b[?25l'));
    expect(stdout).toMatch(/documents@[0-9a-f]{8} .*done/);
  });
});
