import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { formatBytes, MiB } from '../../base/units.ts';
import type { Findings } from './finding.ts';

/** Less than this is no room: a few packs and their index. */
export const almostNothing = 64 * MiB;

/**
 * Bytes that this user may still write below `path`, which need not exist yet.
 *
 * @throws HoldfastError when it could not be used
 */
export async function freeBytes(path: string): Promise<number> {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      if (!(await stat(at)).isDirectory()) throw unusable(path, `${at} is no directory.`);
      await access(at, constants.W_OK);
      return bavail * bsize;
    } catch (error) {
      if (error instanceof HoldfastError) throw error;
      const code = systemCode(error);
      if (code === 'ENOENT' && dirname(at) !== at) continue;
      throw unusable(path, code === 'ENOTDIR' ? 'A part of its path is no directory.' : `The system says ${code}.`);
    }
  }
}

function unusable(path: string, why: string): HoldfastError {
  return new HoldfastError('failed', `${path} cannot be written to.`, {
    why,
    hint: 'Check its path, its permissions and its disk.',
  });
}

/**
 * @param where `the state directory`
 * @param needed bytes that the next run may need at most; undefined when nobody knows
 */
export function judgeRoom(findings: Findings, where: string, free: number, needed?: number): void {
  if (free < almostNothing) {
    findings.problem(`Only ${formatBytes(free)} are free for ${where}.`, {
      hint: 'Free space there, or use another disk.',
    });
  } else if (needed !== undefined && free < needed) {
    findings.warn(
      `${formatBytes(free)} are free for ${where}, and a first backup of all sources may need ${formatBytes(needed)}.`,
      {
        why: 'That is half of what they hold; how well it compresses is known only afterwards.',
        hint: 'Watch it, or use a larger disk.',
      },
    );
  } else {
    findings.ok(`${formatBytes(free)} are free for ${where}.`);
  }
}
