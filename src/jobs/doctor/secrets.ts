import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Findings } from './finding.ts';

/** A secret of the configuration, and how to get it. */
export interface KnownSecret {
  /** What it is: `password of app`, `identity of web1`. */
  subject: string;
  /** Gets it, as a command would, and checks what can be checked. @throws HoldfastError */
  read(): Promise<unknown>;
  /** Absolute path, where it lies in a file. */
  file?: string | undefined;
}

const othersMayWrite = 0o002;
const sticky = 0o1000;

export async function examineSecret(secret: KnownSecret, findings: Findings): Promise<void> {
  await secret.read();
  if (secret.file !== undefined) {
    const directory = dirname(secret.file);
    const { mode } = await stat(directory);
    if ((mode & othersMayWrite) !== 0 && (mode & sticky) === 0) {
      findings.problem(`Every user may put another file in the place of ${secret.file}.`, {
        why: `Its directory has the mode ${(mode & 0o7777).toString(8).padStart(4, '0')}.`,
        hint: `Run: chmod o-w ${directory}`,
      });
      return;
    }
  }
  findings.ok(secret.file === undefined ? 'It can be had.' : `${secret.file} can be read, and only by its owner.`);
}
