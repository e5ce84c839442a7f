import { HoldfastError } from '../../base/errors.ts';
import type { ManifestLine, RestoreContext } from '../source.ts';
import { fromPathText, shownPath } from './byte-text.ts';
import { entriesOf } from './entries.ts';
import type { EntryLine } from './manifest.ts';
import { Selection } from './selection.ts';

export interface ListedEntry {
  /** With what would break a line or drive a terminal escaped. */
  shownPath: string;
  /** Of a symlink, likewise. */
  shownTarget?: string;
  line: EntryLine;
}

/**
 * The entries of a files manifest, in walk order.
 *
 * @param options.path only this one and what is under it
 * @throws HoldfastError `not-found` when nothing is called so, `object-damaged`
 */
export async function* listFiles(
  lines: AsyncIterable<ManifestLine>,
  options: { path?: string } = {},
): AsyncGenerator<ListedEntry, void, undefined> {
  const selection = options.path === undefined ? undefined : new Selection([options.path]);
  for await (const { path, line } of entriesOf(lines, (root) => selection?.setRoot(root))) {
    if (selection !== undefined && !selection.covers(path)) continue;
    const target = line.kind === 'symlink' ? { shownTarget: shownPath(fromPathText(line.target)) } : {};
    yield { shownPath: shownPath(path), ...target, line };
  }
  selection?.assertFound();
}

/**
 * The content of one regular file.
 *
 * @throws HoldfastError `not-found` when the snapshot has no regular file of this path; what reading a stream throws
 */
export async function* catFile(context: RestoreContext, path: string): AsyncGenerator<Buffer, void, undefined> {
  let found = await findEntry(context, new Selection([path]));
  if (found.kind === 'file' && found.hardLinkOf !== undefined) {
    // As it is written in the manifest; not to be taken for an absolute path.
    const first = fromPathText(found.hardLinkOf);
    for await (const entry of entriesOf(context.lines())) {
      if (entry.path !== first) continue;
      found = entry.line;
      break;
    }
  }
  if (found.kind !== 'file') {
    throw new HoldfastError('not-found', `${JSON.stringify(path)} is no regular file.`, {
      why: `In the snapshot it is a ${found.kind}.`,
      hint: 'Restore it with `holdfast restore --path`, or list it with `holdfast ls`.',
    });
  }
  if (found.stream !== undefined) yield* context.reader.read(found.stream);
}

async function findEntry(context: RestoreContext, selection: Selection): Promise<EntryLine> {
  for await (const { path, line } of entriesOf(context.lines(), (root) => selection.setRoot(root))) {
    // An entry under the one that was asked for comes after it.
    if (selection.covers(path)) return line;
  }
  selection.assertFound();
  throw new HoldfastError('internal', 'A selection found nothing and missed nothing.');
}
