import { systemCode } from '../../base/errors.ts';
import { writeAttributes } from './attributes.ts';
import type { ByteText } from './byte-text.ts';
import type { EntryLine } from './manifest.ts';
import {
  changeMode,
  changeModeAt,
  changeOwner,
  changeOwnerAt,
  changeTimes,
  changeTimesAt,
  pathInDirectory,
} from './posix.ts';

/** Gives what a restore has made the owner, attributes, mode and time of its entry. */

/** `auto`: as in the snapshot, as far as this user may. `ignore`: whoever restores owns everything. */
export type Owners = 'auto' | 'ignore';

/** What could not be given; the restore goes on. */
export type ApplyProblem =
  | { type: 'owner' }
  /** A setuid or setgid bit was left off, because the owner is not the one it was meant for. */
  | { type: 'privilege' }
  | { type: 'attribute'; name: string; code: string };

interface Holder {
  changeOwner(uid: number, gid: number): void;
  attributes: number | ByteText;
  /** Undefined: it has no mode of its own. */
  changeMode: ((mode: number) => void) | undefined;
  changeTimes(mtime: bigint): void;
}

/** By a descriptor that is open for reading or writing. */
export function applyTo(descriptor: number, line: EntryLine, owners: Owners): ApplyProblem[] {
  return apply(
    {
      changeOwner: (uid, gid) => changeOwner(descriptor, uid, gid),
      attributes: descriptor,
      changeMode: (mode) => changeMode(descriptor, mode),
      changeTimes: (mtime) => changeTimes(descriptor, mtime),
    },
    line,
    owners,
  );
}

/** By name, for what cannot be opened: symlinks, fifos, sockets, devices that this restore has just made. */
export function applyAt(directory: number, name: ByteText, line: EntryLine, owners: Owners): ApplyProblem[] {
  return apply(
    {
      changeOwner: (uid, gid) => changeOwnerAt(directory, name, uid, gid),
      attributes: pathInDirectory(directory, name),
      changeMode: line.kind === 'symlink' ? undefined : (mode) => changeModeAt(directory, name, mode),
      changeTimes: (mtime) => changeTimesAt(directory, name, mtime),
    },
    line,
    owners,
  );
}

const unchanged = 0xffff_ffff;

/** In this order: a change of owner takes setuid bits and capabilities away, a mode may forbid attributes, and all of them touch nothing but the ctime. */
function apply(holder: Holder, line: EntryLine, owners: Owners): ApplyProblem[] {
  const problems: ApplyProblem[] = [];
  const { userSet, groupSet } = setOwner(holder, line, owners);
  if (owners === 'auto' && !(userSet && groupSet)) problems.push({ type: 'owner' });
  if (line.xattrs !== undefined) {
    for (const { name, code } of writeAttributes(holder.attributes, line.xattrs)) {
      problems.push({ type: 'attribute', name, code });
    }
  }
  if (holder.changeMode !== undefined) {
    const mode = line.mode & ~(userSet ? 0 : 0o4000) & ~(groupSet ? 0 : 0o2000);
    if (mode !== line.mode) problems.push({ type: 'privilege' });
    holder.changeMode(mode);
  }
  holder.changeTimes(BigInt(line.mtime));
  return problems;
}

function setOwner(holder: Holder, { uid, gid }: EntryLine, owners: Owners): { userSet: boolean; groupSet: boolean } {
  if (owners === 'ignore') {
    return { userSet: uid === process.geteuid?.(), groupSet: gid === process.getegid?.() };
  }
  const attempt = (user: number, group: number): boolean => {
    try {
      holder.changeOwner(user, group);
      return true;
    } catch (error) {
      // EINVAL: an id that this user namespace does not know.
      const code = systemCode(error);
      if (code === 'EPERM' || code === 'EINVAL' || code === 'ENOTSUP' || code === 'EOPNOTSUPP') return false;
      throw error;
    }
  };
  if (attempt(uid, gid)) return { userSet: true, groupSet: true };
  return { userSet: uid === process.geteuid?.(), groupSet: attempt(unchanged, gid) };
}
