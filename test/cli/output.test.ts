import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { exitStatus } from '../../src/base/errors.ts';
import { escapeCode, holdfast, holdfastOnTerminal, prepareConfig, program, useDirectory } from './run-holdfast.ts';

const directory = useDirectory(prepareConfig);
const path = (...parts: string[]) => join(directory.path, ...parts);
const run = (...args: string[]) => holdfast(args, { cwd: directory.path });

describe('what goes where', () => {
  it('has no escape codes in a pipe, whatever the terminal is said to be', async () => {
    const env = { TERM: 'xterm-256color', COLORTERM: 'truecolor', FORCE_COLOR: '3', CLICOLOR_FORCE: '1' };
    for (const args of [['--help'], ['keys', 'list'], ['bakup'], ['snapshots'], ['backup'], ['check']]) {
      const { stdout, stderr } = await holdfast(args, { cwd: directory.path, env });
      expect(stdout + stderr, args.join(' ')).not.toContain(escapeCode);
    }
  });

  it('colours on a terminal, keeps to its width, and not with NO_COLOR', async () => {
    const onTerminal = { cwd: directory.path, columns: 40 };
    const colored = (await holdfastOnTerminal(['keys', 'list'], onTerminal)).stdout;
    expect(colored).toContain(escapeCode);
    const plain = await holdfastOnTerminal(['keys', 'list'], { ...onTerminal, env: { NO_COLOR: '1' } });
    expect(plain.stdout).not.toContain(escapeCode);
    const failing = await holdfastOnTerminal(['snapshots', 'nothing'], { ...onTerminal, env: { NO_COLOR: '1' } });
    expect(failing.stdout).toContain('error: There is no source nothing.');
    expect(failing.stdout).not.toContain(escapeCode);
  });

  it('gives exactly one document with --json, also when it fails', async () => {
    for (const args of [['keys', 'list'], ['snapshots'], ['snapshots', 'nothing'], ['check']]) {
      const { stdout } = await run('--json', ...args);
      expect(JSON.parse(stdout).schema, args.join(' ')).toMatch(/^holdfast\/[a-z-]+\/1$/);
    }
    const { status, stdout, stderr } = await run('snapshots', 'documets', '--json');
    expect(status).toBe(exitStatus.usage);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'usage', hint: 'Did you mean `documents`?' });
    expect(stderr).toContain('error: There is no source documets.');
  });

  it('says nothing with -q when all is well', async () => {
    expect(await run('check', '-q')).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('ends quietly when the reader has seen enough', async () => {
    const command = `'${process.execPath}' '${program}' --help | true; echo "$?"`;
    const { stderr } = spawnSync('sh', ['-c', command], { cwd: directory.path, encoding: 'utf8' });
    expect(stderr).toBe('');
  });
});

describe('a configuration with mistakes', () => {
  beforeEach(async () => {
    const text = await readFile(path('holdfast.yaml'), 'utf8');
    const broken = text.replace('country: FR', 'country: XX').replace('path: tree', 'pth: hunter2');
    await writeFile(path('holdfast.yaml'), broken);
  });

  it('tells every one with file and line, exits 2, and quotes no value', async () => {
    const lines = (await readFile(path('holdfast.yaml'), 'utf8')).split('\n');
    const lineOf = (text: string) => lines.findIndex((line) => line.includes(text)) + 1;
    const { status, stdout, stderr } = await run('snapshots');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`holdfast.yaml:${lineOf('XX')}:`);
    expect(stderr).toMatch(new RegExp(`holdfast\\.yaml:${lineOf('pth')}:\\d+: .*did you mean \`path\`\\?`));
    expect(stderr).not.toContain('hunter2');
    expect(stderr.match(/holdfast\.yaml:/g)!.length).toBeGreaterThanOrEqual(2);
    expect(stderr).not.toContain('why:');
  });

  it('gives them one by one in the document', async () => {
    const { error } = JSON.parse((await run('snapshots', '--json')).stdout);
    expect(error.code).toBe('config');
    expect(error.problems).toContainEqual(expect.objectContaining({ path: 'sites[0].country', column: 14 }));
  });

  it('that does not exist says how to make one', async () => {
    const { status, stderr } = await run('snapshots', '-c', 'other.yaml');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^hint: .*holdfast init/m);
  });
});
