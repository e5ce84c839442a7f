import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { CommandSettings, Environment } from '../source-settings.ts';
import type { Findings } from './finding.ts';

/** Whether the program of a command source is there. It is not run: nobody knows what that would do. */
export async function examineCommand(
  settings: CommandSettings,
  environment: Environment,
  findings: Findings,
): Promise<void> {
  const { command } = settings;
  if (typeof command === 'string') {
    findings.ok('Its command is a text for the shell, which only a backup can try.');
    return;
  }
  const [program = ''] = command;
  const places = program.includes('/')
    ? [program]
    : (environment.PATH ?? '')
        .split(delimiter)
        .filter(Boolean)
        .map((directory) => join(directory, program));
  for (const place of places) {
    if (await isProgram(place)) {
      findings.ok(`Its program is ${place}; it was not run.`);
      return;
    }
  }
  findings.problem(`There is no program ${program}.`, {
    why: program.includes('/')
      ? 'It is missing, or this account may not run it.'
      : 'It is not on the PATH of this account.',
    hint: 'Install it, or write its whole path; cron and systemd have a PATH of their own.',
  });
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
