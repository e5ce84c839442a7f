import { constants } from 'node:fs';
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import { HoldfastError } from '../../base/errors.ts';
import type { ByteText } from './byte-text.ts';

/**
 * System calls that Node lacks: everything relative to an open directory (so that no path is resolved twice, nor through
 * a symlink), extended attributes, holes, nanosecond times of symlinks, special files. Linux, 64 bit, little-endian.
 * They are synchronous: at a microsecond each, a thread pool would cost more than it gives.
 *
 * All throw `SystemCallError` with the `code` that Node uses (`ENOENT`, …).
 */

export class SystemCallError extends Error {
  readonly code: string;
  readonly call: string;

  constructor(call: string, errno: number) {
    const code = getSystemErrorName(-errno);
    super(`${call}: ${code}`);
    this.name = 'SystemCallError';
    this.code = code;
    this.call = call;
  }
}

/** What a file system knows of an inode. 64-bit numbers that may exceed 2^53 come in halves. */
export interface Facts {
  /** Type and permission bits. */
  mode: number;
  links: number;
  uid: number;
  gid: number;
  /** Bytes. */
  size: number;
  /** Units of 512 bytes that are allocated. */
  blocks: number;
  inodeLow: number;
  inodeHigh: number;
  deviceMajor: number;
  deviceMinor: number;
  /** Of device files: what they stand for. */
  specialMajor: number;
  specialMinor: number;
  /** Seconds since the epoch, and nanoseconds of that second. */
  mtimeSeconds: number;
  mtimeNanos: number;
  ctimeSeconds: number;
  ctimeNanos: number;
}

/** Close-on-exec; Node does not name it. The same number on every platform koffi is built for on Linux. */
const closeOnExec = 0o2000000;
const pathOnly = 0o10000000;

export const openFlags = {
  /** To look things up in, without the right to read it. */
  directoryPath: pathOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW | closeOnExec,
  directory: constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | closeOnExec,
  /** To read; never waits for a fifo's writer, never becomes a controlling terminal. */
  read: constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY | closeOnExec,
  /** To be ORed to `read`; only the owner may. */
  noAccessTime: constants.O_NOATIME,
  create: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | closeOnExec,
} as const;

type Call = (...args: unknown[]) => number;

interface Library {
  errno(): number;
  /** A function of the C library by its C declaration; undefined when this C library lacks it. */
  find(declaration: string): Call | undefined;
}

let library: Library | undefined;

function theLibrary(): Library {
  if (library !== undefined) return library;
  try {
    // Lazily, and by require: it is a native module, and must not slow down a command that does not need it.
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const symbols = koffi.load(null);
    library = {
      errno: () => koffi.errno(),
      find: (declaration) => {
        try {
          return symbols.func(declaration) as unknown as Call;
        } catch {
          return undefined;
        }
      },
    };
    return library;
  } catch (cause) {
    throw new HoldfastError('tool-missing', 'File trees cannot be read or written on this machine.', {
      why: 'The native module koffi does not load here.',
      hint: 'Use Linux on x64 or arm64, and install Holdfast with its optional dependencies.',
      cause,
    });
  }
}

/** A call that is looked up when it is first made, and throws when it returns a negative number. */
function systemCall(name: string, parameters: string, result = 'int'): Call {
  let call: Call | undefined;
  return (...args) => {
    if (call === undefined) {
      call = theLibrary().find(`${result} ${name}(${parameters})`);
      if (call === undefined) throw new HoldfastError('tool-missing', `The C library of this machine lacks ${name}.`);
    }
    const value = call(...args);
    if (value < 0) throw new SystemCallError(name, theLibrary().errno());
    return value;
  };
}

