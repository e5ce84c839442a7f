/** How the disk site says what went wrong: in words an operator can act on, with the system's error as the cause. */
import { HoldfastError, isHoldfastError, systemCode } from '../base/errors.ts';

/** Whether a system call failed because there is nothing of that name. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
}

/** For use after close(): a mistake in this program. */
export function closed(site: string): HoldfastError {
  return new HoldfastError('internal', `The site "${site}" is closed.`);
}

/** @param why one sentence with the sizes found and needed */
export function damaged(site: string, name: string, why: string): HoldfastError {
  return new HoldfastError('object-damaged', `${name} at the site "${site}" is incomplete.`, { why });
}

/** Something else than an object or a directory has the place of one. */
export function obstructed(site: string, path: string): HoldfastError {
  return new HoldfastError('site-unavailable', `${path} is in the way at the site "${site}".`, {
    why: 'Something that is no object, or a symbolic link, has the place of an object or of a directory.',
    hint: 'Look at it, and move it away.',
  });
}

const reasons: Record<string, string> = {
  ENOSPC: 'No space, or no inode, is left on its disk.',
  EDQUOT: 'The quota of this user is used up.',
  EFBIG: 'The file would be larger than its filesystem, or the limit of this process, allows.',
  EACCES: 'This user lacks the permission.',
  EPERM: 'This user lacks the permission.',
  EROFS: 'Its filesystem is mounted read-only.',
  EIO: 'The disk reports an error.',
  ENOENT: 'A file or directory of it vanished meanwhile.',
  ENOTDIR: 'A file is where a directory should be.',
  EEXIST: 'Something else has the name of its directory.',
  EISDIR: 'A directory is where a file should be.',
  ELOOP: 'Its path goes through symbolic links in a circle.',
  ENAMETOOLONG: 'Its filesystem cannot hold names of this length.',
  ESTALE: 'Its server was restarted or replaced; it must be mounted again.',
  EXDEV: 'Its directory spans several filesystems.',
  EMFILE: 'This process has too many files open.',
};

/** What an operation failed with, as an operator should read it. */
export function siteError(site: string, message: string, error: unknown): unknown {
  if (isHoldfastError(error)) return error;
  const code = systemCode(error);
  // Without one, or with one of Node's own, it is a mistake in this program.
  if (code === undefined || code.startsWith('ERR_')) return error;
  const why = reasons[code] ?? `The system says ${code}.`;
  if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)) {
    return new HoldfastError('site-full', message, {
      why,
      hint: `Make room at the site "${site}": holdfast prune, a larger disk or quota.`,
      cause: error,
    });
  }
  return new HoldfastError('site-unavailable', message, {
    why,
    hint: `Check the disk of the site "${site}" and its permissions.`,
    cause: error,
  });
}
