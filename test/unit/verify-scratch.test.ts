/** What killed runs leave in the scratch directory: only what is certainly nobody's is removed. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { removeLeakedScratches } from '../../src/jobs/verify/scratch-directory.ts';

const now = Date.parse('2026-11-24T04:00:00Z');

function directoryWith(made: Record<string, { mark?: string; more?: string; minutesOld: number }>): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-scratch-'));
  chmodSync(directory, 0o711);
  for (const [name, { mark, more, minutesOld }] of Object.entries(made)) {
    const path = join(directory, name);
    mkdirSync(path);
    if (mark !== undefined) writeFileSync(join(path, 'owner.json'), mark);
    if (more !== undefined) writeFileSync(join(path, more), 'x');
    utimesSync(path, now / 1000 - 60 * minutesOld, now / 1000 - 60 * minutesOld);
  }
  return directory;
}

it('removes what was cut off before, or while, its mark was written, once it is not new any more', async () => {
  const gone = JSON.stringify({ pid: 4_000_000, startTime: '1', socketDirectory: '' });
  const directory = directoryWith({
    'files-000000000001': { minutesOld: 2 },
    'files-000000000002': { mark: '', minutesOld: 2 },
    'pg-000000000003': { mark: '{"pid":12', minutesOld: 2 },
    'files-000000000004': { mark: gone, more: 'restored', minutesOld: 0 },
    // Perhaps about to get its mark.
    'files-000000000005': { minutesOld: 0 },
    'files-000000000006': { mark: '', minutesOld: 0 },
    // Holds something, and nobody says whose it is.
    'files-000000000007': { mark: '', more: 'restored', minutesOld: 99 },
    'files-000000000008': { more: 'restored', minutesOld: 99 },
    somebody: { minutesOld: 99 },
  });
  await removeLeakedScratches(directory, () => {}, now);
  expect(readdirSync(directory).sort()).toEqual([
    ...[5, 6, 7, 8].map((number) => `files-00000000000${number}`),
    'somebody',
  ]);
});
