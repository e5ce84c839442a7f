/** Unfinished uploads: files in `.tmp/` with names that no other writer uses. */
import { temporaryName } from '../disk-temporaries.ts';
import { temporaryDirectory } from '../names.ts';
import type { Directories } from './directories.ts';
import { isFile } from './directories.ts';
import type { SftpSession } from './session.ts';
import { writeBytes } from './transfer.ts';

/** An unfinished upload untouched for this long, in seconds, belongs to a writer that is gone. */
const staleAfterSeconds = 24 * 3600;
const pattern = /^[0-9a-f]{32}$/;
/** Up to here, everything about a file is sent without waiting for answers between. */
const small = 32 * 1024;

/** Writes `bytes` to a new file, and syncs it where the server can. A failure leaves none, if that can be helped. */
export async function upload(
  session: SftpSession,
  directories: Directories,
  bytes: Buffer,
  { sync }: { sync: boolean },
): Promise<string> {
  const name = `${temporaryDirectory}/${temporaryName()}`;
  const path = directories.absolute(name);
  const handle = await directories.into(session, name, () => session.open(path, 'wx'));
  const finish = () => [...(sync ? [session.fsync(handle)] : []), session.close(handle)];
  try {
    if (bytes.length <= small) {
      await inOrder([writeBytes(session, handle, bytes), ...finish()]);
    } else {
      try {
        await writeBytes(session, handle, bytes);
      } catch (error) {
        session.courtesy(session.close(handle));
        throw error;
      }
      await inOrder(finish());
    }
    return path;
  } catch (error) {
    session.courtesy(session.unlink(path));
    throw error;
  }
}

/** Waits for all, then throws what failed first. */
async function inOrder(requests: Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(requests)) if (outcome.status === 'rejected') throw outcome.reason;
}

/**
 * Removes unfinished uploads that killed writers left. Ages are told by the server's clock, from a file made now. Where
 * this user may not write it does nothing; it throws only when the connection is lost.
 */
export async function removeStale(session: SftpSession, directories: Directories): Promise<void> {
  try {
    const found = (await session.readdir(directories.absolute(temporaryDirectory))).filter(
      ({ filename, attrs }) => pattern.test(filename) && isFile(attrs),
    );
    if (found.length === 0) return;
    const path = await upload(session, directories, Buffer.alloc(0), { sync: false });
    const { mtime: now } = await session.lstat(path);
    await session.unlink(path);
    for (const { filename, attrs } of found) {
      if (now - attrs.mtime <= staleAfterSeconds) continue;
      // Another process may be faster.
      await session.unlink(directories.absolute(`${temporaryDirectory}/${filename}`)).catch(() => {});
    }
  } catch (error) {
    if ((error as { name?: string }).name === 'ConnectionLost') throw error;
  }
}
