/** A pseudonymized copy of a file tree: what no rule lets through stays behind, names as well as contents. */
import { isUtf8 } from 'node:buffer';
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  realpathSync,
  writeSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import type { Emit } from '../../base/events.ts';
import { MiB } from '../../base/units.ts';
import { detectionBytes, detectType, type FileType } from '../../pseudonyms/files/detect.ts';
import { fileDomain, fileSeed, placeholder } from '../../pseudonyms/files/placeholder.ts';
import {
  type FileContent,
  type ReadyRule,
  readyRules,
  ruleName,
  type TreeRule,
} from '../../pseudonyms/files/tree-rules.ts';
import { plainMode, type SourceDirectory, TreeWriter } from '../../pseudonyms/files/tree-writer.ts';
import { beginUnfinished } from '../../pseudonyms/files/unfinished.ts';
import type { PseudonymKey } from '../../pseudonyms/keys.ts';
import { type ByteText, splitPath } from '../../sources/files/byte-text.ts';
import { kindOf, reasonOf } from '../../sources/files/kinds.ts';
import {
  changeMode,
  changeTimes,
  type Facts,
  factsOf,
  openAt,
  openFlags,
  syncFileSystem,
} from '../../sources/files/posix.ts';
import { dataRanges } from '../../sources/files/sparse.ts';
import { targetError } from '../../sources/files/target-errors.ts';
import { type WalkedEntry, walk } from '../../sources/files/walk.ts';

export interface TreeSettings {
  /** An existing directory. */
  source: string;
  /** A directory that does not exist or is empty, outside of the source. */
  target: string;
  /** The first one that fits decides; a file that none fits ends the copy. */
  rules: readonly TreeRule[];
  /** Of this copy. */
  key: PseudonymKey;
  /** Domains of kinds, for parts of paths that name none; those of columns by default. */
  domains?: Readonly<Record<string, string>> | undefined;
  /** Modification times in the copy: one moment for all, or the day (UTC) of each. */
  times?: 'constant' | 'day' | undefined;
  emit: Emit;
  signal: AbortSignal;
}

export interface RuleReport {
  /** As it was written. */
  path: string;
  content: FileContent;
  reason?: string;
  /** Files and other entries that it decided on. */
  entries: number;
}

/** What a copy came to. Holds no name and no content of the source. */
export interface TreeReport {
  keyFingerprint: string;
  target: string;
  rules: RuleReport[];
  /** Files in the copy, and those of the source that are not in it. */
  files: { kept: number; placeholders: number; rewritten: number; dropped: number };
  /** How many placeholders of each type. */
  types: Partial<Record<FileType, number>>;
  directories: number;
  /** Directories of the source in which nothing was left. */
  emptyDirectories: number;
  /** Of contents written. */
  bytes: number;
}

/** 2000-01-01 00:00 UTC in nanoseconds: when a file was changed tells of the person it is about. */
const constantTime = 946_684_800n * 1_000_000_000n;
const dayNanos = 86_400n * 1_000_000_000n;
/** A text is rewritten as a whole. */
const largestText = 16 * MiB;
const piece = 1 * MiB;
/** Entries between two looks at the clock of others. */
const pause = 64;

/**
 * Copies a tree. Its name appears when everything is in it and on the disk.
 *
 * @throws HoldfastError `config` when a rule is wrong, or none says what becomes of an entry; `source-failed`, `target-exists`,
 *   `target-failed`; then nothing of the copy is left. Entries are told by their inode, never by name.
 */
