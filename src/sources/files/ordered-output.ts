import type { BackupContext } from '../source.ts';
import { type ByteText, shownPath } from './byte-text.ts';
import type { FilesCache } from './cache.ts';
import { encodeRecord, type KnownContent } from './cache-record.ts';
import type { EntryLines } from './entry-lines.ts';
import { inodeKey, isGone, reasonOf } from './kinds.ts';
import type { EntryLine } from './manifest.ts';
import type { Facts } from './posix.ts';
import type { Shortfalls } from './shortfalls.ts';
import type { StoreBatchInput, StoredFile } from './store-batch.ts';

/** Names of one inode. */
export interface LinkSet {
  /** `inodeKey` of the inode. */
  readonly key: string;
  /** The first name whose content is in the manifest, once there is one. */
  first: { path: ByteText; size: number } | undefined;
}

/** Files that one lane reads together. */
interface Batch {
  paths: ByteText[];
  bytes: number;
  /** Undefined until it is on its way. */
  results: Promise<StoredFile[]> | undefined;
  done: boolean;
}

type Slot =
  | { type: 'line'; line: EntryLine }
  | { type: 'known'; path: ByteText; facts: Facts; content: KnownContent; record: Buffer; set: LinkSet | undefined }
  | { type: 'unread'; path: ByteText; batch: Batch; index: number; set: LinkSet | undefined }
  | { type: 'link'; path: ByteText; facts: Facts; set: LinkSet };

interface OutputSettings {
  context: BackupContext;
  root: number;
  lines: EntryLines;
  shortfalls: Shortfalls;
  cache: FilesCache;
  totals: { files: number; hardLinks: number; bytes: number; readFiles: number; readBytes: number };
  onProgress: (bytes: number) => void;
}

/** Entries that may wait for one that is still being read; what bounds memory. */
const mostSlots = 32_768;
/** New entries after which it is worth looking for what can be written. */
const drainStep = 1024;

/**
 * Puts manifest lines and cache records into walk order while several lanes read files ahead. What comes before a file that takes
 * long has been written; what comes after it waits here.
 */
export class OrderedOutput {
  readonly #settings: OutputSettings;
  #slots: Slot[] = [];
  #drainAt = drainStep;
  #batch: Batch | undefined;
  readonly #running = new Set<Promise<unknown>>();

  constructor(settings: OutputSettings) {
    this.#settings = settings;
  }

  /** Whether `drain` must be awaited before more comes. */
  get isFull(): boolean {
    return this.#slots.length >= this.#drainAt || this.#running.size > this.#mostRunning;
  }

