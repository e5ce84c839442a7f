/** What `init` cannot do without. */
import { lstat } from 'node:fs/promises';
import { HoldfastError, systemCode } from '../../src/base/errors.ts';
import type { Answers } from './answers.ts';

/** @throws HoldfastError `target-exists` when there is a configuration: it may hold what nobody could make again */
export async function assertFree(configPath: string): Promise<void> {
  try {
    await lstat(configPath);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return;
    throw error;
  }
  throw new HoldfastError('target-exists', `There is a configuration already: ${configPath}`, {
    why: '`init` never overwrites anything.',
    hint: 'Edit it, then open a new site with `holdfast init --existing`; or choose another file with -c.',
  });
}

/** @throws HoldfastError `usage` that names every flag that is missing */
export function assertAnswered(answers: Partial<Answers>): Answers {
  const { site, newOwners = [], publicOwners = [], sources = [] } = answers;
  const missing = [
    !site?.path && '--site',
    !site?.operator && '--operator',
    !site?.country && '--country',
    newOwners.length + publicOwners.length === 0 && '--owner or --owner-public',
    sources.length === 0 && '--postgres or --files',
  ].filter((flag) => flag !== false);
  if (missing.length === 0) return answers as Answers;
  throw new HoldfastError('usage', `Missing: ${missing.join(', ')}.`, {
    why: 'There is nobody to ask, and none of these can be guessed.',
    hint: 'Give them as flags, or run `holdfast init` on a terminal. `holdfast init --help` shows an example.',
  });
}
