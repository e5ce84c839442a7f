import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSecret, type Secret, secretLimit } from '../../config/secrets.ts';
import { isHoldfastError } from '../../src/base/errors.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-secrets-'));
});
afterAll(() => rm(directory, { recursive: true }));

const path = process.env.PATH;

async function refused(secret: Secret, env: Record<string, string> = {}) {
  const error = await readSecret(secret, { directory, env: { PATH: path, ...env } }).catch((thrown: unknown) => thrown);
  if (!isHoldfastError(error, 'secret')) throw new Error(`not refused: ${error}`);
  return error;
}

async function secretFile(name: string, content: string | Uint8Array, mode = 0o600): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, content);
  await chmod(file, mode);
  return file;
}

describe('a secret of the environment', () => {
  it('is taken as it is', async () => {
    expect(await readSecret({ env: 'A' }, { directory, env: { A: 'x\n' } })).toBe('x\n');
  });
  it('is an error when it is not set or empty', async () => {
    expect((await refused({ env: 'HOLDFAST_NONE' })).message).toContain('HOLDFAST_NONE');
    expect((await refused({ env: 'A' }, { A: '' })).why).toContain('empty');
  });
});

describe('a secret in a file', () => {
  it.each([
    ['pw', 'pw'],
    ['pw\n', 'pw'],
    ['pw\r\n', 'pw'],
    ['pw\n\n', 'pw\n'],
    [' pw é ', ' pw é '],
    ['a\nb\n', 'a\nb'],
  ])('%j is %j', async (content, value) => {
    await secretFile('plain', content);
    expect(await readSecret({ file: 'plain' }, { directory, env: {} })).toBe(value);
    expect(await readSecret({ file: join(directory, 'plain') }, { directory: '/', env: {} })).toBe(value);
  });

  it.each([0o640, 0o604, 0o620, 0o602, 0o644, 0o666])('of mode %o is refused, with the cure', async (mode) => {
    const file = await secretFile("it's open", 'hunter2', mode);
    const error = await refused({ file: "it's open" });
    expect(error.message).toContain(file);
    expect(error.why).toContain(mode.toString(8));
    expect(error.hint).toMatch(/chmod 600 '.*it'\\''s open'/);
    expect(`${error.message}${error.why}${error.hint}`).not.toContain('hunter2');
  });

  it('is judged by the file behind a link', async () => {
    await secretFile('target', 'x', 0o644);
    await symlink('target', join(directory, 'link'));
    expect((await refused({ file: 'link' })).message).toContain('open to other users');
    await chmod(join(directory, 'target'), 0o400);
    expect(await readSecret({ file: 'link' }, { directory, env: {} })).toBe('x');
  });

  it('is refused when it is missing, empty, too long, no text or no file', async () => {
    expect((await refused({ file: 'missing' })).why).toBe('It does not exist.');
    await secretFile('bad', '\n');
    expect((await refused({ file: 'bad' })).why).toBe('It is empty.');
    await secretFile('bad', 'x'.repeat(secretLimit + 1));
    expect((await refused({ file: 'bad' })).why).toContain('longer');
    await secretFile('bad', Buffer.from([0x70, 0xff]));
    expect((await refused({ file: 'bad' })).why).toContain('UTF-8');
    expect((await refused({ file: '/dev/zero' })).message).toContain('not a regular file');
    expect((await refused({ file: '.' })).message).toContain('not a regular file');
    await secretFile('long', 'x'.repeat(secretLimit));
    expect(await readSecret({ file: 'long' }, { directory, env: {} })).toHaveLength(secretLimit);
  });
});

describe('a secret from a command', () => {
  const sh = (script: string): Secret => ({ command: ['sh', '-c', script] });

  it('is what it prints, in the directory, with the environment that was given', async () => {
    const context = { directory, env: { PATH: path, A: 'b' } };
    expect(await readSecret(sh('printf "%s\\n" "$A-$PWD"; echo noise >&2'), context)).toBe(`b-${directory}`);
    expect(await readSecret({ command: ['printf', '%s', '$A; ls'] }, context)).toBe('$A; ls');
  });

  it('does not see the environment of Holdfast itself', async () => {
    process.env.HOLDFAST_TEST_LEAK = 'leak';
    try {
      expect(await readSecret(sh('echo "none$HOLDFAST_TEST_LEAK"'), { directory, env: { PATH: path } })).toBe('none');
    } finally {
      delete process.env.HOLDFAST_TEST_LEAK;
    }
  });

  it('is refused when it fails, and what it printed is not told', async () => {
    const error = await refused(sh('echo hunter2; echo hunter2 >&2; exit 3'));
    expect(error.why).toBe('It ended with status 3.');
    expect(JSON.stringify([error.message, error.why, error.hint, error.cause, error.stack])).not.toContain('hunter2');
    expect((await refused({ command: ['holdfast-no-such-program'] })).why).toBe('There is no such program.');
    expect((await refused(sh('kill -9 $$'))).why).toContain('SIGKILL');
    expect((await refused(sh('true'))).why).toBe('It is empty.');
    expect((await refused(sh('yes'))).why).toContain('more than');
  });
});

describe('a systemd credential', () => {
  it('is read from its directory, whatever its mode shows', async () => {
    await secretFile('app-password', 'pw\n', 0o440);
    const env = { CREDENTIALS_DIRECTORY: directory };
    expect(await readSecret({ credential: 'app-password' }, { directory: '/', env })).toBe('pw');
    expect((await refused({ credential: 'other' }, env)).why).toBe('It does not exist.');
    expect((await refused({ credential: 'app-password' })).hint).toContain('LoadCredential=app-password');
  });
});
