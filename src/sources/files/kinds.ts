import type { EntryLine } from './manifest.ts';
import type { Facts } from './posix.ts';

/** Type bits of `Facts.mode`. */
export const typeBits = 0o170000;
export const socketType = 0o140000;
export const blockType = 0o060000;
export const characterType = 0o020000;

export type EntryKind = EntryLine['kind'];

/** What an inode is; undefined for a type that Linux has not got today. */
export function kindOf(facts: Facts): EntryKind | undefined {
  switch (facts.mode & typeBits) {
    case 0o100000:
      return 'file';
    case 0o040000:
      return 'directory';
    case 0o120000:
      return 'symlink';
    case 0o010000:
      return 'fifo';
    case socketType:
      return 'socket';
    case blockType:
    case characterType:
      return 'device';
    default:
      return undefined;
  }
}

/** Which inode it is, among all that exist now on this machine. */
export function inodeKey(facts: Facts): string {
  return `${facts.deviceMajor}:${facts.deviceMinor}:${facts.inodeHigh}:${facts.inodeLow}`;
}

/** Nanoseconds since the epoch, as a manifest holds them. */
export function mtimeText(facts: Facts): string {
  const { mtimeSeconds: seconds, mtimeNanos: nanos } = facts;
  if (seconds > 0) return `${seconds}${String(nanos).padStart(9, '0')}`;
  return String(BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
}

/** Whether a file has not been touched between two looks at it. */
export function sameVersion(a: Facts, b: Facts): boolean {
  return (
    a.size === b.size &&
    a.mtimeSeconds === b.mtimeSeconds &&
    a.mtimeNanos === b.mtimeNanos &&
    a.ctimeSeconds === b.ctimeSeconds &&
    a.ctimeNanos === b.ctimeNanos &&
    a.inodeLow === b.inodeLow &&
    a.inodeHigh === b.inodeHigh &&
    a.deviceMajor === b.deviceMajor &&
    a.deviceMinor === b.deviceMinor
  );
}

/** In words, for shortfalls. */
export function reasonOf(code: string | undefined): string {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ENOENT':
    case 'ENOTDIR':
      return 'it vanished meanwhile';
    case 'ELOOP':
      return 'it was replaced by a symlink meanwhile';
    case 'EIO':
      return 'the disk reported a read error';
    case 'ESTALE':
      return 'the file server no longer knows it';
    default:
      return `reading it failed with ${code ?? 'an unknown error'}`;
  }
}

/** Errors that only say that an entry is gone. */
export function isGone(code: string | undefined): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR';
}
