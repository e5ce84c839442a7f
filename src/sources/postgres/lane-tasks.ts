import { backupTasks } from './backup-tasks.ts';
import { restoreTasks } from './restore-tasks.ts';

/** What a lane can do for a PostgreSQL source. */
export const postgresTasks = { ...backupTasks, ...restoreTasks };