const text = 'const uint8_t *';
const calls = {
  openat: systemCall('openat', `int, ${text}, int, unsigned int`),
  close: systemCall('close', 'int'),
  statx: systemCall('statx', `int, ${text}, int, unsigned int, uint8_t *`),
  readlinkat: systemCall('readlinkat', `int, ${text}, uint8_t *, size_t`, 'intptr_t'),
  lseek: systemCall('lseek', 'int, int64_t, int', 'int64_t'),
  flistxattr: systemCall('flistxattr', 'int, uint8_t *, size_t', 'intptr_t'),
  llistxattr: systemCall('llistxattr', `${text}, uint8_t *, size_t`, 'intptr_t'),
  fgetxattr: systemCall('fgetxattr', `int, ${text}, uint8_t *, size_t`, 'intptr_t'),
  lgetxattr: systemCall('lgetxattr', `${text}, ${text}, uint8_t *, size_t`, 'intptr_t'),
  fsetxattr: systemCall('fsetxattr', `int, ${text}, ${text}, size_t, int`),
  lsetxattr: systemCall('lsetxattr', `${text}, ${text}, ${text}, size_t, int`),
  fremovexattr: systemCall('fremovexattr', `int, ${text}`),
  mkdirat: systemCall('mkdirat', `int, ${text}, unsigned int`),
  symlinkat: systemCall('symlinkat', `${text}, int, ${text}`),
  linkat: systemCall('linkat', `int, ${text}, int, ${text}, int`),
  unlinkat: systemCall('unlinkat', `int, ${text}, int`),
  renameat2: systemCall('renameat2', `int, ${text}, int, ${text}, unsigned int`),
  mkfifoat: systemCall('mkfifoat', `int, ${text}, unsigned int`),
  fchownat: systemCall('fchownat', `int, ${text}, unsigned int, unsigned int, int`),
  utimensat: systemCall('utimensat', `int, ${text}, const int64_t *, int`),
  fchown: systemCall('fchown', 'int, unsigned int, unsigned int'),
  fchmod: systemCall('fchmod', 'int, unsigned int'),
  fchmodat: systemCall('fchmodat', `int, ${text}, unsigned int, int`),
  futimens: systemCall('futimens', 'int, const int64_t *'),
  ftruncate: systemCall('ftruncate', 'int, int64_t'),
  pipe2: systemCall('pipe2', 'int32_t *, int'),
  fcntl: systemCall('fcntl', 'int, int, int'),
};

const noFollow = 0x100;
const emptyPath = 0x1000;
const noAutomount = 0x800;
const basicStats = 0x7ff;
const removeDirectory = 0x200;
const setPipeSize = 1031;

/** Zero-terminated copies of names; a call takes two at most. */
const scratch = [Buffer.allocUnsafeSlow(8192), Buffer.allocUnsafeSlow(8192)] as const;

function zeroTerminated(bytes: ByteText, which: 0 | 1 = 0): Buffer {
  // A name with a NUL would silently become another name.
  if (bytes.includes('\0')) throw new SystemCallError('name', 22);
  const room = bytes.length < scratch[which].length ? scratch[which] : Buffer.allocUnsafeSlow(bytes.length + 1);
  room.write(bytes, 0, 'latin1');
  room[bytes.length] = 0;
  return room;
}

/** Opens `name` in the open directory `directory`. Flags from `openFlags`. */
export function openAt(directory: number, name: ByteText, flags: number, mode = 0): number {
  return calls.openat(directory, zeroTerminated(name), flags, mode);
}

export function closeDescriptor(descriptor: number): void {
  calls.close(descriptor);
}

const statxRoom = Buffer.allocUnsafeSlow(256);

/** Facts on `name` in a directory, a symlink itself rather than what it points to. */
export function factsAt(directory: number, name: ByteText): Facts {
  calls.statx(directory, zeroTerminated(name), noFollow | noAutomount, basicStats, statxRoom);
  return parseStatx();
}

export function factsOf(descriptor: number): Facts {
  calls.statx(descriptor, zeroTerminated(''), emptyPath, basicStats, statxRoom);
  return parseStatx();
}

