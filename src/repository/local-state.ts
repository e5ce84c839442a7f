import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError, systemCode } from '../base/errors.ts';

/** What this machine remembers of a source, so that a site cannot serve it yesterday's truth. */
export interface SourceMemory {
  /** SHA-256 of the first generation's entry in source.json, as first seen. */
  pin?: string;
  /** Generations seen. */
  generations?: number;
  /** Acts of owners seen, and SHA-256 of the record of the last one. */
  revision?: number;
  record?: string;
  /** The newest snapshot seen or made, and by which host. */
  newest?: { sequence: number; snapshot: string; time: string; signer?: string };
}

/** Reads and writes one small JSON file per source in the state directory. */
export class LocalState {
  readonly directory: string;

  /** @param stateDirectory private directory of this machine; made when missing */
  constructor(stateDirectory: string, repositoryId: string) {
    this.directory = join(stateDirectory, repositoryId);
  }

  async read(sourceId: string): Promise<SourceMemory> {
    const path = this.#path(sourceId);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return {};
      throw unusable(path, error);
    }
    try {
      return JSON.parse(text);
    } catch (error) {
      throw unusable(path, error);
    }
  }

  /** Survives a power cut; a reader sees the old or the new. */
  async write(sourceId: string, memory: SourceMemory): Promise<void> {
    await writeDurably(this.#path(sourceId), Buffer.from(`${JSON.stringify(memory)}\n`));
  }

  /** Directory for caches of a source; exists afterwards. */
  async cacheDirectory(sourceId: string): Promise<string> {
    const path = join(this.directory, 'cache', sourceId);
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw unusable(path, error);
    }
    return path;
  }

  #path(sourceId: string): string {
    return join(this.directory, `${sourceId}.json`);
  }
}

/** Replaces a private file: a reader, also after a crash, sees the old content or the new. */
export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const directory = dirname(path);
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const handle = await open(directory, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw unusable(path, error);
  }
}

function unusable(path: string, cause: unknown): HoldfastError {
  return new HoldfastError('failed', `${path} cannot be used.`, {
    why: systemCode(cause) ? `The system says ${systemCode(cause)}.` : 'It is damaged.',
    hint: 'Check the state directory, its permissions and its disk. A damaged file may be removed: then the next run trusts what the site shows.',
    cause,
  });
}
