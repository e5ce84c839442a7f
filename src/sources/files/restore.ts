import { closeSync, fsyncSync } from 'node:fs';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { RestoreContext, Shortfall } from '../source.ts';
import { applyAt, applyTo, type Owners } from './applying.ts';
import { type ByteText, fromPathText, shownPath, splitPath } from './byte-text.ts';
import type { Entry } from './entries.ts';
import { blockType, characterType, socketType } from './kinds.ts';
import {
  changeMode,
  closeDescriptor,
  makeDirectoryAt,
  makeFifoAt,
  makeLinkAt,
  makeNodeAt,
  makeSymlinkAt,
  openAt,
  openFlags,
  syncFileSystem,
} from './posix.ts';
import { ProgressReport } from './progress-report.ts';
import { linkTarget, planRestore, type RestorePlan } from './restore-plan.ts';
import { RestoreProblems } from './restore-problems.ts';
import { openTarget, unmark } from './target.ts';
import { targetError } from './target-errors.ts';
import { Trail } from './trail.ts';
import type { FileToWrite, WriteBatchInput, WriteBatchOutput } from './write-batch.ts';

export interface RestoreFilesSettings {
  /** A directory that is empty or does not exist yet. */
  target: string;
  /** Only these and what is under them. The directories above them are made as well. */
  paths?: string[];
  /** Take a target in which a restore was interrupted, and begin again there. */
  overwrite?: boolean;
  /** Whether to give files their owners; `auto` unless told. */
  owners?: Owners;
}

const batchBytes = 4 * MiB;
const batchFiles = 256;

/**
 * Restores a tree, or parts of it, and returns when it is on disk. While it runs, and after it was interrupted, a marker
 * lies in the target.
 *
 * Totals: `files`, `directories`, `symlinks`, `specials`, `hardLinks`, `bytes`. Owners, attributes and special files that could not be made,
 * and files whose stored content is damaged, are shortfalls; the rest is restored.
 *
 * @throws HoldfastError `target-exists`, `target-failed`, `not-found` for a path, `object-damaged` for a manifest that would
 *   lead out of the target; then nothing was written
 */
export async function restoreFiles(
  context: RestoreContext,
  settings: RestoreFilesSettings,
): Promise<{ totals: Record<string, number>; shortfalls: Shortfall[] }> {
  const plan = await planRestore(context, settings.paths);
  const { descriptor: target, mode } = openTarget(settings.target, settings.overwrite === true);
  const restore = new TreeRestore(context, settings, { descriptor: target, mode }, plan);
  try {
    await restore.run();
  } catch (error) {
    context.signal.throwIfAborted();
    throw targetError(error, settings.target);
  } finally {
    await restore.settled();
    // Aborted lanes may still be at work on it; the program is about to end.
    if (!context.signal.aborted) closeSync(target);
  }
  return { totals: plan.totals, shortfalls: restore.problems.shortfalls() };
}

class TreeRestore {
  readonly problems = new RestoreProblems();
  readonly #context: RestoreContext;
  readonly #target: number;
  readonly #targetMode: number;
  readonly #plan: RestorePlan;
  readonly #owners: Owners;
  readonly #whole: boolean;
  readonly #progress: ProgressReport;
  readonly #running = new Set<Promise<void>>();
  #batch: FileToWrite[] = [];
  #batchSize = 0;
  #failure: { error: unknown } | undefined;

  constructor(
    context: RestoreContext,
    settings: RestoreFilesSettings,
    target: { descriptor: number; mode: number },
    plan: RestorePlan,
  ) {
    this.#context = context;
    this.#target = target.descriptor;
    this.#targetMode = target.mode;
    this.#plan = plan;
    this.#owners = settings.owners ?? 'auto';
    this.#whole = settings.paths === undefined;
    this.#progress = new ProgressReport(context, 'Writing files', plan.totals.bytes);
  }

