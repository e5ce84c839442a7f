/** Entry of the worker threads: what a lane can do for each type of source, loaded with its first task. */
import { type LaneTask, serveLane } from '../repository/lane.ts';

type Tasks = Record<string, LaneTask>;

/** By how the names of their tasks begin. */
const groups: Record<string, () => Promise<Tasks>> = {
  postgres: async () => (await import('./postgres/lane-tasks.ts')).postgresTasks,
  files: async () => (await import('./files/lane-tasks.ts')).filesTasks,
  command: async () => (await import('./command/lane-tasks.ts')).commandTasks,
  globals: async () => (await import('./postgres-globals/lane-tasks.ts')).globalsTasks,
};

serveLane(async (name) => {
  const tasks = await groups[/^[a-z]*/.exec(name)?.[0] ?? '']?.();
  return tasks?.[name];
});
