import { HoldfastError } from '../../base/errors.ts';
import type { RestoreContext } from '../source.ts';
import { type ByteText, fromPathText, shownPath } from './byte-text.ts';
import { type Entry, entriesOf } from './entries.ts';
import type { EntryLine } from './manifest.ts';
import { Selection } from './selection.ts';

/** What a restore will write. Made from the whole manifest before anything is written. */
export interface RestorePlan {
  totals: {
    files: number;
    directories: number;
    symlinks: number;
    specials: number;
    hardLinks: number;
    bytes: number;
  };
  /**
   * Of hard links whose first name is not among the selected paths: by that first name, the selected one that is written
   * in its place.
   */
  stand: Map<ByteText, { by: ByteText; first: EntryLine & { kind: 'file' } }>;
  /** The manifest's entries that are to be restored. */
  entries(): AsyncGenerator<Entry, void, undefined>;
}

/**
 * Reads and checks the whole manifest.
 *
 * @param paths only these, what is under them, and the directories above them; everything when left out
 * @throws HoldfastError `object-damaged` for a manifest that cannot be trusted, `not-found` for a path that is not in it
 */
export async function planRestore(context: RestoreContext, paths?: readonly string[]): Promise<RestorePlan> {
  const selection = paths === undefined ? undefined : new Selection(paths);
  const isWanted = ({ path, line }: Entry) =>
    selection === undefined || selection.covers(path) || (line.kind === 'directory' && selection.leadsTo(path));
  const totals = { files: 0, directories: 0, symlinks: 0, specials: 0, hardLinks: 0, bytes: 0 };
  const stand: RestorePlan['stand'] = new Map();
  /** First names that were passed over; only a selection has any use for them. */
  const passed = new Map<ByteText, EntryLine & { kind: 'file' }>();
  const firsts = selection === undefined ? undefined : await firstNames(context);
  for await (const entry of entriesOf(context.lines(), (root) => selection?.setRoot(root))) {
    context.signal.throwIfAborted();
    const { path, line } = entry;
    if (!isWanted(entry)) {
      if (line.kind === 'file' && firsts?.has(path)) passed.set(path, line);
      continue;
    }
    if (line.kind === 'directory') totals.directories++;
    else if (line.kind === 'symlink') totals.symlinks++;
    else if (line.kind !== 'file') totals.specials++;
    else {
      const first = line.hardLinkOf === undefined ? undefined : fromPathText(line.hardLinkOf);
      const missed = first === undefined ? undefined : passed.get(first);
      if (missed !== undefined && !stand.has(first!)) {
        stand.set(first!, { by: path, first: missed });
        totals.files++;
        totals.bytes += missed.size;
      } else if (first !== undefined) totals.hardLinks++;
      else {
        totals.files++;
        totals.bytes += line.size;
      }
    }
  }
  selection?.assertFound();
  return {
    totals,
    stand,
    async *entries() {
      for await (const entry of entriesOf(context.lines())) if (isWanted(entry)) yield entry;
    },
  };
}

/** First names of all sets of hard links. */
async function firstNames(context: RestoreContext): Promise<Set<ByteText>> {
  const names = new Set<ByteText>();
  for await (const { line } of entriesOf(context.lines())) {
    if (line.kind === 'file' && line.hardLinkOf !== undefined) names.add(fromPathText(line.hardLinkOf));
  }
  return names;
}

/** The file that a hard link is to be made to. @throws HoldfastError `object-damaged` */
export function linkTarget(plan: RestorePlan, { path, line }: Entry): ByteText {
  if (line.kind !== 'file' || line.hardLinkOf === undefined) {
    throw new HoldfastError('internal', `${shownPath(path)} is no hard link.`);
  }
  const first = fromPathText(line.hardLinkOf);
  return plan.stand.get(first)?.by ?? first;
}
