import { isObjectName } from '../names.ts';
import type { ListedObject } from '../site.ts';
import type { Directories } from './directories.ts';
import { isDirectory, isFile, look } from './directories.ts';
import { isMissing } from './errors.ts';
import type { SftpSession } from './session.ts';

/** Directories read at the same time. */
const atOnce = 16;

/**
 * The objects in a directory and those below it, each once. What has no object's name, or is neither a file nor a
 * directory, is passed over.
 *
 * @param attempt runs one request, again where that helps
 * @param start relative to the site's directory; '' is that
 */
export async function* listTree(
  attempt: <T>(work: (session: SftpSession) => Promise<T>) => Promise<T>,
  directories: Directories,
  start: string,
): AsyncIterable<ListedObject> {
  const waiting = [start];
  while (waiting.length > 0) {
    const read = await Promise.all(
      waiting.splice(-atOnce).map((directory) => attempt((session) => entries(session, directories, directory))),
    );
    for (const { files, below } of read) {
      waiting.push(...below);
      yield* files;
    }
  }
}

/** One directory: its objects, and the directories in it by their whole names. */
export async function entries(
  session: SftpSession,
  directories: Directories,
  directory: string,
): Promise<{ files: ListedObject[]; below: string[] }> {
  const path = directories.absolute(directory);
  const prefix = directory === '' ? '' : `${directory}/`;
  // An object that is replaced meanwhile can come up twice.
  const files = new Map<string, ListedObject>();
  const below = new Set<string>();
  const found = await session.readdir(path).catch((error) => {
    if (isMissing(error)) return [];
    throw error;
  });
  for (const { filename, attrs } of found) {
    const name = prefix + filename;
    if (!isObjectName(name)) continue;
    // OpenSSH tells the type with each name; other servers may not.
    const known = attrs.mode === undefined ? await look(session, directories.absolute(name)) : attrs;
    if (!known) continue;
    if (isDirectory(known)) below.add(name);
    else if (isFile(known)) files.set(name, { name, size: known.size });
  }
  return { files: [...files.values()], below: [...below] };
}
