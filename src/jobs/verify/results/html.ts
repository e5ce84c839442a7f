/**
 * A report as one page for people: a manager reads its head, an auditor all of it. It is complete in itself: nothing is
 * fetched, and no script runs.
 */
import type { SnapshotProof, VerifyReport } from '../report.ts';
import { escaped } from './markup.ts';
import type { TrendPoint } from './page-charts.ts';
import { badge, fact, proofSection, siteText, timeTag } from './page-proof.ts';
import { pageShell, pageTable } from './page-shell.ts';
import { durationText, momentText, plural, verdictWords } from './page-words.ts';

export interface PageOptions {
  /** Of the IANA database: in which times are told. */
  timeZone: string;
  /** Proofs of the past: source name → what its signed statements tell. */
  history: ReadonlyMap<string, readonly TrendPoint[]>;
}

/** The page, as UTF-8 text. */
export function pageOf(report: VerifyReport, { timeZone, history }: PageOptions): string {
  const { verdict, proofs, started, version } = report;
  const words = verdictWords[verdict];
  const sections = proofs.map((proof, at) =>
    proofSection(proof, { anchor: `proof-${at + 1}`, trend: trendFor(proof, history), timeZone }),
  );
  return pageShell({
    title: `${words.short}: proof of restore, ${momentText(started, timeZone)}`,
    kicker: 'Holdfast · proof of restore',
    verdict,
    said: words,
    content: `<dl class="facts">
${fact('Begun', timeTag(started, timeZone))}
${fact('Took', durationText(report.durationMs))}
${fact('Proven by', escaped(distinct(proofs.flatMap((proof) => proof.verifier ?? [])) || 'nobody signed'))}
${fact('Read from', escaped(distinct(proofs.map((proof) => siteText(proof.site))) || 'no site'))}
${fact('Scope', plural(proofs.length, 'source'))}
${fact('Program', `holdfast ${escaped(version)}`)}
${fact('Times are in', escaped(timeZone))}
</dl>
${proofs.length > 1 ? overview(proofs, timeZone) : ''}
${sections.join('')}`,
    foot: `<p>Each source was restored in full from the one site named, into a scratch place that is thrown away, and held against the fingerprints that were
taken in the same database snapshot, or reading of the tree, as the backup. A check that could not be made never counts as a pass.</p>
<p>This page is for reading. What it says is signed: whoever has the statement checks it, with public keys alone, by
<code>holdfast verify --offline-statement FILE</code>.</p>`,
  });
}

function overview(proofs: readonly SnapshotProof[], timeZone: string): string {
  const rows = proofs.map((proof, at) => {
    const { source, snapshot, site, verdict, restoreMs } = proof;
    const cell = (label: string, html: string) => `<td role="cell" data-label="${label}">${html}</td>`;
    return `<tr role="row"${verdict === 'fail' ? ' class="bad"' : ''}><th scope="row" role="rowheader"><a href="#proof-${at + 1}">${escaped(source)}</a></th>${cell('Verdict', badge(verdict))}${cell(
      'Data of',
      snapshot ? timeTag(snapshot.time, timeZone) : '–',
    )}${cell('Site', escaped(siteText(site)))}${cell('Restored in', restoreMs === undefined ? '–' : durationText(restoreMs))}</tr>`;
  });
  const head = ['Source', 'Verdict', 'Data of', 'Site', 'Restored in'];
  return pageTable({ title: 'Overview', anchor: 'overview', head, rows });
}

/** The past of its source, with the proof itself as its end. */
function trendFor(proof: SnapshotProof, history: PageOptions['history']): TrendPoint[] {
  const { ended, verdict, site, restoreMs } = proof;
  const own = { ended, verdict, site: site.name, ...(restoreMs !== undefined && { restoreMs }) };
  const past = (history.get(proof.source) ?? []).filter((point) => point.ended !== ended || point.site !== site.name);
  return [...past, own];
}

function distinct(texts: readonly string[]): string {
  return [...new Set(texts)].join('; ');
}
