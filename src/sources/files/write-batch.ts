import { writeSync } from 'node:fs';
import { isHoldfastError } from '../../base/errors.ts';
import { free } from '../../base/memory.ts';
import { MiB } from '../../base/units.ts';
import type { LaneContext } from '../../repository/lane.ts';
import { type ApplyProblem, applyTo, type Owners } from './applying.ts';
import { type ByteText, shownPath } from './byte-text.ts';
import type { EntryLine } from './manifest.ts';
import { closeDescriptor, openAt, openFlags, removeAt, truncateTo } from './posix.ts';
import { type DataRange, dataWithin } from './sparse.ts';
import { targetError } from './target-errors.ts';
import { Trail } from './trail.ts';

/** The lane task that writes files of a restore. */

export interface FileToWrite {
  path: ByteText;
  /** With the content that the file shall have. */
  line: EntryLine & { kind: 'file' };
}

export interface WriteBatchInput {
  /** Descriptor of the target: threads share them. */
  root: number;
  owners: Owners;
  files: FileToWrite[];
}

export type WriteProblem = ApplyProblem | { type: 'content'; reason: string };

/** What went wrong with single files, which is not much as a rule. */
export type WriteBatchOutput = { path: ByteText; problems: WriteProblem[] }[];

/** Files up to this size are read ahead of their turn, so many bytes of them at once. */
const aheadLimit = 1 * MiB;
const aheadBytes = 4 * MiB;
const aheadFiles = 32;

export async function writeBatch(lane: LaneContext, input: WriteBatchInput): Promise<WriteBatchOutput> {
  using trail = new Trail(input.root);
  const output: WriteBatchOutput = [];
  const ahead = new ReadAhead(lane, input.files);
  for (const [index, file] of input.files.entries()) {
    const { path, line } = file;
    try {
      const { directory, name } = trail.parentOf(path);
      const problems = await writeFile(lane, directory, name, line, ahead.contentOf(index), input.owners);
      if (problems.length > 0) output.push({ path, problems });
    } catch (error) {
      throw targetError(error, shownPath(path));
    }
  }
  return output;
}

async function writeFile(
  lane: LaneContext,
  directory: number,
  name: ByteText,
  line: EntryLine & { kind: 'file' },
  content: AsyncIterable<Buffer> | Promise<Buffer> | undefined,
  owners: Owners,
): Promise<WriteProblem[]> {
  // Readable by nobody else until it has its own mode.
  const descriptor = openAt(directory, name, openFlags.create, 0o600);
  try {
    if (content !== undefined) {
      try {
        await writeContent(lane, descriptor, content, line.data);
      } catch (error) {
        if (!isHoldfastError(error, 'object-damaged', 'object-missing')) throw error;
        // What cannot be trusted is not restored; the other files can be.
        removeAt(directory, name, 'other');
        return [{ type: 'content', reason: [error.message, error.why].filter(Boolean).join(' ') }];
      }
    }
    // The end of a sparse file may be a hole.
    if (line.data !== undefined) truncateTo(descriptor, line.size);
    return applyTo(descriptor, line, owners);
  } finally {
    closeDescriptor(descriptor);
  }
}

async function writeContent(
  lane: LaneContext,
  descriptor: number,
  content: AsyncIterable<Buffer> | Promise<Buffer>,
  data: DataRange[] | undefined,
): Promise<void> {
  let at = 0;
  for await (const piece of 'then' in content ? [await content] : content) {
    for (const [start, length] of dataWithin([at, piece.length], data)) {
      writeFully(descriptor, piece.subarray(start - at, start - at + length), start);
    }
    at += piece.length;
    lane.progress(piece.length);
    free(piece);
  }
}

function writeFully(descriptor: number, bytes: Buffer, offset: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at, bytes.length - at, offset + at);
}

/** Asks for the content of small files before their turn: each would wait for its own answer otherwise. */
class ReadAhead {
  readonly #lane: LaneContext;
  readonly #files: FileToWrite[];
  readonly #asked = new Map<number, Promise<Buffer>>();
  #next = 0;
  #bytes = 0;

  constructor(lane: LaneContext, files: FileToWrite[]) {
    this.#lane = lane;
    this.#files = files;
  }

  contentOf(index: number): AsyncIterable<Buffer> | Promise<Buffer> | undefined {
    this.#advance(index);
    const { stream, size } = this.#files[index]!.line;
    const asked = this.#asked.get(index);
    if (asked === undefined) return stream && this.#lane.reader.read(stream, { transient: true });
    this.#asked.delete(index);
    this.#bytes -= size;
    return asked;
  }

  #advance(index: number): void {
    if (this.#next < index) this.#next = index;
    while (this.#next < this.#files.length && this.#asked.size < aheadFiles && this.#bytes < aheadBytes) {
      const { stream, size } = this.#files[this.#next]!.line;
      if (stream !== undefined && size <= aheadLimit) {
        const content = this.#lane.reader.whole(stream);
        content.catch(() => {});
        this.#asked.set(this.#next, content);
        this.#bytes += size;
      }
      this.#next++;
    }
  }
}
