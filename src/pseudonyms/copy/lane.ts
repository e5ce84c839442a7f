/** Entry of the worker threads of a pseudonymized copy. */
import { serveLane } from '../../repository/lane.ts';
import { restoreTasks } from '../../sources/postgres/restore-tasks.ts';
import { kernels } from '../kernels/kernels.ts';
import { confirmTasks } from '../leaks/confirm-rows.ts';
import { leaveLeaksTasks } from '../leaks/lane-sessions.ts';
import { searchContentsTasks } from '../leaks/search-contents.ts';
import { searchRowsTasks } from '../leaks/search-rows.ts';
import { sketchRowsTasks } from '../leaks/sketch-rows.ts';
import { copyTableTasks } from './copy-table.ts';

// Compiled while this thread waits for its first rows.
kernels();

serveLane({
  ...restoreTasks,
  ...copyTableTasks,
  ...searchRowsTasks,
  ...searchContentsTasks,
  ...confirmTasks,
  ...sketchRowsTasks,
  ...leaveLeaksTasks,
});