/** Offsets of `struct statx`, which is the same on every architecture. */
function parseStatx(): Facts {
  const bytes = statxRoom;
  return {
    mode: bytes.readUInt16LE(28),
    links: bytes.readUInt32LE(16),
    uid: bytes.readUInt32LE(20),
    gid: bytes.readUInt32LE(24),
    size: bytes.readUInt32LE(40) + bytes.readUInt32LE(44) * 2 ** 32,
    blocks: bytes.readUInt32LE(48) + bytes.readUInt32LE(52) * 2 ** 32,
    inodeLow: bytes.readUInt32LE(32),
    inodeHigh: bytes.readUInt32LE(36),
    deviceMajor: bytes.readUInt32LE(136),
    deviceMinor: bytes.readUInt32LE(140),
    specialMajor: bytes.readUInt32LE(128),
    specialMinor: bytes.readUInt32LE(132),
    mtimeSeconds: bytes.readUInt32LE(112) + bytes.readInt32LE(116) * 2 ** 32,
    mtimeNanos: bytes.readUInt32LE(120),
    ctimeSeconds: bytes.readUInt32LE(96) + bytes.readInt32LE(100) * 2 ** 32,
    ctimeNanos: bytes.readUInt32LE(104),
  };
}

const linkRoom = Buffer.allocUnsafeSlow(65_536);

export function readLinkAt(directory: number, name: ByteText): ByteText {
  return linkRoom.toString('latin1', 0, calls.readlinkat(directory, zeroTerminated(name), linkRoom, linkRoom.length));
}

/** Where data begins at or after `offset`; undefined when only a hole follows. */
export function seekData(descriptor: number, offset: number): number | undefined {
  try {
    return calls.lseek(descriptor, offset, 3);
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'ENXIO') return undefined;
    throw error;
  }
}

/** Where the next hole begins at or after `offset`, which lies in data; the end of the file counts as one. */
export function seekHole(descriptor: number, offset: number): number {
  return calls.lseek(descriptor, offset, 4);
}

/** Something to read or set attributes of: a descriptor, or a path for what cannot be opened. */
export type AttributeHolder = number | ByteText;

/** The path of `name` in an open directory; only its last component could be a symlink, and `l…` calls do not follow it. */
export function pathInDirectory(directory: number, name: ByteText): ByteText {
  return `/proc/self/fd/${directory}/${name}`;
}

/** Names of the extended attributes, zero-separated, put into `room`; their length in bytes. */
export function listAttributes(holder: AttributeHolder, room: Buffer): number {
  return typeof holder === 'number'
    ? calls.flistxattr(holder, room, room.length)
    : calls.llistxattr(zeroTerminated(holder), room, room.length);
}

export function getAttribute(holder: AttributeHolder, name: ByteText, room: Buffer): number {
  return typeof holder === 'number'
    ? calls.fgetxattr(holder, zeroTerminated(name), room, room.length)
    : calls.lgetxattr(zeroTerminated(holder), zeroTerminated(name, 1), room, room.length);
}

export function setAttribute(holder: AttributeHolder, name: ByteText, value: Buffer): void {
  if (typeof holder === 'number') calls.fsetxattr(holder, zeroTerminated(name), value, value.length, 0);
  else calls.lsetxattr(zeroTerminated(holder), zeroTerminated(name, 1), value, value.length, 0);
}

export function removeAttribute(descriptor: number, name: ByteText): void {
  calls.fremovexattr(descriptor, zeroTerminated(name));
}

export function makeDirectoryAt(directory: number, name: ByteText, mode: number): void {
  calls.mkdirat(directory, zeroTerminated(name), mode);
}

export function makeSymlinkAt(directory: number, name: ByteText, target: ByteText): void {
  calls.symlinkat(zeroTerminated(target, 1), directory, zeroTerminated(name));
}

export function makeLinkAt(directory: number, name: ByteText, targetDirectory: number, target: ByteText): void {
  calls.linkat(targetDirectory, zeroTerminated(target, 1), directory, zeroTerminated(name), 0);
}

export function makeFifoAt(directory: number, name: ByteText, mode: number): void {
  calls.mkfifoat(directory, zeroTerminated(name), mode);
}

