import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Everything that tests make in the system's temporary directory goes into one, which is removed when all have run. */
export default function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-tests-'));
  // PostgreSQL servers run as another account and must get through.
  chmodSync(directory, 0o755);
  process.env.TMPDIR = directory;
  // The program is started hundreds of times; half of a start is compiling what the start before had compiled.
  process.env.NODE_COMPILE_CACHE = join(directory, 'compiled');
  return () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}
