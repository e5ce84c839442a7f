/** Entry of the worker threads of a pseudonymized copy. */
import { serveLane } from '../../repository/lane.ts';
import { restoreTasks } from '../../sources/postgres/restore-tasks.ts';
import { copyTableTasks } from './copy-table.ts';

serveLane({ ...restoreTasks, ...copyTableTasks });
