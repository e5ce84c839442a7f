import { type ByteText, splitPath } from './byte-text.ts';
import { closeDescriptor, openAt, openFlags } from './posix.ts';

/**
 * The open directories from a root down to where work goes on. Each is opened in the one above it and never through a
 * symlink, so that nothing outside the root is reached whatever others rename meanwhile. Paths in walk order
 * reuse most of it.
 */
export class Trail {
  readonly #root: number;
  readonly #names: ByteText[] = [];
  readonly #descriptors: number[] = [];
  #path: ByteText = '.';

  /** @param root descriptor of a directory; stays the caller's */
  constructor(root: number) {
    this.#root = root;
  }

  /**
   * A descriptor of the directory, to look names up in; valid until the next call.
   *
   * @param path relative to the root, which itself is `.`
   * @throws SystemCallError `ENOENT`, `ENOTDIR` (also for a symlink), `EACCES`, …
   */
  directory(path: ByteText): number {
    if (path !== this.#path) this.#go(path);
    return this.#descriptors.at(-1) ?? this.#root;
  }

  /** The directory an entry lies in, and the entry's name there. */
  parentOf(path: ByteText): { directory: number; name: ByteText } {
    const { directory, name } = splitPath(path);
    return { directory: this.directory(directory), name };
  }

  #go(path: ByteText): void {
    const wanted = path === '.' ? [] : path.split('/');
    let shared = 0;
    while (shared < wanted.length && wanted[shared] === this.#names[shared]) shared++;
    this.#shorten(shared);
    this.#path = shared === 0 ? '.' : wanted.slice(0, shared).join('/');
    for (const name of wanted.slice(shared)) {
      const above = this.#descriptors.at(-1) ?? this.#root;
      this.#descriptors.push(openAt(above, name, openFlags.directoryPath));
      this.#names.push(name);
      this.#path = this.#path === '.' ? name : `${this.#path}/${name}`;
    }
  }

  #shorten(length: number): void {
    this.#names.length = Math.min(this.#names.length, length);
    while (this.#descriptors.length > length) closeDescriptor(this.#descriptors.pop()!);
  }

  [Symbol.dispose](): void {
    this.#shorten(0);
    this.#path = '.';
  }
}
