import { closeSync, constants, openSync } from 'node:fs';
import { scheduler } from 'node:timers/promises';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { BackupContext, BackupOutcome } from '../source.ts';
import { Accounts } from './accounts.ts';
import { type Attributes, readAttributes } from './attributes.ts';
import { byteText, pathText, shownPath } from './byte-text.ts';
import { FilesCache } from './cache.ts';
import { contentOf } from './cache-record.ts';
import { EntryLines } from './entry-lines.ts';
import { Excludes } from './excludes.ts';
import { inodeKey, isGone, reasonOf } from './kinds.ts';
import type { RootLine } from './manifest.ts';
import { markerName } from './marker.ts';
import { type LinkSet, OrderedOutput } from './ordered-output.ts';
import { factsOf, pathInDirectory } from './posix.ts';
import { ProgressReport } from './progress-report.ts';
import { Shortfalls } from './shortfalls.ts';
import { type WalkedEntry, type WalkProblem, walk } from './walk.ts';

export interface FilesSettings {
  /** Of the source. */
  name: string;
  /** The tree's directory. */
  path: string;
  /** Patterns as in a `.gitignore`, relative to `path`. */
  exclude: string[];
  /** Leaves out what is mounted inside. */
  oneFileSystem: boolean;
}

/** A batch of files for a lane: enough to be worth the message, little enough to keep all lanes busy. */
const batchBytes = 4 * MiB;
const batchFiles = 256;

/**
 * Makes a snapshot of a file tree. Files whose size, times and inode are those of an earlier run are not read again.
 *
 * Totals: `files`, `directories`, `symlinks`, `specials`, `hardLinks`, `excluded`, `bytes` (of the files' content), `readFiles`,
 * `readBytes`.
 *
 * @throws HoldfastError `source-failed` when the directory itself cannot be read, `config` for an exclude pattern that means
 *   nothing; what is the matter with single entries is in the outcome's shortfalls
 */
export async function backupFiles(context: BackupContext, settings: FilesSettings): Promise<BackupOutcome> {
  const excludes = new Excludes(settings.exclude);
  const started = context.clock.now();
  const root = openRoot(settings);
  let output: OrderedOutput | undefined;
  try {
    const line: RootLine = {
      kind: 'root',
      path: pathText(byteText(settings.path)),
      exclude: settings.exclude,
    };
    await context.writeLine(line);
    using cache = FilesCache.open(context.cacheDirectory, { descriptor: root, facts: factsOf(root) }, started);
    const run = new TreeBackup(context, settings, root, excludes, cache);
    output = run.output;
    const outcome = await run.finish();
    cache.finish();
    if (cache.failure !== undefined) {
      context.emit({
        type: 'warning',
        source: settings.name,
        text: `What was read cannot be remembered (${systemCode(cache.failure.error) ?? 'unknown error'}): the next run will read every file again.`,
        hint: `Look into ${context.cacheDirectory}.`,
      });
    }
    return outcome;
  } finally {
    await output?.settled();
    // Aborted lanes may still be at work on it; the program is about to end.
    if (!context.signal.aborted) closeSync(root);
  }
}

function openRoot({ name, path }: FilesSettings): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (cause) {
    const code = systemCode(cause);
    const why =
      code === 'ENOENT'
        ? 'It does not exist.'
        : code === 'ENOTDIR'
          ? 'It is not a directory.'
          : code === 'EACCES'
            ? 'Permission is denied.'
            : `Opening it failed with ${code}.`;
    throw new HoldfastError('source-failed', `The directory ${path} of the source "${name}" cannot be read.`, {
      why,
      hint: `Check the path of "${name}" in the configuration, and whether what is mounted there is mounted.`,
      cause,
    });
  }
}

