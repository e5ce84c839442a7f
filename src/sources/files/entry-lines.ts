import type { Accounts } from './accounts.ts';
import type { Attributes } from './attributes.ts';
import { type ByteText, pathText } from './byte-text.ts';
import type { KnownContent } from './cache-record.ts';
import { blockType, mtimeText, typeBits } from './kinds.ts';
import type { EntryLine } from './manifest.ts';
import { type Facts, readLinkAt } from './posix.ts';
import type { WalkedEntry } from './walk.ts';

/** Makes manifest lines of what a walk and the lanes found. */
export class EntryLines {
  readonly #accounts: Accounts;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
  }

  #base(path: ByteText, facts: Facts) {
    const user = this.#accounts.user(facts.uid);
    const group = this.#accounts.group(facts.gid);
    return {
      path: pathText(path),
      mode: facts.mode & 0o7777,
      uid: facts.uid,
      gid: facts.gid,
      ...(user !== undefined && { user }),
      ...(group !== undefined && { group }),
      mtime: mtimeText(facts),
    };
  }

  file(path: ByteText, facts: Facts, { stream, data, xattrs }: KnownContent): EntryLine {
    return {
      kind: 'file',
      ...this.#base(path, facts),
      size: stream?.size ?? 0,
      ...(stream && { stream }),
      ...(data && { data }),
      ...(xattrs && { xattrs }),
    };
  }

  hardLink(path: ByteText, facts: Facts, first: { path: ByteText; size: number }): EntryLine {
    return { kind: 'file', ...this.#base(path, facts), size: first.size, hardLinkOf: pathText(first.path) };
  }

  /**
   * An entry without content: all but regular files.
   *
   * @throws SystemCallError when it is a symlink that vanished
   */
  other(entry: WalkedEntry, xattrs: Attributes | undefined): EntryLine {
    const { kind, facts } = entry;
    const base = { ...this.#base(entry.path, facts), ...(xattrs && { xattrs }) };
    if (kind === 'symlink') return { kind, ...base, target: pathText(readLinkAt(entry.parent, entry.name)) };
    if (kind === 'device') {
      const deviceType = (facts.mode & typeBits) === blockType ? 'block' : 'character';
      return { kind, ...base, deviceType, major: facts.specialMajor, minor: facts.specialMinor };
    }
    if (kind === 'file') throw new TypeError('a regular file has content');
    return { kind, ...base };
  }
}
