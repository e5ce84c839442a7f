/** Giving an upload its name, once, and knowing afterwards whether it was this upload that got it. */
import { randomInt } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import { temporaryName } from '../disk-temporaries.ts';
import { temporaryDirectory } from '../names.ts';
import { type Directories, look } from './directories.ts';
import { ConnectionLost, isFailure, isMissing, isUnsupported } from './errors.ts';
import type { SftpSession } from './session.ts';

/**
 * How a name is given to an upload: `link` where the server has hard links, which is exclusive everywhere; `rename`,
 * which OpenSSH refuses to do over an existing file, and most others too; `unsafe-rename` where it overwrites.
 */
export type Publishing = 'link' | 'rename' | 'unsafe-rename';

/**
 * Tries one attempt at it. Never overwrites, but for `unsafe-rename`.
 *
 * @param unsure whether an earlier attempt may have done it
 * @returns undefined when something of that name is there, which is not from an earlier attempt
 */
export async function publish(
  session: SftpSession,
  how: Publishing,
  upload: string,
  path: string,
  { unsure }: { unsure: boolean },
): Promise<'created' | undefined> {
  try {
    if (how === 'unsafe-rename' && (await look(session, path))) return undefined;
    await (how === 'link' ? link(session, upload, path) : rename(session, upload, path));
    return 'created';
  } catch (error) {
    if (error instanceof ConnectionLost) throw error;
    if (!(await look(session, path))) throw error;
    if (!unsure) return undefined;
    if (how === 'link') return (await isSameFile(session, upload, path)) ? 'created' : undefined;
    // Only an earlier attempt can have moved it away.
    return (await look(session, upload)) ? undefined : 'created';
  }
}

/** Atomic for readers, and overwrites. */
export async function overwrite(
  session: SftpSession,
  upload: string,
  path: string,
  { unsure, site }: { unsure: boolean; site: string },
): Promise<void> {
  try {
    await session.call<void>((sftp, done) => sftp.ext_openssh_rename(upload, path, done));
  } catch (error) {
    if (isUnsupported(error)) {
      throw new HoldfastError('site-unavailable', `The server of the site "${site}" cannot replace a file at once.`, {
        why: 'It does not offer posix-rename@openssh.com, and in between, readers would find nothing.',
        hint: "Use OpenSSH's own SFTP server.",
        cause: error,
      });
    }
    if (unsure && isMissing(error) && !(await look(session, upload)) && (await look(session, path))) return;
    throw error;
  }
}

/** Finds out how to publish at this server. Needs the right to write; without it, `link` is as good as any. */
export async function findPublishing(session: SftpSession, directories: Directories): Promise<Publishing> {
  const [first, second] = [0, 1].map(() => directories.absolute(`${temporaryDirectory}/${temporaryName()}`)) as [
    string,
    string,
  ];
  try {
    // Of what is not there. A server that has the request says so; one that lacks it says that.
    await link(session, first, second);
  } catch (error) {
    if (error instanceof ConnectionLost) throw error;
    if (!isUnsupported(error)) return 'link';
  }
  return (await renameOverwrites(session, directories, first, second)) ? 'unsafe-rename' : 'rename';
}

async function renameOverwrites(
  session: SftpSession,
  directories: Directories,
  first: string,
  second: string,
): Promise<boolean> {
  const make = (path: string) =>
    directories.into(session, `${temporaryDirectory}/x`, () => session.open(path, 'wx')).then((h) => session.close(h));
  try {
    await make(first);
    await make(second);
    await rename(session, first, second);
    return true;
  } catch (error) {
    if (error instanceof ConnectionLost) throw error;
    return !isFailure(error) && (error as { code?: number }).code !== 11;
  } finally {
    for (const path of [first, second]) session.courtesy(session.unlink(path));
  }
}

function link(session: SftpSession, from: string, to: string): Promise<void> {
  return session.call<void>((sftp, done) => sftp.ext_openssh_hardlink(from, to, done));
}

function rename(session: SftpSession, from: string, to: string): Promise<void> {
  return session.call<void>((sftp, done) => sftp.rename(from, to, done));
}

/**
 * Whether two names mean one file. The protocol tells neither inodes nor numbers of links; but what is done to the
 * times of one shows at the other.
 */
async function isSameFile(session: SftpSession, upload: string, path: string): Promise<boolean> {
  const before = await look(session, upload);
  if (!before) return false;
  // A second in the last century that nothing else has.
  const mark = randomInt(1, 2 ** 29);
  const touch = (mtime: number) => session.call<void>((sftp, done) => sftp.utimes(upload, before.atime, mtime, done));
  await touch(mark);
  try {
    return (await look(session, path))?.mtime === mark;
  } finally {
    await touch(before.mtime);
  }
}