/** A device or a socket; `mode` with its type bits. */
export function makeNodeAt(directory: number, name: ByteText, mode: number, major: number, minor: number): void {
  const device =
    (BigInt(major & 0xfff) << 8n) | BigInt(minor & 0xff) | (BigInt(minor >>> 8) << 20n) | (BigInt(major >>> 12) << 44n);
  const plain = theLibrary().find(`int mknodat(int, ${text}, unsigned int, uint64_t)`);
  // C libraries older than glibc 2.33 have it under this name only.
  const older = plain ?? theLibrary().find(`int __xmknodat(int, int, ${text}, unsigned int, const uint64_t *)`);
  if (older === undefined) throw new HoldfastError('tool-missing', 'The C library of this machine lacks mknodat.');
  const result =
    plain !== undefined
      ? plain(directory, zeroTerminated(name), mode, device)
      : older(0, directory, zeroTerminated(name), mode, new BigUint64Array([device]));
  if (result < 0) throw new SystemCallError('mknodat', theLibrary().errno());
}

/**
 * Each of two names of one directory's file system gets what the other had, at once: at every moment both are there.
 *
 * @throws SystemCallError, `EINVAL` where the file system cannot; HoldfastError `tool-missing`
 */
export function exchangeAt(directory: number, name: ByteText, otherDirectory: number, other: ByteText): void {
  // RENAME_EXCHANGE of linux/fs.h
  calls.renameat2(directory, zeroTerminated(name), otherDirectory, zeroTerminated(other, 1), 2);
}

export function removeAt(directory: number, name: ByteText, kind: 'directory' | 'other'): void {
  calls.unlinkat(directory, zeroTerminated(name), kind === 'directory' ? removeDirectory : 0);
}

/** Of `name` itself, never of what it points to. */
export function changeOwnerAt(directory: number, name: ByteText, uid: number, gid: number): void {
  calls.fchownat(directory, zeroTerminated(name), uid, gid, noFollow);
}

export function changeOwner(descriptor: number, uid: number, gid: number): void {
  calls.fchown(descriptor, uid, gid);
}

export function changeMode(descriptor: number, mode: number): void {
  calls.fchmod(descriptor, mode);
}

/** Follows a symlink: only for what is known not to be one. */
export function changeModeAt(directory: number, name: ByteText, mode: number): void {
  calls.fchmodat(directory, zeroTerminated(name), mode, 0);
}

/** The access time is left alone. */
function times(mtime: bigint): BigInt64Array {
  const omit = (1n << 30n) - 2n;
  const nanos = ((mtime % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return new BigInt64Array([0n, omit, (mtime - nanos) / 1_000_000_000n, nanos]);
}

/** @param mtime nanoseconds since the epoch */
export function changeTimes(descriptor: number, mtime: bigint): void {
  calls.futimens(descriptor, times(mtime));
}

/** @param mtime nanoseconds since the epoch */
export function changeTimesAt(directory: number, name: ByteText, mtime: bigint): void {
  calls.utimensat(directory, zeroTerminated(name), times(mtime), noFollow);
}

export function truncateTo(descriptor: number, size: number): void {
  calls.ftruncate(descriptor, size);
}

/**
 * A pipe for a child process to write into. The thread that reads from it need not be the one that starts the child.
 *
 * @param size bytes it should hold; less where the system does not allow so much
 */
export function makePipe(size: number): { read: number; write: number } {
  const ends = new Int32Array(2);
  calls.pipe2(ends, closeOnExec);
  const [read, write] = ends as unknown as [number, number];
  try {
    calls.fcntl(write, setPipeSize, size);
  } catch {
    // It works with the usual 64 KiB as well.
  }
  return { read, write };
}

/**
 * Writes everything of a file system to its disk. Off the main thread: it can take as long as the disk needs for all that was
 * written lately.
 */
export async function syncFileSystem(descriptor: number): Promise<void> {
  const call = theLibrary().find('int syncfs(int)') as (Call & { async(...args: unknown[]): void }) | undefined;
  if (call === undefined) throw new HoldfastError('tool-missing', 'The C library of this machine lacks syncfs.');
  await new Promise<void>((resolve, reject) => {
    call.async(descriptor, (error: unknown, value: number) => {
      if (error) reject(error as Error);
      else if (value < 0) reject(new SystemCallError('syncfs', theLibrary().errno()));
      else resolve();
    });
  });
}
