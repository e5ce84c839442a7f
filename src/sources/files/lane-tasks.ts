import type { LaneTask } from '../../repository/lane.ts';
import { examineBatch } from './examine-batch.ts';
import { storeBatch } from './store-batch.ts';
import { writeBatch } from './write-batch.ts';

/** What lanes can do for a tree of files. */
export const filesTasks: Record<string, LaneTask> = {
  'files.store': storeBatch,
  'files.examine': examineBatch,
  'files.write': writeBatch,
};
