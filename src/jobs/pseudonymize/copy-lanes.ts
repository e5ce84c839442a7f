/** The worker threads of a pseudonymized copy. */
import { openLanes, type ReusableLanes } from '../../repository/lanes.ts';
import { copyLaneEntry } from './lane-entry.ts';

/** Megabytes: what passes through these lanes is freed by hand. `LanesSettings.collectFrom`. */
const collectFrom = 40;

export function openCopyLanes(count: number, signal: AbortSignal): ReusableLanes {
  return openLanes({ entry: copyLaneEntry(), count, port: {}, collectFrom, signal });
}
