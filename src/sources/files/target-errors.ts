import { HoldfastError, systemCode } from '../../base/errors.ts';

/** An error of writing into a restore's target, as its operator needs it. Errors that are explained already stay. */
export function targetError(error: unknown, what: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const code = systemCode(error);
  const details = {
    ENOSPC: { why: 'The disk is full.', hint: 'Free space, or choose another target, and restore again.' },
    EDQUOT: { why: 'The disk quota is used up.', hint: 'Have it raised, or choose another target, and restore again.' },
    EROFS: { why: 'The file system is read-only.', hint: 'Choose another target.' },
    EACCES: { why: 'Permission is denied.', hint: 'Choose a target that this user may write to.' },
    EPERM: { why: 'This is not permitted.', hint: 'Choose another target, or restore as root.' },
    EFBIG: { why: 'The file is too large for this file system.', hint: 'Choose a target on another file system.' },
    EEXIST: {
      why: 'Something is there already: others write into the target, or its file system takes two names for one.',
      hint: 'Choose a target that nobody else uses, on a file system that tells upper from lower case.',
    },
    EIO: { why: 'The disk reported an error.', hint: 'Look into the system log; choose another target.' },
  }[code ?? ''] ?? { why: `The system says ${code ?? String(error)}.`, hint: 'Choose another target.' };
  return new HoldfastError('target-failed', `Writing ${what} failed.`, { ...details, cause: error });
}
