import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { type LocalState, writeDurably } from './local-state.ts';

/**
 * When this machine first saw that nothing needs a pack: the ages that sites tell are not trusted, and packs without an
 * index have no other. Losing it only delays their removal.
 */
export class UnneededPacks {
  readonly #path: string;

  constructor(state: LocalState, sourceId: string, site: string) {
    this.#path = join(state.directory, 'unneeded', `${sourceId}-${site}.json`);
  }

  /** Pack → milliseconds since 1970. */
  async read(): Promise<Map<string, number>> {
    try {
      const entries = Object.entries(JSON.parse(await readFile(this.#path, 'utf8')) as Record<string, unknown>);
      return new Map(entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
    } catch (error) {
      if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return new Map();
      throw error;
    }
  }

  async write(since: ReadonlyMap<string, number>): Promise<void> {
    const before = await this.read();
    if (before.size === 0 && since.size === 0) return;
    await writeDurably(this.#path, Buffer.from(`${JSON.stringify(Object.fromEntries(since))}\n`));
  }
}
