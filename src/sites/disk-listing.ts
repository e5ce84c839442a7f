import { lstat, opendir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from './disk-errors.ts';
import { isObjectName } from './names.ts';
import type { ListedObject } from './site.ts';

/** Sizes asked for at the same time. */
const batch = 256;

/** Size of a regular file in bytes; undefined when there is none of that name. Symbolic links are not followed. */
export async function fileSize(path: string): Promise<number | undefined> {
  try {
    const found = await lstat(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Names of the directories in a directory; none when it is missing. Symbolic links are passed over. */
export async function subdirectories(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return [...new Set(entries.filter((entry) => entry.isDirectory()).map(({ name }) => name))];
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * The objects in a directory and those below it, each once. What has no object's name, or is neither a file nor a
 * directory, is passed over.
 *
 * @param root the site's directory, absolute
 * @param directory relative to it, no symbolic link; '' is the root
 */
export async function* listDirectory(root: string, directory: string): AsyncIterable<ListedObject> {
  const prefix = directory === '' ? '' : `${directory}/`;
  const below: string[] = [];
  let files: string[] = [];
  // An object that is replaced during the listing can come up in the directory twice.
  const seen = new Set<string>();
  const sizes = async () => {
    const objects = await Promise.all(files.map(async (name) => ({ name, size: await fileSize(join(root, name)) })));
    files = [];
    return objects.filter((object): object is ListedObject => object.size !== undefined);
  };
  const entries = await opendir(join(root, directory), { bufferSize: batch }).catch((error) => {
    if (isMissing(error)) return [];
    throw error;
  });
  for await (const entry of entries) {
    const name = prefix + entry.name;
    if (seen.has(name) || !isObjectName(name)) continue;
    seen.add(name);
    if (entry.isDirectory()) below.push(name);
    else if (entry.isFile()) files.push(name);
    if (files.length === batch) yield* await sizes();
  }
  yield* await sizes();
  seen.clear();
  for (const name of below) yield* listDirectory(root, name);
}
