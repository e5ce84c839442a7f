import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/**
 * Mounts a file system that is soon full. Only root can; an ordinary account's run fails here and says so, rather than
 * pass without having looked.
 */
export function mountSmallDisk(path: string, megabytes: number): void {
  if (process.getuid?.() !== 0) throw new Error('Run this test as root: it mounts a small file system.');
  mkdirSync(path, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`, 'tmpfs', path]);
}

/** Takes it away again, also while somebody is in it. */
export function unmount(path: string): void {
  execFileSync('umount', ['--lazy', path]);
}
