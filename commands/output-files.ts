/** Files that a command leaves beside what it prints: reports for people and pipelines. */
import { HoldfastError, systemCode } from '../src/base/errors.ts';

/**
 * @param kind the flag that names it, without its dashes
 * @throws HoldfastError `usage` when its directory is missing, `failed` when it cannot be written to
 */
export async function assertWritable(kind: string, path: string): Promise<void> {
  const [{ access, constants, stat }, { dirname }] = await Promise.all([
    import('node:fs/promises'),
    import('node:path'),
  ]);
  const directory = dirname(path);
  try {
    if (!(await stat(directory)).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    const found = await stat(path).catch((error) =>
      systemCode(error) === 'ENOENT' ? undefined : Promise.reject(error),
    );
    if (found?.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EISDIR') throw new HoldfastError('usage', `--${kind} names a directory: ${path}`);
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    throw new HoldfastError(missing ? 'usage' : 'failed', `${path} cannot be written.`, {
      why: missing ? `There is no directory ${directory}.` : `The system says ${code}.`,
      hint: missing ? 'Make it first. Nothing was done.' : 'Nothing was done.',
      cause: error,
    });
  }
}

/** A reader, also after a crash, sees the old file or the new one. It may name tables: private unless it was there already. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const [{ open, rename, stat, unlink }, { randomBytes }] = await Promise.all([
    import('node:fs/promises'),
    import('node:crypto'),
  ]);
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const mode = await stat(path).then(
      (found) => found.mode & 0o777,
      () => 0o600,
    );
    {
      await using file = await open(temporary, 'wx', mode);
      await file.writeFile(text);
      await file.chmod(mode);
      await file.sync();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw new HoldfastError('failed', `${path} could not be written.`, {
      why: `The system says ${systemCode(error) ?? 'nothing more'}.`,
      hint: 'The work itself is done.',
      cause: error,
    });
  }
}
