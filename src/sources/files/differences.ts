import type { Attributes } from './attributes.ts';
import { type ByteText, fromPathText, pathText, shownPath } from './byte-text.ts';
import type { ExaminedFile } from './examine-batch.ts';
import { blockType, type EntryKind, kindOf, mtimeText, typeBits } from './kinds.ts';
import type { EntryLine } from './manifest.ts';
import type { Facts } from './posix.ts';

/** In words, what differs between an entry of a manifest and what lies in a tree. Nothing: they are equal. */

const kindNames: Record<EntryKind, string> = {
  directory: 'a directory',
  file: 'a regular file',
  symlink: 'a symlink',
  fifo: 'a fifo',
  socket: 'a socket',
  device: 'a device',
};

export interface Rules {
  /** Whether uid and gid count. */
  owners: boolean;
  /** Whether extended attributes do. */
  attributes: boolean;
}

export function kindDifference(line: EntryLine, facts: Facts): string | undefined {
  const kind = kindOf(facts);
  if (kind === line.kind) return undefined;
  return `it is ${kind === undefined ? 'of a type that is not known' : kindNames[kind]} instead of ${kindNames[line.kind]}`;
}

/** Mode, owner and time. */
export function factDifferences(line: EntryLine, facts: Facts, rules: Rules): string[] {
  const differences: string[] = [];
  const mode = facts.mode & 0o7777;
  // Linux has no modes of symlinks.
  const wanted = rules.owners ? line.mode : modeOfOther(line, facts);
  if (line.kind !== 'symlink' && mode !== wanted) {
    differences.push(`its mode is ${octal(mode)} instead of ${octal(wanted)}`);
  }
  if (rules.owners && (facts.uid !== line.uid || facts.gid !== line.gid)) {
    differences.push(`its owner is ${facts.uid}:${facts.gid} instead of ${line.uid}:${line.gid}`);
  }
  const mtime = mtimeText(facts);
  if (BigInt(mtime) !== BigInt(line.mtime)) {
    differences.push(`it was modified at ${isoNanos(mtime)} instead of ${isoNanos(line.mtime)}`);
  }
  return differences;
}

/** The mode that a restore gives an entry whose owner it could not give: setuid and setgid were meant for another one. */
function modeOfOther(line: EntryLine, { uid, gid }: Facts): number {
  return line.mode & ~(uid === line.uid ? 0 : 0o4000) & ~(gid === line.gid ? 0 : 0o2000);
}

/** Names only: values may be secret. */
export function attributeDifferences(expected: Attributes | undefined, found: Attributes | undefined): string[] {
  const differences: string[] = [];
  const [before, now] = [new Map(Object.entries(expected ?? {})), new Map(Object.entries(found ?? {}))];
  for (const [name, value] of before) {
    if (!now.has(name)) differences.push(`its attribute ${shownName(name)} is missing`);
    else if (now.get(name) !== value) differences.push(`its attribute ${shownName(name)} has another value`);
  }
  for (const name of now.keys()) if (!before.has(name)) differences.push(`it has an attribute ${shownName(name)} more`);
  return differences;
}

export function targetDifference(line: EntryLine & { kind: 'symlink' }, target: ByteText): string[] {
  return fromPathText(line.target) === target
    ? []
    : [`it points to ${shownPath(target)} instead of ${shownPath(fromPathText(line.target))}`];
}

export function deviceDifference(line: EntryLine & { kind: 'device' }, facts: Facts): string[] {
  const type = (facts.mode & typeBits) === blockType ? 'block' : 'character';
  const found = `${type} ${facts.specialMajor}:${facts.specialMinor}`;
  const expected = `${line.deviceType} ${line.major}:${line.minor}`;
  return found === expected ? [] : [`it is device ${found} instead of ${expected}`];
}

/** Whether the same names share an inode, each set told by its first name. */
export function linkDifference(expected: ByteText | undefined, found: ByteText | undefined): string[] {
  if (expected === found) return [];
  if (found === undefined) return [`it is no hard link of ${shownPath(expected!)} any more`];
  if (expected === undefined) return [`it is a hard link of ${shownPath(found)}`];
  return [`it is a hard link of ${shownPath(found)} instead of ${shownPath(expected)}`];
}

/** Size, content and attributes of a file that was read. */
export function contentDifferences(
  line: EntryLine & { kind: 'file' },
  found: ExaminedFile & { outcome: 'read' },
  rules: Rules,
): string[] {
  const differences: string[] = [];
  const expected = line.stream?.sha256 ?? emptySha256;
  if (found.size !== line.size) differences.push(`it has ${found.size} bytes instead of ${line.size}`);
  else if (found.sha256 !== expected) differences.push('its content is another');
  return rules.attributes ? [...differences, ...attributeDifferences(line.xattrs, found.xattrs)] : differences;
}

const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

function shownName(name: string): string {
  return shownPath(fromPathText(pathText(Buffer.from(name, 'utf8').toString('latin1'))));
}

/** Nanoseconds since the epoch, for people: ISO 8601 where it has a form for them. */
function isoNanos(mtime: string): string {
  const nanos = BigInt(mtime);
  const part = ((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const date = new Date(Number((nanos - part) / 1_000_000n));
  if (Number.isNaN(date.getTime())) return `${mtime} ns`;
  return `${date.toISOString().slice(0, -5)}.${String(part).padStart(9, '0')}Z`;
}
