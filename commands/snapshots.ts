/** `holdfast snapshots`: what there is. */

import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import { warnOfIgnored } from '../src/jobs/ignored-warnings.ts';
import type { SourceSnapshots } from '../src/jobs/snapshots.ts';
import type { KnownProof } from '../src/repository/proofs.ts';
import type { Context, Start } from './context.ts';
import { openAccess } from './repository-access.ts';
import { shortId } from './views/totals.ts';

const help = `
Examples:
  $ holdfast snapshots app
  $ holdfast snapshots app --site vault
  $ holdfast snapshots pin app@2026-11-22
  $ holdfast snapshots drop app@9f3c2e1a --dry-run
`;

/** Adds the command to the program. */
export function addSnapshots(program: Command, start: Start): void {
  const snapshots = program
    .command('snapshots')
    .description('list the snapshots of every source, or of those named; pin or drop one')
    .argument('[source...]', 'names of sources (default: all)')
    .option('--site <name>', 'only what this site has')
    .addHelpText('after', help)
    .action((sources: string[], { site }: { site?: string }) => start((context) => list(context, sources, site)));
  snapshots
    .command('pin')
    .description('keep a snapshot whatever its age')
    .argument('<snapshot>', 'such as app@2026-11-22')
    .action((address: string) => start((context) => pin(context, address, { pinned: true })));
  snapshots
    .command('unpin')
    .description('let retention decide again')
    .argument('<snapshot>', 'such as app@2026-11-22')
    .action((address: string) => start((context) => pin(context, address, { pinned: false })));
  snapshots
    .command('drop')
    .description('drop one whatever retention says; prune removes it seven days later')
    .argument('<snapshot>', 'such as app@9f3c2e1a')
    .option('--dry-run', 'say what would be dropped, and drop nothing')
    .action((address: string, { dryRun = false }: { dryRun?: boolean }) =>
      start((context) => drop(context, address, { dryRun })),
    );
}

async function drop(
  context: Context,
  address: string,
  { dryRun }: { dryRun: boolean },
): Promise<ErrorCode | undefined> {
  const [{ dropSnapshot }, { formatTime }] = await Promise.all([
    import('../src/jobs/drop-snapshot.ts'),
    import('./views/times.ts'),
  ]);
  await using opened = await openAccess(context, { host: 'optional', sites: 'all' });
  const { config } = await context.config();
  const report = await dropSnapshot(opened.access, address, { dryRun });
  context.finishProgress();
  const view = () => {
    const { source, snapshot, removableFrom } = report;
    const [of, from] = [snapshot.time, removableFrom].map((time) => formatTime(time, config.rotation.timeZone));
    const done = dryRun ? 'would be dropped' : 'is dropped';
    return `${source}@${shortId(snapshot.id)} of ${of} ${done}; prune removes it after ${from}.\n`;
  };
  context.output.result('drop/1', report, view, { summary: true });
  return !dryRun && report.sites.length < config.sites.length ? 'partial' : undefined;
}

async function pin(context: Context, address: string, { pinned }: { pinned: boolean }): Promise<ErrorCode | undefined> {
  const { pinSnapshot } = await import('../src/jobs/pin.ts');
  await using opened = await openAccess(context, { host: 'optional', sites: 'all' });
  const report = await pinSnapshot(opened.access, address, pinned);
  context.finishProgress();
  context.output.result(
    'pin/1',
    report,
    () =>
      `${report.source}@${shortId(report.snapshot.id)} is ${pinned ? 'kept whatever its age' : 'no longer pinned'}.\n`,
    { summary: true },
  );
  return report.sites.length < (await context.config()).config.sites.length ? 'partial' : undefined;
}

/** Sources that this machine sees for the first time: of more than these only the number is told. */
const toldOneByOne = 5;

async function list(context: Context, names: string[], site?: string): Promise<ErrorCode | undefined> {
  const [proofs, { snapshotsOf }, { chosenSources, namesInRepository }, { snapshotsText }] = await Promise.all([
    import('../src/repository/proofs.ts'),
    import('../src/jobs/snapshots.ts'),
    import('./source-settings.ts'),
    import('./views/snapshots.ts'),
  ]);
  const { config } = await context.config();
  chosenSources(config, names);
  await using opened = await openAccess(context, { host: 'optional', sites: 'all', site, readOnly: true });
  const chosen = await namesInRepository(opened.access, config, names);
  const listings = await snapshotsOf(opened.access, chosen);
  const unseen = listings.filter(({ freshnessKnown }) => !freshnessKnown);
  for (const listing of listings) tell(context, listing, { unseen: unseen.length <= toldOneByOne });
  if (unseen.length > toldOneByOne) {
    context.emit({
      type: 'note',
      text: `This machine sees ${unseen.length} sources for the first time, so it cannot tell whether the site shows the newest.`,
    });
  }
  context.finishProgress();
  const { width, style } = context.output;
  const asked = opened.access.sites?.live.map(({ name }) => name) ?? [];
  const view = {
    width,
    style,
    timeZone: config.rotation.timeZone,
    now: context.clock.now(),
    ...(config.sites.length > 1 && site === undefined && { sites: asked }),
  };
  context.output.result('snapshots/1', { sources: listings.map((listing) => shown(listing, proofs)) }, () =>
    snapshotsText(listings, view),
  );
  return listings.some(({ rollback }) => rollback) ? 'rollback' : undefined;
}

/** @param told.unseen whether to say that this machine never saw the source before */
function tell(
  { emit }: Context,
  { source, begun, ignored, gaps, rollback, freshnessKnown }: SourceSnapshots,
  told: { unseen: boolean },
): void {
  if (!begun) emit({ type: 'note', source, text: 'It has no backup yet.' });
  warnOfIgnored(emit, source, ignored);
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
  } else if (!freshnessKnown && told.unseen) {
    emit({
      type: 'note',
      source,
      text: 'This machine sees it for the first time, so it cannot tell whether the site shows the newest.',
    });
  }
}

/** Without the lists of packs and chunks, which are long and mean nothing to a reader. */
function shown(listing: SourceSnapshots, { lastProofAt, proofsOf }: typeof import('../src/repository/proofs.ts')) {
  const { source, begun, snapshots, ignored, gaps, rollback, freshnessKnown, proofs } = listing;
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
      sites: snapshot.sites ?? [],
      proofs: proofsOf(proofs, snapshot.id).map(shownProof),
    })),
    /** When each site was last read for a proof, whatever it found. */
    lastProofs: Object.fromEntries(lastProofAt(proofs)),
  };
}

function shownProof({ id, predicate, sites }: KnownProof) {
  const { verdict, ended, site, verifier, restoreMs } = predicate;
  return { statement: id, verdict, time: ended, site: site.name, verifier, restoreMs: restoreMs ?? null, sites };
}
