import type { LaneTask } from '../../repository/lane.ts';
import { storeOutput } from './store-output.ts';

/** What lanes can do for the output of commands. */
export const commandTasks: Record<string, LaneTask> = {
  'command.store': storeOutput,
};
