import { HoldfastError } from '../../base/errors.ts';
import type { ManifestLine } from '../source.ts';
import { type ByteText, fromPathText, shownPath, splitPath, walkKey } from './byte-text.ts';
import type { EntryLine, PathText, RootLine } from './manifest.ts';
import { markerName } from './marker.ts';

/**
 * Reads the entries of a manifest, and refuses one that no walk could have written. A signature says who wrote a manifest, not that
 * it means well: nothing in it may lead out of the target, nor through a symlink.
 */

export interface Entry {
  /** Relative to the root, which itself is `.`. */
  path: ByteText;
  line: EntryLine;
}

/** The kernel's limit for one name, in bytes. */
const longestName = 255;
const largestId = 0xffff_fffe;

/**
 * The entries, in walk order: the root itself first, each one after the directory it lies in, none twice.
 *
 * @throws HoldfastError `object-damaged` at the first line that breaks this, or that holds an impossible value
 */
export async function* entriesOf(
  lines: AsyncIterable<ManifestLine>,
  atRoot?: (line: RootLine) => void,
): AsyncGenerator<Entry, void, undefined> {
  /** The directories that the current entry could lie in. */
  const open: ByteText[] = [];
  let lastKey: string | undefined;
  let begun = false;
  for await (const line of lines) {
    if (!begun) {
      if (line.kind !== 'root') throw refused('its first line is no root');
      begun = true;
      atRoot?.(line as RootLine);
      continue;
    }
    const entry = line as EntryLine;
    const path = checkedPath(entry.path);
    const key = walkKey(path);
    if (lastKey === undefined) {
      if (path !== '.' || entry.kind !== 'directory') throw refused('the directory itself does not come first');
    } else if (key <= lastKey) {
      throw refused(`${shownPath(path)} is out of order, or there twice`);
    }
    lastKey = key;
    if (path !== '.') {
      const { directory } = splitPath(path);
      while (open.length > 0 && open.at(-1) !== directory) open.pop();
      if (open.length === 0) throw refused(`${shownPath(path)} lies in something that is no directory of the snapshot`);
    }
    if (entry.kind === 'directory') open.push(path);
    if (path === markerName) throw refused(`it names ${markerName}, which only a restore makes`);
    const flaw = flawOf(entry, key);
    if (flaw !== undefined) throw refused(`${shownPath(path)} has ${flaw}`);
    yield { path, line: entry };
  }
  if (lastKey === undefined) throw refused('it has no entries');
}

/** A path that stays below the root whatever happens. */
function checkedPath(text: unknown): ByteText {
  if (!isPathText(text)) throw refused('an entry has no path');
  const path = fromPathText(text);
  if (path === '.') return path;
  for (const name of path.split('/')) {
    if (name === '' || name === '.' || name === '..' || name.includes('\0') || name.length > longestName) {
      throw refused(`${shownPath(path)} is no path inside of a directory`);
    }
  }
  return path;
}

function isPathText(text: unknown): text is PathText {
  if (typeof text === 'string') return true;
  return typeof text === 'object' && text !== null && typeof (text as { base64?: unknown }).base64 === 'string';
}

const isCount = (value: unknown, most = Number.MAX_SAFE_INTEGER): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;

/** What is impossible about an entry, if anything. */
function flawOf(entry: EntryLine, key: string): string | undefined {
  if (!isCount(entry.mode, 0o7777)) return 'an impossible mode';
  if (!isCount(entry.uid, largestId) || !isCount(entry.gid, largestId)) return 'an impossible owner';
  if (typeof entry.mtime !== 'string' || !/^-?\d{1,19}$/.test(entry.mtime)) return 'an impossible time';
  if (entry.xattrs !== undefined && !areAttributes(entry.xattrs)) return 'impossible attributes';
  switch (entry.kind) {
    case 'directory':
    case 'fifo':
    case 'socket':
      return undefined;
    case 'symlink': {
      const target = isPathText(entry.target) ? fromPathText(entry.target) : '';
      return target === '' || target.includes('\0') ? 'an impossible target' : undefined;
    }
    case 'device': {
      const known = entry.deviceType === 'block' || entry.deviceType === 'character';
      return known && isCount(entry.major, 0xffff_ffff) && isCount(entry.minor, 0xffff_ffff)
        ? undefined
        : 'an impossible device';
    }
    case 'file':
      return fileFlawOf(entry, key);
    default:
      return `a kind this version does not know: ${JSON.stringify((entry as { kind: unknown }).kind)}`;
  }
}

function fileFlawOf(entry: EntryLine & { kind: 'file' }, key: string): string | undefined {
  const { size, stream, data, hardLinkOf } = entry;
  if (!isCount(size)) return 'an impossible size';
  if (hardLinkOf !== undefined) {
    if (stream !== undefined) return 'a stream although it is a hard link';
    return walkKey(checkedPath(hardLinkOf)) < key ? undefined : 'a hard link to something that comes later';
  }
  if (size > 0 && stream === undefined) return 'no content';
  if (stream !== undefined && (stream.size !== size || !/^[0-9a-f]{64}$/.test(stream.sha256))) {
    return 'content of another size';
  }
  if (data === undefined) return undefined;
  let end = 0;
  for (const [offset, length] of data) {
    if (!isCount(offset) || !isCount(length) || offset < end) return 'impossible ranges of data';
    end = offset + length;
  }
  return end <= size ? undefined : 'impossible ranges of data';
}

function areAttributes(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(([name, text]) => name !== '' && !name.includes('\0') && typeof text === 'string')
  );
}

function refused(why: string): HoldfastError {
  return new HoldfastError('object-damaged', 'The manifest of this snapshot cannot be trusted.', {
    why: `${why[0]!.toUpperCase()}${why.slice(1)}.`,
    hint: 'Nothing was taken from it. Use another snapshot, and find out who wrote this one.',
  });
}
