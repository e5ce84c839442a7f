/**
 * What a terabyte costs, at an eighth of it: 16,384 packs and 42 snapshots; nothing is read but the catalog. The whole of it
 * is test/soak/terabyte.ts.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MiB } from '../../src/base/units.ts';

const program = join(import.meta.dirname, '../support/large-repository.ts');
let directory: string;

async function run(...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [program, ...args])).stdout;
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-large-'));
  await run('make', directory, '16384', '42');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it.each([
  ['check', { outcome: 'sound', damage: [], packs: 16384 }],
  ['keyless', { outcome: 'sound', damage: [], packs: 16384 }],
  ['prune', { outcome: 'done', dropped: 12 }],
])('%s of a large repository stays within its memory and time', async (what, found) => {
  const { ms, peak, ...report } = JSON.parse(await run(what, directory)) as { ms: number; peak: number };
  expect(report).toEqual(found);
  // Of which the program itself is about 110 MiB; the rest is one snapshot's text at a time, and what the collector lets lie.
  expect(peak).toBeLessThan(190 * MiB);
  expect(ms).toBeLessThan(30_000);
});
