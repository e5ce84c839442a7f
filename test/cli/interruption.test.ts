import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { holdfast, initFlags, startHoldfast, useDirectory } from './run-holdfast.ts';

const directory = useDirectory();
const path = (...parts: string[]) => join(directory.path, ...parts);

/** A source whose password a person would type: the program waits for it. */
async function makeWaiting(): Promise<void> {
  const flags = ['init', ...initFlags, '--postgres', 'postgres://u@127.0.0.1:1/app'];
  expect((await holdfast(flags, { cwd: directory.path })).status).toBe(0);
  const text = await readFile(path('holdfast.yaml'), 'utf8');
  const script = 'echo waiting > begun; exec sleep 60';
  const command = `password: { command: [sh, -c, "${script}"] }`;
  await writeFile(path('holdfast.yaml'), text.replace(/^( *)connection: .*$/m, `$&\n$1${command}`));
}

async function exists(file: string): Promise<void> {
  for (let round = 0; round < 500; round++) {
    if (await readFile(file).catch(() => undefined)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${file} never came`);
}

describe('an interruption', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('by %s ends the work cleanly with 130', async (signal) => {
    await makeWaiting();
    const { child, ended } = startHoldfast(['backup', '--json'], { cwd: directory.path });
    await exists(path('begun'));
    const began = performance.now();
    child.kill(signal);
    const { status, stdout, stderr } = await ended;
    expect(status).toBe(130);
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(stderr).toContain('error: The work was interrupted.');
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'holdfast/error/1', error: { code: 'interrupted' } });
  });

  it('for the second time ends it at once, without another word', async () => {
    // A command that takes two seconds to be stopped stands for work that does not end when it is told to.
    const script = `trap '' TERM; echo > ${path('begun')}; sleep 10`;
    const source = `  - { name: stubborn, type: command, command: [sh, -c, "${script}"], filename: out }`;
    expect((await holdfast(['init', ...initFlags], { cwd: directory.path })).status).toBe(0);
    const text = await readFile(path('holdfast.yaml'), 'utf8');
    await writeFile(path('holdfast.yaml'), text.replace(/^sources:$/m, `$&\n${source}`));
    const { child, ended, heard } = startHoldfast(['backup', 'stubborn'], { cwd: directory.path });
    await exists(path('begun'));
    child.kill('SIGINT');
    await heard('Stopping; interrupt again to stop at once.');
    child.kill('SIGINT');
    const { status, stdout, stderr } = await ended;
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
    expect(stderr).not.toContain('error:');
  });
});
