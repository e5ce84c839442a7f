import { closeSync, constants, openSync } from 'node:fs';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { Check, RestoreContext } from '../source.ts';
import { type Attributes, readAttributes } from './attributes.ts';
import { type ByteText, fromPathText, shownPath, walkKey } from './byte-text.ts';
import {
  attributeDifferences,
  contentDifferences,
  deviceDifference,
  factDifferences,
  kindDifference,
  linkDifference,
  type Rules,
  targetDifference,
} from './differences.ts';
import { type Entry, entriesOf } from './entries.ts';
import type { ExamineBatchInput, ExaminedFile } from './examine-batch.ts';
import { inodeKey, reasonOf } from './kinds.ts';
import type { EntryLine } from './manifest.ts';
import { pathInDirectory, readLinkAt } from './posix.ts';
import { ProgressReport } from './progress-report.ts';
import { type Walked, type WalkedEntry, type WalkProblem, walk } from './walk.ts';

export interface CompareOptions {
  /** `ignore`: whoever restored could not give files away. Then one check says that owners were not compared. */
  owners?: 'compare' | 'ignore';
  /** `ignore`: the file system, or this account, cannot keep them all. Then one check says that they were not compared. */
  attributes?: 'compare' | 'ignore';
}

export interface TreeComparison {
  /** What is not equal, or could not be compared. */
  checks: Check[];
  /** Entries that are equal in everything. */
  equal: number;
}

const batchBytes = 8 * MiB;
const batchFiles = 256;

/**
 * Compares a tree with a snapshot, entry by entry: kind, size, content, mode, owner, time, target, attributes, hard links, and
 * what the tree has more. Where a sparse file has its holes is no matter: its content is.
 *
 * @param directory the tree
 * @throws HoldfastError `could-not-verify` when the directory cannot be read, `object-damaged` for a manifest that
 *   contradicts itself
 */
