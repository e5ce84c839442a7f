import { readdirSync } from 'node:fs';
import { systemCode } from '../../base/errors.ts';
import { type ByteText, joined } from './byte-text.ts';
import { type EntryKind, isGone, kindOf } from './kinds.ts';
import { closeDescriptor, type Facts, factsAt, factsOf, openAt, openFlags } from './posix.ts';

/** What a walk comes upon. Descriptors are valid until the walk goes on. */
export type Walked = WalkedEntry | WalkProblem;

export interface WalkedEntry {
  type: 'entry';
  /** Relative to the root, which itself is `.`. */
  path: ByteText;
  name: ByteText;
  kind: EntryKind;
  facts: Facts;
  /** Descriptor of the directory it lies in; of the root, its own. */
  parent: number;
  /** Of directories that can be read: its own descriptor. */
  descriptor?: number;
}

/** Something that could not be looked at. A directory whose content cannot be listed is an entry, then a problem. */
export interface WalkProblem {
  type: 'problem';
  path: ByteText;
  what: 'entry' | 'listing' | 'type';
  code: string | undefined;
}

export interface WalkChoices {
  /** Leaves an entry out, with all it holds. */
  excluded?(path: ByteText, isDirectory: boolean): boolean;
  /** Does not descend into other file systems; the directory they are mounted on is still an entry. */
  oneFileSystem?: boolean;
}

interface Level {
  path: ByteText;
  descriptor: number;
  /** In byte order. */
  names: ByteText[];
  next: number;
}

/**
 * Walks a tree: every directory before what it holds, names in byte order. Follows no symlink, and holds one descriptor per level.
 *
 * @param root descriptor of the tree's directory; stays the caller's
 */
export function* walk(root: number, choices: WalkChoices = {}): Generator<Walked, void, undefined> {
  const rootFacts = factsOf(root);
  yield {
    type: 'entry',
    path: '.',
    name: '.',
    kind: 'directory',
    facts: rootFacts,
    parent: root,
    descriptor: root,
  };
  const levels: Level[] = [];
  try {
    const first = listing(root, '.');
    if ('type' in first) {
      yield first;
      return;
    }
    levels.push(first);
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const name = level.names[level.next++];
      if (name === undefined) {
        levels.pop();
        if (level.descriptor !== root) closeDescriptor(level.descriptor);
        continue;
      }
      const path = joined(level.path, name);
      let facts: Facts;
      try {
        facts = factsAt(level.descriptor, name);
      } catch (error) {
        // An excluded name is nobody's concern, even where it cannot be looked at.
        if (choices.excluded?.(path, false) !== true) {
          yield { type: 'problem', path, what: 'entry', code: systemCode(error) };
        }
        continue;
      }
      const kind = kindOf(facts);
      if (choices.excluded?.(path, kind === 'directory') === true) continue;
      if (kind === undefined) {
        yield { type: 'problem', path, what: 'type', code: undefined };
        continue;
      }
      if (kind !== 'directory') {
        yield { type: 'entry', path, name, kind, facts, parent: level.descriptor };
        continue;
      }
      yield* enter(levels, level.descriptor, { path, name, facts, rootFacts }, choices.oneFileSystem === true);
    }
  } finally {
    for (const { descriptor } of levels) if (descriptor !== root) closeDescriptor(descriptor);
  }
}

/** Yields a directory, and puts its listing on top of `levels` unless it cannot or shall not be listed. */
function* enter(
  levels: Level[],
  parent: number,
  found: { path: ByteText; name: ByteText; facts: Facts; rootFacts: Facts },
  oneFileSystem: boolean,
): Generator<Walked, void, undefined> {
  const { path, name, facts, rootFacts } = found;
  let descriptor: number;
  try {
    descriptor = openAt(parent, name, openFlags.directory);
  } catch (error) {
    const code = systemCode(error);
    if (isGone(code) || code === 'ELOOP') {
      yield { type: 'problem', path, what: 'entry', code };
      return;
    }
    yield { type: 'entry', path, name, kind: 'directory', facts, parent };
    yield { type: 'problem', path, what: 'listing', code };
    return;
  }
  let kept = false;
  try {
    // Of what was opened: another directory may have taken the name since.
    const opened = factsOf(descriptor);
    yield { type: 'entry', path, name, kind: 'directory', facts: opened, parent, descriptor };
    const elsewhere = opened.deviceMajor !== rootFacts.deviceMajor || opened.deviceMinor !== rootFacts.deviceMinor;
    if (oneFileSystem && elsewhere) return;
    const level = listing(descriptor, path);
    if ('type' in level) {
      yield level;
      return;
    }
    levels.push(level);
    kept = true;
  } finally {
    if (!kept) closeDescriptor(descriptor);
  }
}

function listing(descriptor: number, path: ByteText): Level | WalkProblem {
  try {
    // Listed by descriptor; the default order of one-byte strings is byte order.
    const names = readdirSync(`/proc/self/fd/${descriptor}`, 'latin1').sort();
    return { path, descriptor, names, next: 0 };
  } catch (error) {
    return { type: 'problem', path, what: 'listing', code: systemCode(error) };
  }
}
