import { constants } from 'node:fs';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import type { ByteText } from '../../sources/files/byte-text.ts';
import {
  changeMode,
  changeTimes,
  closeDescriptor,
  makeDirectoryAt,
  openAt,
  openFlags,
} from '../../sources/files/posix.ts';

/** A directory of the source that a directory of the copy stands for. */
export interface SourceDirectory {
  /** Relative to the tree; `.` is the tree itself. */
  path: ByteText;
  /** Permission bits. */
  mode: number;
  /** Nanoseconds since the epoch. */
  mtime: bigint;
}

interface Level {
  path: ByteText;
  descriptor: number;
}

/**
 * Writes a tree below an open directory, which nobody else may write to. Every step goes relative to an open directory: paths may be
 * longer than the system takes at once, and nothing that is made is overwritten.
 */
export class TreeWriter implements Disposable {
  readonly #root: number;
  /** Open directories, from the root to where the last file went. */
  #open: Level[] = [];
  readonly #made = new Map<ByteText, SourceDirectory>();

  /** @param root descriptor of an empty directory; stays the caller's */
  constructor(root: number) {
    this.#root = root;
  }

  /** Directories made so far, without the root. */
  get directories(): number {
    return this.#made.size;
  }

  /**
   * Makes a file that is open for writing.
   *
   * @param segments its path
   * @param sources the directories on the way, in the same order
   * @param rule for messages
   * @throws HoldfastError `config` when the name is taken, or a directory would stand for two
   */
  create(segments: readonly ByteText[], sources: readonly SourceDirectory[], rule: string): number {
    const parent = this.#enter(segments.slice(0, -1), (depth) => sources[depth]!, rule);
    try {
      return openAt(parent, segments.at(-1)!, openFlags.create, 0o600);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      throw twoForOne('files', rule);
    }
  }

  #enter(segments: readonly ByteText[], sourceOf: (depth: number) => SourceDirectory, rule: string): number {
    let path = '';
    for (const [depth, name] of segments.entries()) {
      path = depth === 0 ? name : `${path}/${name}`;
      const source = sourceOf(depth);
      const stoodFor = this.#made.get(path);
      if (stoodFor !== undefined && stoodFor.path !== source.path) throw twoForOne('directories', rule);
      const level = this.#open[depth];
      if (level?.path === path) continue;
      this.#leave(depth);
      const parent = depth === 0 ? this.#root : this.#open[depth - 1]!.descriptor;
      if (stoodFor === undefined) {
        try {
          makeDirectoryAt(parent, name, 0o700);
        } catch (error) {
          if (systemCode(error) !== 'EEXIST') throw error;
          throw twoForOne('entries', rule);
        }
        this.#made.set(path, source);
      }
      this.#open.push({ path, descriptor: openAt(parent, name, openFlags.directory) });
    }
    this.#leave(segments.length);
    return this.#open.at(-1)?.descriptor ?? this.#root;
  }

  #leave(depth: number): void {
    for (const { descriptor } of this.#open.splice(depth)) closeDescriptor(descriptor);
  }

  /** Gives the directories their modes and times: what lies in others first. */
  finish(): void {
    const made = [...this.#made];
    for (const [path, { mode, mtime }] of made.reverse()) {
      const descriptor = this.#enter(path.split('/'), (depth) => this.#sourceOf(path, depth), '');
      changeTimes(descriptor, mtime);
      changeMode(descriptor, mode);
    }
    this.#leave(0);
  }

  #sourceOf(path: ByteText, depth: number): SourceDirectory {
    return this.#made.get(
      path
        .split('/')
        .slice(0, depth + 1)
        .join('/'),
    )!;
  }

  [Symbol.dispose](): void {
    this.#leave(0);
  }
}

/** Permission bits without setuid, setgid and the sticky bit: they are for the machine of production. */
export function plainMode(mode: number): number {
  return mode & (constants.S_IRWXU | constants.S_IRWXG | constants.S_IRWXO);
}

function twoForOne(what: string, rule: string): HoldfastError {
  return new HoldfastError('config', `Two ${what} of the tree would get one name in the copy.`, {
    why: `The names come from the file ${rule}, whose parts do not keep them apart, or from it and another rule.`,
    hint: 'Use kinds that are bijective, such as `id` or `code`, or `*` in the path.',
  });
}
