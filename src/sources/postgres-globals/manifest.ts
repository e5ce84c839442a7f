import { HoldfastError } from '../../base/errors.ts';
import type { OutputLine } from '../command/manifest.ts';
import type { RestoreContext } from '../source.ts';
import { type Globals, parseGlobals } from './globals.ts';

/**
 * The manifest has two lines of kind `output`, as that of a command: `globals.sql`, which psql can run, and `globals.json`,
 * the same as data, which Holdfast itself restores and compares. Described in docs/format.md §11.
 */
export const scriptName = 'globals.sql';
export const dataName = 'globals.json';

/** One of the two. @throws HoldfastError `object-damaged` when the manifest is not as it should be */
export async function outputOf(context: RestoreContext, filename: string): Promise<OutputLine> {
  const found: OutputLine[] = [];
  for await (const line of context.lines()) if (line.kind === 'output') found.push(line as OutputLine);
  const [line, ...others] = found.filter((output) => output.filename === filename);
  if (line !== undefined && others.length === 0) return line;
  throw new HoldfastError('object-damaged', 'The manifest of this snapshot cannot be trusted.', {
    why: `It has not one ${filename}.`,
    hint: 'Use another snapshot, and find out who wrote this one.',
  });
}

/** The globals as they were backed up. @throws HoldfastError `object-damaged` */
export async function readStoredGlobals(context: RestoreContext): Promise<Globals> {
  const { stream } = await outputOf(context, dataName);
  return parseGlobals((await context.reader.whole(stream)).toString('utf8'));
}
