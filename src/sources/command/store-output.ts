import { read } from 'node:fs';
import { promisify } from 'node:util';
import { MiB } from '../../base/units.ts';
import type { LaneContext } from '../../repository/lane.ts';
import type { EndedStream } from '../../repository/stored-stream.ts';

/** The lane task that stores what a command writes. */

export interface StoreOutputInput {
  /** The end of a pipe that the command writes to: threads share descriptors. */
  descriptor: number;
}

const readBytes = promisify(read);

export async function storeOutput(lane: LaneContext, { descriptor }: StoreOutputInput): Promise<EndedStream> {
  const stream = lane.ingest.stream();
  for (;;) {
    const space = stream.space();
    // Not a synchronous read: a command that takes its time must not hold up what the lane has under way.
    const { bytesRead } = await readBytes(descriptor, space, 0, Math.min(space.length, 1 * MiB), null);
    if (bytesRead === 0) return stream.end();
    await stream.filled(bytesRead);
    lane.progress(bytesRead);
  }
}
