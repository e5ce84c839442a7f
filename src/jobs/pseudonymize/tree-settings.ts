/** What a pseudonymized copy of a tree is asked for, what it came to, and how an entry is told without its name. */
import { HoldfastError } from '../../base/errors.ts';
import type { Emit } from '../../base/events.ts';
import type { FileType } from '../../pseudonyms/files/detect.ts';
import type { FileContent, TreeRule } from '../../pseudonyms/files/tree-rules.ts';
import type { PseudonymKey } from '../../pseudonyms/keys.ts';
import { reasonOf } from '../../sources/files/kinds.ts';
import type { Facts } from '../../sources/files/posix.ts';

export interface TreeSettings {
  /** An existing directory. */
  source: string;
  /** A directory that does not exist or is empty, outside of the source. */
  target: string;
  /** The first one that fits decides; a file that none fits ends the copy. */
  rules: readonly TreeRule[];
  /** Of this copy. */
  key: PseudonymKey;
  /** Domains of kinds, for parts of paths that name none; those of columns by default. */
  domains?: Readonly<Record<string, string>> | undefined;
  /** Modification times in the copy: one moment for all, or the day (UTC) of each. */
  times?: 'constant' | 'day' | undefined;
  /** Whether a tree that has the target's name, and was made so too, gives it up. */
  replace?: boolean | undefined;
  emit: Emit;
  signal: AbortSignal;
}

export interface RuleReport {
  /** As it was written. */
  path: string;
  content: FileContent;
  reason?: string;
  /** Files and other entries that it decided on. */
  entries: number;
}

/** What a copy came to. Holds no name and no content of the source. */
export interface TreeReport {
  keyFingerprint: string;
  target: string;
  rules: RuleReport[];
  /** Files in the copy, and those of the source that are not in it. */
  files: { kept: number; placeholders: number; rewritten: number; dropped: number };
  /** How many placeholders of each type. */
  types: Partial<Record<FileType, number>>;
  directories: number;
  /** Directories of the source in which nothing was left. */
  emptyDirectories: number;
  /** Of contents written. */
  bytes: number;
}

const inodeOf = ({ inodeHigh, inodeLow }: Facts) => BigInt(inodeHigh) * 2n ** 32n + BigInt(inodeLow);
/** How an operator finds an entry whose name is not told. */
export const findIt = (source: string, facts: Facts) =>
  `\`find ${source} -inum ${inodeOf(facts)}\` shows ${facts.links > 1 ? 'them' : 'it'}.`;

/** `source-failed` */
export function unreadable(source: string, code: string | undefined, facts?: Facts): HoldfastError {
  return new HoldfastError('source-failed', `An entry of ${source} cannot be read.`, {
    why: `Of one of them: ${reasonOf(code)}.`,
    hint: facts === undefined ? 'Run it as a user who may read all of it.' : findIt(source, facts),
  });
}