export async function compareTree(
  context: RestoreContext,
  directory: string,
  options: CompareOptions = {},
): Promise<TreeComparison> {
  let root: number;
  try {
    root = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (cause) {
    throw new HoldfastError('could-not-verify', `The directory ${directory} cannot be compared.`, {
      why: `Opening it: ${reasonOf(systemCode(cause))}.`,
      hint: 'Name the directory that was restored into.',
      cause,
    });
  }
  const comparison = new Comparison(context, root, {
    owners: options.owners !== 'ignore',
    attributes: options.attributes !== 'ignore',
  });
  try {
    return await comparison.run();
  } finally {
    await comparison.settled();
    // Aborted lanes may still be at work on it; the program is about to end.
    if (!context.signal.aborted) closeSync(root);
  }
}

interface FileToExamine {
  path: ByteText;
  line: EntryLine & { kind: 'file' };
  /** What differs already. */
  differences: string[];
}

class Comparison {
  readonly #context: RestoreContext;
  readonly #root: number;
  readonly #rules: Rules;
  readonly #checks: Check[] = [];
  #equal = 0;
  readonly #running = new Set<Promise<void>>();
  #failure: { error: unknown } | undefined;
  #batch: FileToExamine[] = [];
  #batchSize = 0;
  readonly #progress: ProgressReport;
  /** First names of inodes of the tree that have several. */
  readonly #firsts = new Map<string, ByteText>();
  readonly #tree: Generator<Walked, void, undefined>;
  #current: Walked | undefined;

  constructor(context: RestoreContext, root: number, rules: Rules) {
    this.#context = context;
    this.#root = root;
    this.#rules = rules;
    this.#progress = new ProgressReport(context, 'Comparing files');
    this.#tree = walk(root);
  }

  async run(): Promise<TreeComparison> {
    try {
      this.#advance();
      let done = 0;
      /** A missing directory; what lay in it needs no lines of its own. */
      let missing: { path: ByteText; check: Check; below: number } | undefined;
      for await (const entry of entriesOf(this.#context.lines())) {
        this.#context.signal.throwIfAborted();
        const key = walkKey(entry.path);
        while (this.#current !== undefined && walkKey(this.#current.path) < key) this.#passExtra();
        if (this.#current?.path === entry.path) await this.#compare(entry, this.#current);
        else if (missing !== undefined && entry.path.startsWith(`${missing.path}/`)) {
          missing.check.detail = `it is missing, with ${++missing.below} entries in it`;
        } else {
          const check = this.#differs(entry.line.kind, entry.path, ['it is missing']);
          missing = { path: entry.path, check, below: 0 };
        }
        this.#progress.items(++done);
      }
      while (this.#current !== undefined) this.#passExtra();
      this.#dispatch();
      await this.settled();
      this.#throwFailure();
      this.#progress.end(done);
    } finally {
      this.#tree.return();
    }
    if (!this.#rules.owners) {
      this.#checks.push({
        kind: 'owners',
        object: 'all entries',
        verdict: 'could-not-compare',
        detail:
          'Owners were not restored, so they, and the setuid and setgid bits of what is not ours, were not compared.',
      });
    }
    if (!this.#rules.attributes) {
      this.#checks.push({
        kind: 'attributes',
        object: 'all entries',
        verdict: 'could-not-compare',
        detail: 'Not all extended attributes could be restored, so they were not compared.',
      });
    }
    return { checks: this.#checks, equal: this.#equal };
  }

  /** Resolves when no lane reads any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  #advance(): void {
    const next = this.#tree.next();
    this.#current = next.done ? undefined : next.value;
  }

  #differs(kind: string, path: ByteText, differences: string[]): Check {
    const check: Check = { kind, object: shownPath(path), verdict: 'differs', detail: differences.join('; ') };
    this.#checks.push(check);
    return check;
  }

  #unknown(kind: string, path: ByteText, detail: string): void {
    this.#checks.push({ kind, object: shownPath(path), verdict: 'could-not-compare', detail });
  }

  /** Goes past what the tree has and the snapshot has not, with all that lies under it. */
  #passExtra(): void {
    const extra = this.#current!;
    if (extra.type === 'problem') {
      this.#listingProblem(extra);
      this.#advance();
      return;
    }
    let below = 0;
    this.#advance();
    while (this.#current?.path.startsWith(`${extra.path}/`)) {
      below++;
      this.#advance();
    }
    const detail = 'the snapshot does not have it' + (below > 0 ? `, nor the ${below} entries in it` : '');
    this.#differs(extra.kind, extra.path, [detail]);
    if (extra.kind === 'file') this.#firstNameOf(extra);
  }

  #listingProblem({ path, what, code }: WalkProblem): void {
    const detail = what === 'listing' ? `what it holds cannot be listed: ${reasonOf(code)}` : reasonOf(code);
    this.#unknown(what === 'listing' ? 'directory' : 'entry', path, detail);
  }

  async #compare({ path, line }: Entry, found: Walked): Promise<void> {
    if (found.type === 'problem') {
      this.#unknown(line.kind, path, reasonOf(found.code));
      this.#advance();
      return;
    }
    const kind = kindDifference(line, found.facts);
    if (kind !== undefined) this.#differs(line.kind, path, [kind]);
    else if (line.kind === 'file') await this.#compareFile(path, line, found);
    else this.#compareOther(path, line, found);
    this.#advance();
    // Of a directory that cannot be listed: its own entry was compared, what it holds will be missed.
    if (this.#current?.type === 'problem' && this.#current.path === path) {
      this.#listingProblem(this.#current);
      this.#advance();
    }
  }

  #compareOther(path: ByteText, line: EntryLine, found: WalkedEntry): void {
    const differences = factDifferences(line, found.facts, this.#rules);
    let xattrs: Attributes | undefined;
    try {
      xattrs = readAttributes(found.descriptor ?? pathInDirectory(found.parent, found.name));
      if (line.kind === 'symlink') {
        differences.push(...targetDifference(line, readLinkAt(found.parent, found.name)));
      }
    } catch (error) {
      this.#unknown(line.kind, path, reasonOf(systemCode(error)));
      return;
    }
    if (line.kind === 'device') differences.push(...deviceDifference(line, found.facts));
    if (this.#rules.attributes) differences.push(...attributeDifferences(line.xattrs, xattrs));
    this.#conclude(line.kind, path, differences);
  }

  #conclude(kind: string, path: ByteText, differences: string[]): void {
    if (differences.length === 0) this.#equal++;
    else this.#differs(kind, path, differences);
  }

  /** The name under which the walk met this inode first; undefined when this is it. */
  #firstNameOf({ path, facts }: WalkedEntry): ByteText | undefined {
    if (facts.links < 2) return undefined;
    const key = inodeKey(facts);
    const first = this.#firsts.get(key);
    if (first === undefined) this.#firsts.set(key, path);
    return first;
  }

  async #compareFile(path: ByteText, line: EntryLine & { kind: 'file' }, found: WalkedEntry): Promise<void> {
    const expected = line.hardLinkOf === undefined ? undefined : fromPathText(line.hardLinkOf);
    const differences = [
      ...factDifferences(line, found.facts, this.#rules),
      ...linkDifference(expected, this.#firstNameOf(found)),
    ];
    // The content of a hard link is compared under its first name.
    if (expected !== undefined) {
      this.#conclude('file', path, differences);
      return;
    }
    if (this.#batchSize + found.facts.size > batchBytes) this.#dispatch();
    this.#batch.push({ path, line, differences });
    this.#batchSize += found.facts.size;
    if (this.#batchSize >= batchBytes || this.#batch.length >= batchFiles) this.#dispatch();
    while (this.#running.size > 2 * this.#context.lanes.count) await Promise.race(this.#running);
    this.#throwFailure();
  }

  #dispatch(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#batchSize = 0;
    const input: ExamineBatchInput = { root: this.#root, paths: batch.map(({ path }) => path) };
    const running: Promise<void> = this.#context.lanes
      .run<ExaminedFile[]>('files.examine', input, { onProgress: (bytes) => this.#progress.add(bytes) })
      .then((results) => {
        for (const [i, file] of batch.entries()) this.#examined(file, results[i]!);
      })
      .catch((error) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #examined({ path, line, differences }: FileToExamine, found: ExaminedFile): void {
    if (found.outcome === 'read')
      this.#conclude('file', path, [...differences, ...contentDifferences(line, found, this.#rules)]);
    else if (found.outcome === 'failed') this.#unknown('file', path, reasonOf(found.code));
    else this.#unknown('file', path, 'it was replaced while it was compared');
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
