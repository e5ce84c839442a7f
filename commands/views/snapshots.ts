/** Snapshots, the newest last: where a terminal ends. */
import type { SourceSnapshots } from '../../src/jobs/snapshots.ts';
import { type KnownProof, proofsOf } from '../../src/repository/proofs.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';
import { formatAge, formatTime } from './times.ts';
import { shortId, totalsText } from './totals.ts';

export interface SnapshotsView {
  width?: number | undefined;
  style: Style;
  timeZone: string;
  /** Milliseconds since the epoch. */
  now: number;
  /** Names of the sites that were asked, where there are several: then it is told which have what. */
  sites?: readonly string[];
}

export function snapshotsText(listings: readonly SourceSnapshots[], view: SnapshotsView): string {
  const rows = listings.flatMap(({ source, snapshots, proofs }) =>
    snapshots.map((snapshot) => ({ source, snapshot, proof: toldProof(proofsOf(proofs, snapshot.id)) })),
  );
  const { sites: asked } = view;
  const place = {
    title: 'SITES',
    value: ({ snapshot: { sites = [] } }: (typeof rows)[number]) =>
      asked?.every((site) => sites.includes(site)) ? 'all' : sites.join(', '),
  };
  return table(
    [
      { title: 'SNAPSHOT', value: ({ source, snapshot }) => `${source}@${shortId(snapshot.id)}` },
      { title: 'NO.', value: ({ snapshot }) => String(snapshot.sequence), align: 'right' },
      { title: `TIME (${view.timeZone})`, value: ({ snapshot }) => formatTime(snapshot.time, view.timeZone) },
      { title: 'AGE', value: ({ snapshot }) => formatAge(snapshot.time, view.now), align: 'right' },
      ...(asked ? [place] : []),
      {
        title: 'PROVEN',
        value: ({ proof }) => provenText(proof, view.now),
        paint: (text, { proof }) => (proof?.predicate.verdict === 'fail' ? view.style.red(text) : text),
      },
      { title: 'TAGS', value: ({ snapshot }) => snapshot.tags.join(' '), cut: 'end' },
      {
        title: 'LACKS',
        value: ({ snapshot }) => {
          const count = snapshot.shortfalls.filter(({ degrades }) => degrades).length;
          return count === 0 ? '' : String(count);
        },
        align: 'right',
        paint: (text) => view.style.yellow(text),
      },
      { title: 'CONTENT', value: ({ snapshot }) => totalsText(snapshot.totals), cut: 'end' },
    ],
    rows,
    view,
  );
}

/** Of several about one snapshot the newest that decided something, else the newest. */
function toldProof(proofs: readonly KnownProof[]): KnownProof | undefined {
  return proofs.find(({ predicate: { verdict } }) => verdict === 'pass' || verdict === 'fail') ?? proofs[0];
}

const verdictWords = { pass: 'yes', sampled: 'a sample', 'could-not-verify': 'could not', fail: 'FAILED' } as const;

function provenText(proof: KnownProof | undefined, now: number): string {
  if (!proof) return 'never';
  const { verdict, ended, site } = proof.predicate;
  return `${verdictWords[verdict]}, ${formatAge(ended, now)}, from ${site.name}`;
}
