import { closeSync, constants, openSync } from 'node:fs';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { formatCount } from '../../base/units.ts';
import { shownPath } from '../../sources/files/byte-text.ts';
import { Excludes } from '../../sources/files/excludes.ts';
import { reasonOf } from '../../sources/files/kinds.ts';
import { openAt, openFlags } from '../../sources/files/posix.ts';
import { walk } from '../../sources/files/walk.ts';
import type { FilesSettings } from '../source-settings.ts';
import type { Findings } from './finding.ts';

/** Entries looked at; a tree may hold millions. */
const bound = 20_000;

/** Walks the beginning of a tree, and opens what it finds. @returns bytes of the files seen; undefined when not all were */
export function examineFiles(settings: FilesSettings, findings: Findings): number | undefined {
  const excludes = new Excludes(settings.exclude);
  const root = openRoot(settings.path);
  const unreadable: string[] = [];
  let [seen, files, bytes, whole] = [0, 0, 0, true];
  try {
    const choices = {
      oneFileSystem: settings.oneFileSystem,
      excluded: excludes.excludes.bind(excludes),
    };
    for (const entry of walk(root, choices)) {
      if (++seen > bound) {
        whole = false;
        break;
      }
      if (entry.type === 'problem') {
        if (entry.what !== 'type') unreadable.push(shownPath(entry.path));
      } else if (entry.kind === 'file') {
        files++;
        bytes += Number(entry.facts.size);
        try {
          closeSync(openAt(entry.parent, entry.name, openFlags.read));
        } catch {
          unreadable.push(shownPath(entry.path));
        }
      }
    }
  } finally {
    closeSync(root);
  }
  const looked = `${files === 1 ? 'one file' : `${formatCount(files)} files`} seen${whole ? '' : `, the first of ${formatCount(bound)} entries and more`}`;
  if (unreadable.length > 0) {
    findings.problem(
      `${unreadable.length === 1 ? 'One entry' : `${formatCount(unreadable.length)} entries`} cannot be read; ${looked}.`,
      {
        why: `Among them ${unreadable.slice(0, 3).join(', ')}.`,
        hint: 'Run backups as an account that may read them, or name them under exclude.',
      },
    );
  } else if (files === 0 && whole) {
    findings.warn(`There is no file in ${settings.path}.`, {
      hint: 'Is its disk mounted, and is nothing excluded that should not be?',
    });
  } else {
    findings.ok(`${settings.path} can be read: ${looked}.`);
  }
  return whole ? bytes : undefined;
}

function openRoot(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    const code = systemCode(error);
    throw new HoldfastError('source-failed', `The directory ${path} cannot be opened.`, {
      why: code === 'ENOENT' ? 'It does not exist.' : `It is no directory, or ${reasonOf(code)}.`,
      hint: 'Check `path`, and that its disk is mounted.',
      cause: error,
    });
  }
}
