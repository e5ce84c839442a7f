import type { LaneContext, LaneTask } from '../../repository/lane.ts';
import type { EndedStream } from '../../repository/stored-stream.ts';

/** Name of the task that stores a text. */
export const storeTextTask = 'globals.store';

async function storeText(lane: LaneContext, text: Uint8Array): Promise<EndedStream> {
  return lane.ingest.whole(text);
}

/** What lanes can do for globals. */
export const globalsTasks: Record<string, LaneTask> = { [storeTextTask]: storeText };
