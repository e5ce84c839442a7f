import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseParty, parsePublicLine, publicLine } from '../../src/crypt/parties.ts';
import { sha256Hex } from '../../src/crypt/secrets.ts';
import { holdfast, useDirectory } from './run-holdfast.ts';

const directory = useDirectory();
const path = (...parts: string[]) => join(directory.path, ...parts);
const run = (...args: string[]) => holdfast(args, { cwd: directory.path });

describe('keys new', () => {
  it('writes an identity for its owner alone, and prints only the public line on standard output', async () => {
    const { status, stdout, stderr } = await run('keys', 'new', 'anna', '--out', 'anna.key');
    expect(status).toBe(0);
    expect((await stat(path('anna.key'))).mode & 0o777).toBe(0o600);
    const party = await parseParty(await readFile(path('anna.key'), 'utf8'));
    expect(stdout).toBe(`${publicLine(party)}\n`);
    expect(parsePublicLine(stdout)).toMatchObject({ name: 'anna', recipient: party.recipient });
    expect(stdout + stderr).not.toMatch(/SECRET|SIGNING-KEY/);
  });

  it('never overwrites', async () => {
    await writeFile(path('anna.key'), 'precious');
    const { status, stdout, stderr } = await run('keys', 'new', 'anna', '--out', 'anna.key');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('exists already');
    expect(await readFile(path('anna.key'), 'utf8')).toBe('precious');
  });

  it.each([
    [['keys', 'new', 'Anna Smith', '--out', 'a.key'], 'Not a name for a party'],
    [['keys', 'new', 'anna'], "Required option '--out <file>' not specified."],
  ])('%j is a usage error and writes nothing', async (args, message) => {
    const { status, stderr } = await run(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
    expect(await readdir(directory.path)).toEqual([]);
  });

  it('gives a document', async () => {
    const { stdout } = await run('keys', 'new', 'anna', '--out', 'anna.key', '--json');
    const { schema, name, file, fingerprint, public: line } = JSON.parse(stdout);
    expect({ schema, name, file }).toEqual({ schema: 'holdfast/keys-new/1', name: 'anna', file: path('anna.key') });
    expect(fingerprint.replaceAll(' ', '')).toBe(sha256Hex(line).slice(0, 32));
  });
});
