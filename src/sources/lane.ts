/** Entry of the worker threads: what a lane can do for each type of source. */
import { serveLane } from '../repository/lane.ts';
import { commandTasks } from './command/lane-tasks.ts';
import { filesTasks } from './files/lane-tasks.ts';
import { postgresTasks } from './postgres/lane-tasks.ts';
import { globalsTasks } from './postgres-globals/lane-tasks.ts';

serveLane({ ...postgresTasks, ...filesTasks, ...commandTasks, ...globalsTasks });