class TreeBackup {
  readonly output: OrderedOutput;
  readonly #context: BackupContext;
  readonly #settings: FilesSettings;
  readonly #root: number;
  readonly #excludes: Excludes;
  readonly #cache: FilesCache;
  readonly #shortfalls = new Shortfalls();
  readonly #lines = new EntryLines(new Accounts());
  readonly #links = new Map<string, LinkSet & { seen: number }>();
  readonly #progress: ProgressReport;
  readonly #totals = {
    files: 0,
    directories: 0,
    symlinks: 0,
    specials: 0,
    hardLinks: 0,
    excluded: 0,
    bytes: 0,
    readFiles: 0,
    readBytes: 0,
  };

  constructor(context: BackupContext, settings: FilesSettings, root: number, excludes: Excludes, cache: FilesCache) {
    this.#context = context;
    this.#settings = settings;
    this.#root = root;
    this.#excludes = excludes;
    this.#cache = cache;
    this.#progress = new ProgressReport(context, 'Reading files');
    this.output = new OrderedOutput({
      context,
      root,
      lines: this.#lines,
      shortfalls: this.#shortfalls,
      cache,
      totals: this.#totals,
      onProgress: (amount) => this.#progress.add(amount),
    });
  }

  async finish(): Promise<BackupOutcome> {
    const { signal } = this.#context;
    const choices = {
      oneFileSystem: this.#settings.oneFileSystem,
      excluded: (path: string, isDirectory: boolean) => {
        if (path === markerName) {
          this.#shortfalls.add(markerName, 'the tree is a restore that did not end', { degrades: true });
          return true;
        }
        const excluded = this.#excludes.excludes(path, isDirectory);
        if (excluded) this.#totals.excluded++;
        return excluded;
      },
    };
    let seen = 0;
    for (const found of walk(this.#root, choices)) {
      if (found.type === 'problem') this.#problem(found);
      else if (found.kind === 'file') this.#file(found);
      else this.#other(found);
      if (this.output.isFull) await this.output.drain();
      if (++seen % 1024 === 0) {
        // Lanes ask this thread which chunks are new; a long walk must not keep them waiting, nor an interruption.
        await scheduler.yield();
        signal.throwIfAborted();
        this.#progress.items(seen);
      }
    }
    await this.output.end();
    this.#progress.end(seen);
    return { totals: this.#totals, shortfalls: this.#shortfalls.all() };
  }

  #problem({ path, what, code }: WalkProblem): void {
    if (path === '.') {
      throw new HoldfastError('source-failed', `The directory ${this.#settings.path} cannot be listed.`, {
        why: `Listing it: ${reasonOf(code)}.`,
        hint: 'Run the backup as a user who may read it.',
      });
    }
    if (isGone(code)) {
      this.#shortfalls.add(shownPath(path), reasonOf(code), { degrades: false });
      return;
    }
    const reason =
      what === 'type'
        ? 'it is of a type that is not known'
        : what === 'listing'
          ? `what the directory holds is missing: ${reasonOf(code)}`
          : reasonOf(code);
    this.#shortfalls.add(shownPath(path), reason, { degrades: true });
  }

  #file(entry: WalkedEntry): void {
    const { path, facts } = entry;
    if (facts.links > 1) {
      const key = inodeKey(facts);
      const set = this.#links.get(key);
      if (set !== undefined) {
        // Once every name has been seen there is nothing left to remember.
        if (++set.seen >= facts.links) this.#links.delete(key);
        this.output.link(path, facts, set);
        return;
      }
      this.#links.set(key, { key, first: undefined, seen: 1 });
    }
    const set = facts.links > 1 ? this.#links.get(inodeKey(facts)) : undefined;
    const known = this.#cache.find(path, facts);
    if (known !== undefined) {
      const content = contentOf(known);
      if (this.#context.reuse(content.ids)) {
        this.#progress.add(facts.size);
        this.output.known(path, facts, content, known.bytes, set);
        return;
      }
    }
    this.output.unread(path, facts, set, { batchBytes, batchFiles });
  }

  #other(entry: WalkedEntry): void {
    const { kind, path } = entry;
    let xattrs: Attributes | undefined;
    try {
      xattrs = readAttributes(entry.descriptor ?? pathInDirectory(entry.parent, entry.name));
    } catch (error) {
      if (!isGone(systemCode(error))) {
        const reason = `its extended attributes are missing: ${reasonOf(systemCode(error))}`;
        this.#shortfalls.add(shownPath(path), reason, { degrades: true });
      }
    }
    try {
      this.output.line(this.#lines.other(entry, xattrs));
    } catch (error) {
      const code = systemCode(error);
      this.#shortfalls.add(shownPath(path), reasonOf(code), { degrades: !isGone(code) });
      return;
    }
    if (kind === 'directory') this.#totals.directories++;
    else if (kind === 'symlink') this.#totals.symlinks++;
    else this.#totals.specials++;
  }
}