  async run(): Promise<void> {
    await this.#writeEntries();
    if (this.#plan.totals.hardLinks > 0) await this.#makeHardLinks();
    await this.#finishDirectories();
    this.#context.emit({ type: 'step', text: 'Waiting for the disk' });
    // One call for the file system rather than one for each file: a journal commit each would take longer than all else.
    await syncFileSystem(this.#target);
    unmark(this.#target);
    await this.#finishRoot();
    fsyncSync(this.#target);
  }

  /** Resolves when no lane writes any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Directories, everything without content, and the content of files, in lanes. */
  async #writeEntries(): Promise<void> {
    using trail = new Trail(this.#target);
    let done = 0;
    for await (const entry of this.#plan.entries()) {
      this.#context.signal.throwIfAborted();
      const { path, line } = entry;
      if (line.kind === 'file') {
        const file = this.#fileOf(entry);
        if (file !== undefined) await this.#addFile(file);
      } else if (path !== '.') {
        try {
          this.#make(trail, entry);
        } catch (error) {
          throw targetError(error, shownPath(path));
        }
      }
      this.#progress.items(++done);
    }
    this.#dispatch();
    await this.settled();
    this.#throwFailure();
    this.#progress.end(done);
  }

  /** What is to be written for a file; nothing for a further hard link. */
  #fileOf({ path, line }: Entry): FileToWrite | undefined {
    if (line.kind !== 'file') return undefined;
    if (line.hardLinkOf === undefined) return { path, line };
    const stand = this.#plan.stand.get(fromPathText(line.hardLinkOf));
    return stand?.by === path ? { path, line: stand.first } : undefined;
  }

  #make(trail: Trail, { path, line }: Entry): void {
    const { directory, name } = trail.parentOf(path);
    // Open to nobody else until all is in it.
    if (line.kind === 'directory') {
      makeDirectoryAt(directory, name, 0o700);
      return;
    }
    try {
      if (line.kind === 'symlink') makeSymlinkAt(directory, name, fromPathText(line.target));
      else if (line.kind === 'fifo') makeFifoAt(directory, name, 0o600);
      else if (line.kind === 'socket') makeNodeAt(directory, name, socketType | 0o600, 0, 0);
      else if (line.kind === 'device') {
        const type = line.deviceType === 'block' ? blockType : characterType;
        makeNodeAt(directory, name, type | 0o600, line.major, line.minor);
      }
    } catch (error) {
      // Devices are root's to make; some file systems have no special files at all.
      if (line.kind === 'symlink' || !['EPERM', 'EOPNOTSUPP', 'ENOTSUP'].includes(systemCode(error) ?? '')) throw error;
      this.problems.notMade(path, line.kind);
      return;
    }
    this.problems.add(path, applyAt(directory, name, line, this.#owners));
  }

  async #addFile(file: FileToWrite): Promise<void> {
    // A large file goes alone; the small ones after it wait for no more than their own batch.
    if (this.#batchSize + file.line.size > batchBytes) this.#dispatch();
    this.#batch.push(file);
    this.#batchSize += file.line.size;
    if (this.#batchSize >= batchBytes || this.#batch.length >= batchFiles) this.#dispatch();
    while (this.#running.size > 2 * this.#context.lanes.count) await Promise.race(this.#running);
    this.#throwFailure();
  }

  #dispatch(): void {
    if (this.#batch.length === 0) return;
    const input: WriteBatchInput = { root: this.#target, owners: this.#owners, files: this.#batch };
    this.#batch = [];
    this.#batchSize = 0;
    const onProgress = (bytes: number) => this.#progress.add(bytes);
    const running: Promise<void> = this.#context.lanes
      .run<WriteBatchOutput>('files.write', input, { onProgress })
      .then((output) => {
        for (const { path, problems } of output) this.problems.add(path, problems);
      })
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** When every file is there. */
  async #makeHardLinks(): Promise<void> {
    using trail = new Trail(this.#target);
    using firsts = new Trail(this.#target);
    for await (const entry of this.#plan.entries()) {
      const { path, line } = entry;
      if (line.kind !== 'file' || line.hardLinkOf === undefined || this.#fileOf(entry) !== undefined) continue;
      const first = linkTarget(this.#plan, entry);
      try {
        const { directory, name } = trail.parentOf(path);
        const source = firsts.parentOf(first);
        makeLinkAt(directory, name, source.directory, source.name);
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') throw targetError(error, shownPath(path));
        if (this.problems.lacks(first)) {
          this.problems.add(path, [{ type: 'content', reason: `It is a hard link of ${shownPath(first)}.` }]);
          continue;
        }
        throw new HoldfastError('object-damaged', 'The manifest of this snapshot contradicts itself.', {
          why: `${shownPath(path)} is a hard link of ${shownPath(first)}, which is not in it.`,
          hint: 'Restore another snapshot.',
          cause: error,
        });
      }
    }
  }

  /** Owners, modes and times, each directory after all that it holds: what is made in it would change its time. */
  async #finishDirectories(): Promise<void> {
    using trail = new Trail(this.#target);
    const open: Entry[] = [];
    const leave = (until: ByteText) => {
      for (let last = open.at(-1); last !== undefined && last.path !== until; last = open.at(-1)) {
        open.pop();
        this.#finishDirectory(trail, last);
      }
    };
    for await (const entry of this.#plan.entries()) {
      if (entry.line.kind !== 'directory' || entry.path === '.') continue;
      leave(splitPath(entry.path).directory);
      open.push(entry);
    }
    leave('.');
  }

  #finishDirectory(trail: Trail, { path, line }: Entry): void {
    try {
      const { directory, name } = trail.parentOf(path);
      const descriptor = openAt(directory, name, openFlags.directory);
      try {
        this.problems.add(path, applyTo(descriptor, line, this.#owners));
      } finally {
        closeDescriptor(descriptor);
      }
    } catch (error) {
      throw targetError(error, shownPath(path));
    }
  }

  /** Last: removing the marker changed its time. A part of a tree leaves the target's own attributes alone. */
  async #finishRoot(): Promise<void> {
    if (!this.#whole) {
      changeMode(this.#target, this.#targetMode);
      return;
    }
    for await (const { path, line } of this.#plan.entries()) {
      this.problems.add(path, applyTo(this.#target, line, this.#owners));
      return;
    }
  }
}
