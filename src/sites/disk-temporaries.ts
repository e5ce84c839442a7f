import { randomBytes } from 'node:crypto';
import { lstat, open, opendir, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** An unfinished upload untouched for this long belongs to a writer that is gone. */
const staleAfterMs = 24 * 3600 * 1000;
const pattern = /^[0-9a-f]{32}$/;

/** A file name for an unfinished upload that no other writer uses. */
export function temporaryName(): string {
  return randomBytes(16).toString('hex');
}

/**
 * Removes unfinished uploads that killed writers left in `directory` (absolute).
 *
 * Ages are taken from a file made now in the same directory, so the clock of the machine that holds the disk decides.
 * A writer that is still alive after a day only loses its upload, with an error. On a site that may only be read,
 * this does nothing; it never throws.
 */
export async function removeStaleTemporaries(directory: string): Promise<void> {
  try {
    if (!(await lstat(directory)).isDirectory()) return;
    const found: { path: string; changed: number }[] = [];
    for await (const entry of await opendir(directory)) {
      if (!pattern.test(entry.name) || !entry.isFile()) continue;
      const path = join(directory, entry.name);
      const changed = (await lstat(path).catch(() => undefined))?.mtimeMs;
      if (changed !== undefined) found.push({ path, changed });
    }
    if (found.length === 0) return;
    const now = await timeOfFilesystem(directory);
    // Another process may be faster with one of them.
    for (const { path, changed } of found) if (now - changed > staleAfterMs) await unlink(path).catch(() => {});
  } catch {
    // There is no such directory yet, or this user may not write here. Neither hinders the work.
  }
}

async function timeOfFilesystem(directory: string): Promise<number> {
  const path = join(directory, temporaryName());
  const handle = await open(path, 'wx', 0o600);
  try {
    return (await handle.stat()).mtimeMs;
  } finally {
    await handle.close();
    await unlink(path);
  }
}
