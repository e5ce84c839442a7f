/** `holdfast snapshots`: what there is. */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { SourceSnapshots } from '../src/jobs/snapshots.ts';
import type { Context, Start } from './context.ts';
import { openAccess } from './repository-access.ts';

/** Adds the command to the program. */
export function addSnapshots(program: Command, start: Start): void {
  program
    .command('snapshots')
    .description('list the snapshots of every source, or of those named')
    .argument('[source...]', 'names of sources (default: all)')
    .addHelpText('after', '\nExample:\n  $ holdfast snapshots app\n')
    .action((sources: string[]) => start((context) => list(context, sources)));
}

async function list(context: Context, names: string[]): Promise<ErrorCode | undefined> {
  const [{ snapshotsOf }, { chosenSources }, { snapshotsText }] = await Promise.all([
    import('../src/jobs/snapshots.ts'),
    import('./source-settings.ts'),
    import('./views/snapshots.ts'),
  ]);
  const { config } = await context.config();
  const chosen = chosenSources(config, names).map(({ name }) => name);
  await using opened = await openAccess(context, { host: 'optional' });
  const listings = await snapshotsOf(opened.access, chosen);
  for (const listing of listings) tell(context, listing);
  context.finishProgress();
  const { width, style } = context.output;
  const view = { width, style, timeZone: config.rotation.timeZone, now: context.clock.now() };
  context.output.result('snapshots/1', { sources: listings.map(shown) }, () => snapshotsText(listings, view));
  return listings.some(({ rollback }) => rollback) ? 'rollback' : undefined;
}

function tell({ emit }: Context, { source, begun, ignored, gaps, rollback, freshnessKnown }: SourceSnapshots): void {
  if (!begun) emit({ type: 'note', source, text: 'It has no backup yet.' });
  for (const { object, why } of ignored) emit({ type: 'warning', source, text: `${object} does not count: ${why}` });
  for (const { after, missing } of gaps) {
    emit({ type: 'warning', source, text: `Snapshot ${missing} is missing; ${after} follows it.` });
  }
  if (rollback) {
    const { known, shown } = rollback;
    emit({
      type: 'warning',
      source,
      text: `The site was rolled back: this machine has seen number ${known.sequence}, it shows ${shown ? `number ${shown.sequence}` : 'none'}.`,
      hint: 'Look for another copy of the site, and for who changed this one.',
    });
  } else if (!freshnessKnown) {
    emit({
      type: 'note',
      source,
      text: 'This machine sees it for the first time, so it cannot tell whether the site shows the newest.',
    });
  }
}

/** Without the lists of packs and chunks, which are long and mean nothing to a reader. */
function shown({ source, begun, snapshots, ignored, gaps, rollback, freshnessKnown }: SourceSnapshots) {
  return {
    source,
    begun,
    freshnessKnown,
    rollback: rollback ?? null,
    ignored,
    gaps,
    snapshots: snapshots.map((snapshot) => ({
      id: snapshot.id,
      sequence: snapshot.sequence,
      time: snapshot.time,
      type: snapshot.type,
      tags: snapshot.tags,
      totals: snapshot.totals,
      shortfalls: snapshot.shortfalls,
      previous: snapshot.previous,
      signer: snapshot.signer,
      packs: snapshot.packs.length,
    })),
  };
}
