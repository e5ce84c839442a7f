/**
 * What planning costs for 1 TB: 131,072 packs of 8 MiB, by name and size, in 42 snapshots. Each plan is made by a process of its
 * own, at most in a minute and 350 MB. Some two minutes: `node test/soak/terabyte.ts`
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const program = join(import.meta.dirname, '../support/large-repository.ts');
const directory = mkdtempSync(join(tmpdir(), 'holdfast-terabyte-'));
const run = async (...args: string[]) => (await promisify(execFile)(process.execPath, [program, ...args])).stdout;
const most = { ms: 60_000, bytes: 350e6 };

try {
  await run('make', directory, '131072', '42');
  for (const what of ['prune', 'check', 'keyless']) {
    const { ms, peak, outcome } = JSON.parse(await run(what, directory)) as {
      ms: number;
      peak: number;
      outcome: string;
    };
    const isGood = ms <= most.ms && peak <= most.bytes && (outcome === 'done' || outcome === 'sound');
    if (!isGood) process.exitCode = 1;
    const figures = `${(ms / 1000).toFixed(1)} s, ${Math.round(peak / 1e6)} MB`;
    console.log(`${what.padEnd(8)} ${outcome.padEnd(6)} ${figures}${isGood ? '' : '  MORE THAN IT MAY'}`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