  /** Some batches wait beside those under way, so that no lane is ever idle. */
  get #mostRunning(): number {
    return 2 * this.#settings.context.lanes.count + 1;
  }

  line(line: EntryLine): void {
    this.#slots.push({ type: 'line', line });
  }

  /** A file whose content is stored already. */
  known(path: ByteText, facts: Facts, content: KnownContent, record: Buffer, set: LinkSet | undefined): void {
    this.#slots.push({ type: 'known', path, facts, content, record, set });
  }

  /** A further name of an inode. */
  link(path: ByteText, facts: Facts, set: LinkSet): void {
    this.#slots.push({ type: 'link', path, facts, set });
  }

  /** A file that a lane has to read. */
  unread(
    path: ByteText,
    facts: Facts,
    set: LinkSet | undefined,
    limits: { batchBytes: number; batchFiles: number },
  ): void {
    // A large file goes alone; the small ones after it wait for no more than their own batch.
    if (this.#batch && this.#batch.bytes + facts.size > limits.batchBytes) this.#dispatch(this.#batch);
    this.#batch ??= { paths: [], bytes: 0, results: undefined, done: false };
    const batch = this.#batch;
    this.#slots.push({ type: 'unread', path, batch, index: batch.paths.push(path) - 1, set });
    batch.bytes += facts.size;
    if (batch.bytes >= limits.batchBytes || batch.paths.length >= limits.batchFiles) this.#dispatch(batch);
  }

  #dispatch(batch: Batch): void {
    if (this.#batch === batch) this.#batch = undefined;
    batch.results = this.#read(batch.paths);
    const done = () => {
      batch.done = true;
    };
    batch.results.then(done, done);
  }

  #read(paths: ByteText[]): Promise<StoredFile[]> {
    const { context, root, onProgress } = this.#settings;
    const input: StoreBatchInput = { root, paths };
    const results = context.lanes.run<StoredFile[]>('files.store', input, { onProgress });
    // Looked at when its turn comes; until then a failure is nobody's unhandled rejection.
    const running: Promise<unknown> = results.catch(() => {}).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return results;
  }

  /** Writes what is ready at the front, and waits until there is room for more. */
  async drain(): Promise<void> {
    if (this.#running.size > this.#mostRunning) await Promise.race(this.#running);
    await this.#write(this.#slots.length >= mostSlots ? mostSlots >> 1 : 0);
    this.#drainAt = Math.min(mostSlots, this.#slots.length + drainStep);
  }

  /** Writes everything that is left. */
  async end(): Promise<void> {
    await this.#write(this.#slots.length);
  }

  /** Resolves when no lane works on the tree any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Writes at least so many slots, and all that follow them without waiting for a lane. */
  async #write(atLeast: number): Promise<void> {
    let written = 0;
    for (; written < this.#slots.length; written++) {
      const slot = this.#slots[written]!;
      if (slot.type === 'unread' && !slot.batch.done && written >= atLeast) break;
      await this.#writeSlot(slot);
    }
    this.#slots = this.#slots.slice(written);
  }

  async #writeSlot(slot: Slot): Promise<void> {
    const { context, cache, totals, lines } = this.#settings;
    switch (slot.type) {
      case 'line':
        return context.writeLine(slot.line);
      case 'known': {
        const size = slot.content.stream?.size ?? 0;
        totals.files++;
        totals.bytes += size;
        if (slot.set) slot.set.first = { path: slot.path, size };
        if (cache.keeps(slot.facts)) cache.add(slot.record);
        return context.writeLine(lines.file(slot.path, slot.facts, slot.content));
      }
      case 'unread': {
        if (slot.batch.results === undefined) this.#dispatch(slot.batch);
        const results = await slot.batch.results!;
        return this.#writeFile(slot.path, results[slot.index]!, slot.set);
      }
      case 'link': {
        if (slot.set.first === undefined) {
          // The name that was to carry the content is gone, or is another file by now.
          const [result] = await this.#read([slot.path]);
          return this.#writeFile(slot.path, result!, slot.set);
        }
        totals.hardLinks++;
        return context.writeLine(lines.hardLink(slot.path, slot.facts, slot.set.first));
      }
    }
  }

  async #writeFile(path: ByteText, file: StoredFile, set: LinkSet | undefined): Promise<void> {
    const { context, cache, totals, lines, shortfalls } = this.#settings;
    const shown = shownPath(path);
    if (file.outcome === 'replaced') {
      shortfalls.add(shown, 'it was replaced by something that is no regular file meanwhile', {
        degrades: true,
      });
      return;
    }
    if (file.outcome === 'failed') {
      shortfalls.add(shown, reasonOf(file.code), { degrades: !isGone(file.code) });
      return;
    }
    const { facts, content, changed, attributesCode } = file;
    const size = content.stream?.size ?? 0;
    totals.files++;
    totals.bytes += size;
    totals.readFiles++;
    totals.readBytes += size;
    if (set?.key === inodeKey(facts)) set.first = { path, size };
    if (changed) {
      shortfalls.add(shown, 'it changed while it was read; what was read is kept', { degrades: true });
    }
    if (attributesCode !== undefined) {
      shortfalls.add(shown, `its extended attributes are missing: ${reasonOf(attributesCode)}`, { degrades: true });
    }
    // Versions that the next run could not tell from a later one need no record.
    if (!changed && attributesCode === undefined && cache.keeps(facts)) {
      cache.add(encodeRecord(path, facts, content));
    }
    await context.writeLine(lines.file(path, facts, content));
  }
}
