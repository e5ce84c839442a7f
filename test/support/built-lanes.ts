/**
 * In place of the program's modules of the same functions (vitest.config.ts): worker threads of what a test calls in its own
 * process run the modules that temporary-directory.ts has built, which start in a third of the time; without those, the sources.
 */
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { HOLDFAST_PROGRAM: program } = process.env;

function entry(module: string): URL {
  const path =
    program === undefined
      ? join(import.meta.dirname, '../..', `${module}.ts`)
      : join(dirname(program), '..', `${module}.js`);
  return pathToFileURL(path);
}

export const laneEntry = () => entry('src/sources/lane');
export const copyLaneEntry = () => entry('src/pseudonyms/copy/lane');
