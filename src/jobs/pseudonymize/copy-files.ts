/** A pseudonymized copy of a file tree: what no rule lets through stays behind, names as well as contents. */
import { closeSync, constants, fchmodSync, fsyncSync, openSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { type ReadyRule, readyRules, ruleName } from '../../pseudonyms/files/tree-rules.ts';
import { plainMode, type SourceDirectory, TreeWriter } from '../../pseudonyms/files/tree-writer.ts';
import { beginUnfinished, type Unfinished } from '../../pseudonyms/files/unfinished.ts';
import { type ByteText, splitPath } from '../../sources/files/byte-text.ts';
import { kindOf } from '../../sources/files/kinds.ts';
import {
  changeMode,
  changeTimes,
  type Facts,
  factsOf,
  openAt,
  openFlags,
  syncFileSystem,
} from '../../sources/files/posix.ts';
import { targetError } from '../../sources/files/target-errors.ts';
import { type WalkedEntry, walk } from '../../sources/files/walk.ts';
import { Contents } from './tree-contents.ts';
import { findIt, type TreeReport, type TreeSettings, unreadable } from './tree-settings.ts';

/** 2000-01-01 00:00 UTC in nanoseconds: when a file was changed tells of the person it is about. */
const constantTime = 946_684_800n * 1_000_000_000n;
const dayNanos = 86_400n * 1_000_000_000n;
/** Entries between two looks at the clock of others. */
const pause = 64;

/** A copy that is whole and on the disk, and has not its name yet. */
export interface PreparedTree extends Disposable {
  report: TreeReport;
  /** Where it lies, for this user alone. */
  path: string;
  /** Gives it its name. @throws HoldfastError `target-exists`, `target-failed` */
  publish(): Promise<void>;
  /** Removes it unless it is published, and a tree that it took the name of. */
  [Symbol.dispose](): void;
}

/**
 * Copies a tree. Its name appears when everything is in it and on the disk.
 *
 * @throws HoldfastError as `prepareTree` and `publish`; then nothing of the copy is left
 */
export async function copyTree(settings: TreeSettings): Promise<TreeReport> {
  using prepared = await prepareTree(settings);
  await prepared.publish();
  return prepared.report;
}

/**
 * Makes the copy of a tree, without its name.
 *
 * @throws HoldfastError `config` when a rule is wrong, or none says what becomes of an entry; `source-failed`, `target-exists`,
 *   `target-failed`; then nothing of the copy is left. Entries are told by their inode, never by name.
 */
export async function prepareTree(settings: TreeSettings): Promise<PreparedTree> {
  const { source, key, emit, signal, replace } = settings;
  const rules = readyRules(settings.rules, settings);
  const target = resolve(settings.target);
  const root = openSource(source);
  let into: number | undefined;
  let unfinished: Unfinished | undefined;
  const release = () => {
    if (into !== undefined) closeSync(into);
    into = undefined;
    unfinished?.[Symbol.dispose]();
  };
  try {
    assertApart(source, target);
    emit({ type: 'step', text: 'Looking at the files' });
    const total = await survey(root, rules, settings);
    const begun = await beginUnfinished(target, emit, replace);
    unfinished = begun;
    emit({ type: 'step', text: 'Copying files' });
    const directory = openSync(begun.tree, constants.O_RDONLY | constants.O_DIRECTORY);
    into = directory;
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
    const facts = factsOf(root);
    await copyEntries({ ...settings, root, into: directory, total }, rules, report);
    signal.throwIfAborted();
    changeTimes(directory, mtimeOf(facts, settings));
    await syncFileSystem(directory);
    return {
      report,
      path: begun.tree,
      async publish() {
        await begun.finish();
        try {
          // Not before: a directory that its owner may not write to cannot be moved by everybody.
          changeMode(directory, plainMode(facts.mode));
          fsyncSync(directory);
        } catch (error) {
          throw targetError(error, target);
        }
      },
      [Symbol.dispose]: release,
    };
  } catch (error) {
    release();
    throw signal.aborted ? signal.reason : targetError(error, target);
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
