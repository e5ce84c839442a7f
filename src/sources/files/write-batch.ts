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

/** Files up to this size are read whole, all of a batch in one go. */
const smallLimit = 1 * MiB;

export async function writeBatch(lane: LaneContext, input: WriteBatchInput): Promise<WriteBatchOutput> {
  using trail = new Trail(input.root);
  const output: WriteBatchOutput = [];
  const content = new BatchContent(lane, input.files);
  for (const [index, file] of input.files.entries()) {
    const { path, line } = file;
    try {
      const bytes = await content.contentOf(index);
      const { directory, name } = trail.parentOf(path);
      const problems = await writeFile(lane, directory, name, line, bytes, input.owners);
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
  content: AsyncIterable<Buffer> | Buffer[] | undefined,
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
  content: AsyncIterable<Buffer> | Buffer[],
  data: DataRange[] | undefined,
): Promise<void> {
  let at = 0;
  for await (const piece of content) {
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

/** The content of a batch. Small files are read in one go; when one of them is damaged, what is left is read one by one. */
class BatchContent {
  readonly #lane: LaneContext;
  readonly #files: FileToWrite[];
  #together: AsyncGenerator<Buffer, void, undefined> | undefined;

  constructor(lane: LaneContext, files: FileToWrite[]) {
    this.#lane = lane;
    this.#files = files;
    const streams = files.filter(isSmall).map(({ line }) => line.stream!);
    if (streams.length > 1) this.#together = lane.reader.each(streams);
  }

  /** To be asked in order. */
  async contentOf(index: number): Promise<AsyncIterable<Buffer> | Buffer[] | undefined> {
    const file = this.#files[index]!;
    const { stream } = file.line;
    if (stream === undefined) return undefined;
    if (this.#together !== undefined && isSmall(file)) {
      try {
        const { value } = await this.#together.next();
        if (value) return [value];
      } catch (error) {
        if (!isHoldfastError(error, 'object-damaged', 'object-missing')) throw error;
        this.#together = undefined;
      }
    }
    return this.#lane.reader.read(stream, { transient: true });
  }
}

function isSmall({ line: { size, stream } }: FileToWrite): boolean {
  return stream?.chunks !== undefined && size <= smallLimit;
}