export async function copyTree(settings: TreeSettings): Promise<TreeReport> {
  const { source, key, emit, signal } = settings;
  const rules = readyRules(settings.rules, settings);
  const target = resolve(settings.target);
  const root = openSource(source);
  try {
    assertApart(source, target);
    emit({ type: 'step', text: 'Looking at the files' });
    const total = await survey(root, rules, settings);
    using unfinished = await beginUnfinished(target, emit);
    emit({ type: 'step', text: 'Copying files' });
    const into = openSync(unfinished.tree, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const report: TreeReport = {
        keyFingerprint: key.fingerprint,
        target,
        rules: rules.map(({ pattern, content, reason }) => ({
          path: pattern.text,
          content,
          ...(reason !== undefined && { reason }),
          entries: 0,
        })),
        files: { kept: 0, placeholders: 0, rewritten: 0, dropped: 0 },
        types: {},
        directories: 0,
        emptyDirectories: 0,
        bytes: 0,
      };
      await copyEntries({ ...settings, root, into, total }, rules, report);
      signal.throwIfAborted();
      const facts = factsOf(root);
      changeTimes(into, mtimeOf(facts, settings));
      await syncFileSystem(into);
      await unfinished.finish();
      // Not before: a directory that its owner may not write to cannot be moved by everybody.
      changeMode(into, plainMode(facts.mode));
      fsyncSync(into);
      return report;
    } catch (error) {
      throw signal.aborted ? signal.reason : targetError(error, target);
    } finally {
      closeSync(into);
    }
  } finally {
    closeSync(root);
  }
}

