import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/**
 * Everything that tests make in the system's temporary directory goes into one, which is removed when all have run. The
 * program that they start is built there, as it is published; with HOLDFAST_FROM_SOURCES in the environment they start it from
 * its sources.
 */
export default function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-tests-'));
  // PostgreSQL servers run as another account and must get through.
  chmodSync(directory, 0o755);
  process.env.TMPDIR = directory;
  // The program is started hundreds of times; half of a start is compiling what the start before had compiled.
  process.env.NODE_COMPILE_CACHE = join(directory, 'compiled');
  if (!process.env.HOLDFAST_FROM_SOURCES) process.env.HOLDFAST_PROGRAM = build(directory);
  return () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}

/** @returns path of what is to be started */
function build(directory: string): string {
  // The packages that are not part of the program's own files are found as they are beside an installed one.
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  const built = join(directory, 'program');
  const { status, stderr } = spawnSync(process.execPath, [join(root, '.ci/build.mjs'), built], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the program cannot be built: ${stderr}`);
  return join(built, 'bin/holdfast.js');
}
