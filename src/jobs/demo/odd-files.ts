import { chmod, link, lutimes, mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { byteText } from '../../sources/files/byte-text.ts';
import { makeFifoAt, SystemCallError, setAttribute } from '../../sources/files/posix.ts';

/** Files that a backup tends to lose, or to stumble over. */

/** Names by what is odd about them; bytes where they are not UTF-8. */
export const oddNames = {
  emptyDirectory: 'empty directory',
  emptyFile: 'zero-bytes.txt',
  symlink: 'link-to-text',
  danglingSymlink: 'link-to-nowhere',
  directorySymlink: 'link-to-directory',
  hardLink: 'same-inode.txt',
  text: 'text.txt',
  fifo: 'fifo',
  sparse: 'sparse.img',
  setuid: 'setuid-program',
  sticky: 'sticky directory',
  readOnly: 'read-only.txt',
  attributes: 'with-attributes.txt',
  old: 'from-1969.txt',
  future: 'from-2100.txt',
  newline: 'line one\nline two',
  leadingDash: '-rf',
  spaces: '  two spaces  ',
  quotes: `quotes ' " \` $HOME %s \\`,
  unicode: 'naïve – 名前 🎉',
  decomposed: 'e\u0301te\u0301', // Unicode NFD: looks like « été », is another name
  composed: 'été',
  longest: `${'n'.repeat(251)}.txt`,
  invalidUtf8: Buffer.from([0x69, 0x6e, 0x76, 0x61, 0x6c, 0x69, 0x64, 0xff, 0xfe, 0x80]),
  latin1: Buffer.from('caf\xe9.txt', 'latin1'),
} as const;

/** Size of the sparse file; almost nothing of it takes space. */
export const sparseSize = 64 * 1024 * 1024;

/** Bytes and names that text tools cannot pass on. */
export const oddAttributes: Readonly<Record<string, Buffer>> = {
  'user.holdfast.text': Buffer.from('été'),
  'user.holdfast.bytes': Buffer.from([0, 1, 2, 0xff, 0, 10]),
  'user.holdfast.empty': Buffer.alloc(0),
};

/**
 * Makes one file of each odd kind in `directory`, which must exist and be empty.
 *
 * @returns what the file system does not support: `xattr`, or nothing
 */
export async function makeOddFiles(directory: string): Promise<string[]> {
  const at = (name: string) => join(directory, name);
  const text = at(oddNames.text);
  await writeFile(text, 'What others link to.\n');
  await mkdir(at(oddNames.emptyDirectory));
  await mkdir(at(oddNames.sticky));
  await chmod(at(oddNames.sticky), 0o1777);
  await writeFile(at(oddNames.emptyFile), '');
  await symlink(oddNames.text, at(oddNames.symlink));
  await symlink('/nowhere/at all/\u0001', at(oddNames.danglingSymlink));
  await symlink('.', at(oddNames.directorySymlink));
  await link(text, at(oddNames.hardLink));
  await makeFifo(directory, oddNames.fifo);
  await makeSparse(at(oddNames.sparse));
  await writeFile(at(oddNames.setuid), '#!/bin/sh\n');
  await chmod(at(oddNames.setuid), 0o6755);
  for (const name of [oddNames.newline, oddNames.leadingDash, oddNames.spaces, oddNames.quotes, oddNames.unicode]) {
    await writeFile(at(name), `${JSON.stringify(name)}\n`);
  }
  for (const name of [oddNames.decomposed, oddNames.composed, oddNames.longest]) await writeFile(at(name), `${name}\n`);
  for (const name of [oddNames.invalidUtf8, oddNames.latin1]) {
    await writeFile(Buffer.concat([Buffer.from(`${directory}/`), name]), name);
  }
  await writeFile(at(oddNames.old), 'older than the epoch\n');
  // As a Date, since Node takes a negative number for now.
  await lutimes(at(oddNames.old), new Date(-1500), new Date(-1500));
  await writeFile(at(oddNames.future), 'from the future\n');
  await lutimes(at(oddNames.future), 4_102_444_800, 4_102_444_800.25);
  await lutimes(at(oddNames.symlink), 1_000_000_000, 1_000_000_000);
  const unsupported = await makeAttributes(at(oddNames.attributes));
  await writeFile(at(oddNames.readOnly), 'read only\n', { mode: 0o400 });
  return unsupported;
}

async function makeFifo(directory: string, name: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    makeFifoAt(handle.fd, byteText(name), 0o640);
  } finally {
    await handle.close();
  }
}

async function makeAttributes(file: string): Promise<string[]> {
  await writeFile(file, 'see my attributes\n');
  try {
    for (const [name, value] of Object.entries(oddAttributes)) setAttribute(byteText(file), byteText(name), value);
    return [];
  } catch (error) {
    if (error instanceof SystemCallError && ['ENOTSUP', 'EOPNOTSUPP'].includes(error.code)) return ['xattr'];
    throw error;
  }
}

/** Data at the start, in the middle and a hole at the end. */
async function makeSparse(file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.write('start of a disk image', 0);
    await handle.write('something in the middle', sparseSize / 2);
    await handle.truncate(sparseSize);
  } finally {
    await handle.close();
  }
}