function openSource(source: string): number {
  try {
    return openSync(source, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw new HoldfastError('source-failed', `The directory ${source} cannot be read.`, {
      why: `The system says ${systemCode(error) ?? String(error)}.`,
      cause: error,
    });
  }
}

/** @throws HoldfastError `config` when one of them lies in the other */
function assertApart(source: string, target: string): void {
  const real = (path: string): string => {
    try {
      return realpathSync(path);
    } catch {
      const above = resolve(path, '..');
      return above === path ? path : resolve(real(above), path.slice(above.length).replace(/^\/+/, ''));
    }
  };
  const [from, to] = [`${real(source)}/`.replace('//', '/'), `${real(target)}/`.replace('//', '/')];
  if (!from.startsWith(to) && !to.startsWith(from)) return;
  throw new HoldfastError('config', 'The copy of the files would lie in its source, or the source in it.', {
    hint: 'Choose a target elsewhere.',
  });
}

/** Which rule decides on an entry that is no directory. */
function ruleOf(rules: readonly ReadyRule[], path: ByteText): number {
  return rules.findIndex(({ pattern }) => pattern.matches(path));
}

const inodeOf = ({ inodeHigh, inodeLow }: Facts) => BigInt(inodeHigh) * 2n ** 32n + BigInt(inodeLow);
const findIt = (source: string, facts: Facts) =>
  `\`find ${source} -inum ${inodeOf(facts)}\` shows ${facts.links > 1 ? 'them' : 'it'}.`;

/**
 * Looks at every entry before anything is written.
 *
 * @returns how many there are
 * @throws HoldfastError `config` when no rule fits one; `source-failed` when one cannot be looked at
 */
async function survey(root: number, rules: readonly ReadyRule[], { source, signal }: TreeSettings): Promise<number> {
  const undecided = { count: 0, first: undefined as Facts | undefined };
  const special = { count: 0, first: undefined as Facts | undefined };
  let total = 0;
  for (const walked of walk(root)) {
    if (++total % pause === 0) await setImmediate();
    signal.throwIfAborted();
    if (walked.type === 'problem') throw unreadable(source, walked.code);
    if (walked.kind === 'directory') continue;
    const rule = rules[ruleOf(rules, walked.path)];
    const found =
      rule === undefined ? undecided : walked.kind !== 'file' && rule.content !== 'drop' ? special : undefined;
    if (found === undefined) continue;
    found.count++;
    found.first ??= walked.facts;
  }
  if (undecided.first !== undefined)
    throw new HoldfastError('config', `No rule says what becomes of ${undecided.count} of the files.`, {
      why: 'A file that no rule fits is never copied, and never left out in silence.',
      hint: `${findIt(source, undecided.first)} Add a rule, e.g. \`path: "**"\` with \`content: placeholder\`, as the last one.`,
    });
  if (special.first !== undefined)
    throw new HoldfastError('config', `${special.count} of the entries are neither files nor directories.`, {
      why: 'Symlinks hold names, and sockets, pipes and devices have no content: they can only be dropped.',
      hint: `${findIt(source, special.first)} Add a rule with \`content: drop\` for them.`,
    });
  return total;
}

function unreadable(source: string, code: string | undefined, facts?: Facts): HoldfastError {
  return new HoldfastError('source-failed', `An entry of ${source} cannot be read.`, {
    why: `Of one of them: ${reasonOf(code)}.`,
    hint: facts === undefined ? 'Run it as a user who may read all of it.' : findIt(source, facts),
  });
}

interface Copying extends TreeSettings {
  root: number;
  into: number;
  total: number;
}

async function copyEntries(copying: Copying, rules: readonly ReadyRule[], report: TreeReport): Promise<void> {
  const { root, into, total, emit, signal, source } = copying;
  using writer = new TreeWriter(into);
  const contents = new Contents(copying);
  /** The directories that the walk is in, without the tree itself. */
  const above: { source: SourceDirectory; used: boolean }[] = [];
  const leave = (depth: number) => {
    for (const { used } of above.splice(depth)) if (!used) report.emptyDirectories++;
  };
  let done = 0;
  for (const walked of walk(root)) {
    if (++done % pause === 0) await setImmediate();
    if (done % 1024 === 0) emit({ type: 'progress', activity: 'Copying files', done, total, unit: 'items' });
    signal.throwIfAborted();
    if (walked.type === 'problem') throw unreadable(source, walked.code);
    const { path, kind, facts } = walked;
    if (path === '.') continue;
    const { directory } = splitPath(path);
    leave(directory === '.' ? 0 : directory.split('/').length);
    if (kind === 'directory') {
      const known = { path, mode: plainMode(facts.mode), mtime: mtimeOf(facts, copying) };
      above.push({ source: known, used: false });
      continue;
    }
    const index = ruleOf(rules, path);
    const rule = rules[index];
    if (rule === undefined || (kind !== 'file' && rule.content !== 'drop'))
      throw new HoldfastError('source-failed', 'The files changed while they were copied.', { hint: 'Run it again.' });
    report.rules[index]!.entries++;
    if (rule.content === 'drop') {
      report.files.dropped++;
      continue;
    }
    const name = ruleName(index, rule.pattern.text);
    const segments = rule.target(path);
    const from = openSourceFile(walked, source);
    try {
      const to = writer.create(
        segments,
        above.map((level) => level.source),
        name,
      );
      try {
        contents.copy({ from: from.descriptor, to, facts: from.facts, rule, name }, report);
        fchmodSync(to, plainMode(from.facts.mode));
        changeTimes(to, mtimeOf(from.facts, copying));
      } finally {
        closeSync(to);
      }
    } finally {
      closeSync(from.descriptor);
    }
    for (const level of above) level.used = true;
  }
  leave(0);
  writer.finish();
  report.directories = writer.directories;
}

function mtimeOf({ mtimeSeconds }: Facts, { times = 'constant' }: TreeSettings): bigint {
  if (times === 'constant') return constantTime;
  const nanos = BigInt(mtimeSeconds) * 1_000_000_000n;
  return nanos - (((nanos % dayNanos) + dayNanos) % dayNanos);
}

function openSourceFile(walked: WalkedEntry, source: string): { descriptor: number; facts: Facts } {
  let descriptor: number | undefined;
  try {
    descriptor = openAt(walked.parent, walked.name, openFlags.read);
    const facts = factsOf(descriptor);
    if (kindOf(facts) === 'file') return { descriptor, facts };
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw unreadable(source, systemCode(error), walked.facts);
  }
  closeSync(descriptor);
  throw unreadable(source, 'ELOOP', walked.facts);
}

interface OpenFile {
  from: number;
  to: number;
  facts: Facts;
  rule: ReadyRule;
  name: string;
}

/** What goes into the files of a copy. */
class Contents {
  readonly #settings: TreeSettings;
  readonly #seedOf: (head: Uint8Array) => string;
  readonly #room = Buffer.allocUnsafeSlow(piece);

  constructor(settings: TreeSettings) {
    this.#settings = settings;
    this.#seedOf = fileSeed(settings.key.domain(fileDomain));
  }

  copy(file: OpenFile, report: TreeReport): void {
    const { rule, to } = file;
    if (rule.content === 'keep') {
      report.files.kept++;
      report.bytes += this.#asItIs(file);
    } else if (rule.content === 'text') {
      report.files.rewritten++;
      report.bytes += writeAllSync(to, this.#rewritten(file));
    } else {
      report.files.placeholders++;
      const head = this.#room.subarray(0, this.#read(file, 0, detectionBytes));
      // Nothing was in it, so nothing is put into it.
      if (head.length === 0) return;
      const type = rule.type === 'auto' ? detectType(head) : rule.type;
      report.types[type] = (report.types[type] ?? 0) + 1;
      report.bytes += writeAllSync(to, placeholder(type, { seed: this.#seedOf(head) }));
    }
  }

  /** Reads into the room until `length` bytes are there, or the file ends. */
  #read({ from, facts }: OpenFile, position: number, length: number): number {
    let filled = 0;
    try {
      while (filled < length) {
        const count = readSync(from, this.#room, filled, length - filled, position + filled);
        if (count === 0) break;
        filled += count;
      }
    } catch (error) {
      throw unreadable(this.#settings.source, systemCode(error), facts);
    }
    return filled;
  }

  /** Holes stay holes. */
  #asItIs(file: OpenFile): number {
    const { facts, from, to } = file;
    let end = facts.size;
    for (const [start, length] of dataRanges(from, facts) ?? [[0, facts.size]]) {
      for (let at = start; at < start + length; ) {
        this.#settings.signal.throwIfAborted();
        const count = this.#read(file, at, Math.min(piece, start + length - at));
        if (count === 0) {
          // It became shorter meanwhile.
          end = Math.min(end, at);
          break;
        }
        writeAllSync(to, this.#room.subarray(0, count), at);
        at += count;
      }
    }
    ftruncateSync(to, end);
    return end;
  }

  /** @throws HoldfastError `config` when it is no text, or too long */
  #rewritten(file: OpenFile): Buffer {
    const { facts, rule, name } = file;
    const unfit = (why: string) =>
      new HoldfastError('config', `A file of ${name} is no text that can be rewritten.`, {
        why,
        hint: `${findIt(this.#settings.source, facts)} Use \`content: placeholder\` for it.`,
      });
    if (facts.size > largestText) throw unfit(`It is larger than ${largestText / MiB} MiB.`);
    const pieces: Buffer[] = [];
    for (let at = 0; at < facts.size; ) {
      const count = this.#read(file, at, Math.min(piece, facts.size - at));
      if (count === 0) break;
      pieces.push(Buffer.from(this.#room.subarray(0, count)));
      at += count;
    }
    const bytes = Buffer.concat(pieces);
    if (!isUtf8(bytes) || bytes.includes(0)) throw unfit('It is not UTF-8, or holds a NUL.');
    return bytes.length === 0 ? bytes : Buffer.from(rule.rewrite!(bytes.toString('utf8')));
  }
}

/** @returns how many bytes there were */
function writeAllSync(descriptor: number, bytes: Uint8Array, position?: number): number {
  for (let at = 0; at < bytes.length; )
    at += writeSync(descriptor, bytes, at, bytes.length - at, position === undefined ? null : position + at);
  return bytes.length;
}
