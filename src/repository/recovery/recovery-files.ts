import { readFileSync } from 'node:fs';
import { sha256Hex } from '../../crypt/secrets.ts';

/** What lies on every site so that it can be restored without Holdfast. */
export interface RecoveryFiles {
  /** Bash; needs only programs that Debian packages. */
  recoverScript: string;
  recoveryText: string;
  /** Of the script, lower-case hex: printed on escrow sheets, so that a swapped script is never run. */
  recoverScriptSha256: string;
}

let files: RecoveryFiles | undefined;

/**
 * The files beside this module, read once. They are kept as files, not as text in code, so that they can be linted, and
 * compared with what lies on a site.
 */
export function recoveryFiles(): RecoveryFiles {
  if (files === undefined) {
    const recoverScript = read('recover.sh');
    files = { recoverScript, recoveryText: read('RECOVERY.md'), recoverScriptSha256: sha256Hex(recoverScript) };
  }
  return files;
}

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}
