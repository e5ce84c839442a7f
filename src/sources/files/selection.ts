import { HoldfastError } from '../../base/errors.ts';
import { type ByteText, byteText, fromPathText, splitPath, unescapedPath } from './byte-text.ts';
import type { RootLine } from './manifest.ts';

/**
 * The paths somebody asked for, with all that lies under them. A path is given relative to the root, or absolute as on the machine that was
 * backed up; names that are no text are given as `ls` shows them.
 */
export class Selection {
  readonly #asked: { text: string; candidates: ByteText[]; found: boolean }[];
  readonly #wanted = new Map<ByteText, { found: boolean }>();
  readonly #above = new Set<ByteText>();

  constructor(paths: readonly string[]) {
    this.#asked = paths.map((text) => ({ text, candidates: [], found: false }));
  }

  /** To be told first: absolute paths depend on it. */
  setRoot({ path }: RootLine): void {
    const root = fromPathText(path).replace(/\/+$/, '');
    for (const asked of this.#asked) {
      const forms = [byteText(asked.text), unescapedPath(asked.text)].filter((form) => form !== undefined);
      for (const form of forms) {
        const inside = form === root || form.startsWith(`${root}/`) ? form.slice(root.length) : form;
        const path = inside
          .split('/')
          .filter((name) => name !== '' && name !== '.')
          .join('/');
        this.#add(path === '' ? '.' : path, asked);
      }
    }
  }

  #add(path: ByteText, asked: { found: boolean }): void {
    this.#wanted.set(path, asked);
    for (let at = path; at !== '.'; ) {
      at = splitPath(at).directory;
      this.#above.add(at);
    }
  }

  /** Whether an entry was asked for, or lies under one that was. */
  covers(path: ByteText): boolean {
    for (let at = path; ; at = splitPath(at).directory) {
      const asked = this.#wanted.get(at);
      if (asked !== undefined) {
        if (at === path) asked.found = true;
        return true;
      }
      if (at === '.') return false;
    }
  }

  /** Whether something under it was asked for. */
  leadsTo(path: ByteText): boolean {
    return this.#above.has(path);
  }

  /** @throws HoldfastError `not-found` when something that was asked for did not come */
  assertFound(): void {
    const missing = this.#asked.find((asked) => !asked.found);
    if (missing === undefined) return;
    throw new HoldfastError('not-found', `The snapshot holds nothing called ${JSON.stringify(missing.text)}.`, {
      hint: 'List it with `holdfast ls`; paths are relative to the directory that was backed up.',
    });
  }
}
