import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { restoreOutput } from '../command/restore.ts';
import { targetError } from '../files/target-errors.ts';
import type { RestoreContext, Shortfall } from '../source.ts';
import { outputOf, scriptName } from './manifest.ts';

/**
 * Writes `globals.sql` into a directory, made when it is missing, readable by nobody else. The file must not exist.
 *
 * Totals: `bytes`.
 *
 * @throws HoldfastError `target-exists`, `target-failed`, `object-damaged`
 */
export async function restoreGlobalsScript(
  context: RestoreContext,
  settings: { target: string },
): Promise<{ totals: Record<string, number>; shortfalls: Shortfall[] }> {
  const line = await outputOf(context, scriptName);
  await mkdir(settings.target, { recursive: true, mode: 0o700 }).catch((error) => {
    throw targetError(error, settings.target);
  });
  return restoreOutput(context, line, { target: join(settings.target, scriptName) });
}
