/** The part of the page about one proof. */
import type { Check } from '../../../sources/source.ts';
import type { ContentProof, SnapshotProof, VerifyCheck } from '../report.ts';
import { escaped } from './markup.ts';
import { objectiveBar, type TrendPoint, trendChart } from './page-charts.ts';
import {
  bytesText,
  countText,
  durationText,
  figureText,
  momentText,
  plural,
  verdictSymbol,
  verdictWords,
} from './page-words.ts';

/** Equal tables that are shown one by one; those that differ are shown all. */
const equalShown = 300;
/** Findings of one check. */
const findingsShown = 2_000;

export function badge(verdict: SnapshotProof['verdict']): string {
  const symbol = verdictSymbol[verdict];
  return `<span class="badge v-${verdict}"><span aria-hidden="true">${symbol}</span> ${verdictWords[verdict].short}</span>`;
}

/** A name and its value, in a list of facts. @param html of the value */
export function fact(name: string, html: string | undefined, wide = false): string {
  if (html === undefined) return '';
  return `<div${wide ? ' class="wide"' : ''}><dt>${escaped(name)}</dt><dd>${html}</dd></div>`;
}

export function timeTag(time: string, timeZone: string): string {
  return `<time datetime="${escaped(time)}">${escaped(momentText(time, timeZone))}</time>`;
}

export function siteText({ name, operator, country }: SnapshotProof['site']): string {
  const about = [operator, country].filter((part) => part !== undefined).join(', ');
  return about === '' ? name : `${name} (${about})`;
}

export interface ProofSection {
  /** Id of its element. */
  anchor: string;
  trend: readonly TrendPoint[];
  timeZone: string;
}

export function proofSection(proof: SnapshotProof, { anchor, trend, timeZone }: ProofSection): string {
  const { source, snapshot, site, verdict, error } = proof;
  const about = snapshot
    ? `Snapshot <code>${escaped(snapshot.id.slice(0, 8))}</code>, number ${snapshot.sequence}, of ${timeTag(snapshot.time, timeZone)}, restored from ${escaped(siteText(site))}`
    : `From ${escaped(siteText(site))}; no snapshot could be opened`;
  const why = error
    ? `<p class="why v-${verdict}">${escaped([error.message, error.why].filter(Boolean).join(' '))}</p>`
    : '';
  return `<article id="${anchor}" aria-labelledby="${anchor}-title">
<div class="headline"><h2 id="${anchor}-title">${escaped(source)}</h2>${badge(verdict)}</div>
<p class="lead">${about}.</p>${why}
${facts(proof, timeZone)}
<h3>What was asked, and the answers</h3>
<ol class="checks">${proof.checks.map(checkItem).join('')}</ol>
${objectives(proof)}${contents(proof)}
<h3>How long restores took</h3>
${trendChart(trend, proof.objectives.restoreTimeMs, timeZone)}
</article>
`;
}

function facts(proof: SnapshotProof, timeZone: string): string {
  const { snapshot, scratch, statement, verifier, sample, manifestSha256 } = proof;
  const where = {
    local: 'a server of its own on this machine',
    server: 'a scratch database on a server',
    embedded: 'an embedded PostgreSQL',
    directory: 'a scratch directory',
  };
  const scratchText = scratch && `${where[scratch.kind]}${scratch.version ? `, PostgreSQL ${scratch.version}` : ''}`;
  const list = [
    fact('Begun', timeTag(proof.started, timeZone)),
    fact('Restored in', proof.restoreMs === undefined ? 'it did not come to its end' : durationText(proof.restoreMs)),
    fact('Whole proof', durationText(proof.durationMs)),
    fact('Read from the site', `${bytesText(proof.readBytes)} of ${plural(proof.packs, 'pack')}`),
    fact('Restored into', scratchText && escaped(scratchText)),
    fact('Backed up by', snapshot && escaped(snapshot.signer)),
    fact('Proven by', verifier === undefined ? undefined : escaped(verifier)),
    fact('Sample', sample && `${countText(sample.share * 100)} %, seed <code>${escaped(sample.seed)}</code>`),
    fact('Snapshot object, SHA-256', snapshot && `<code>${escaped(snapshot.id)}</code>`, true),
    fact('Manifest, SHA-256', manifestSha256 && `<code>${escaped(manifestSha256)}</code>`, true),
    fact(
      'Signed statement, SHA-256',
      statement
        ? `<code>${escaped(statement.sha256)}</code>${statement.sites.length > 0 ? `, at ${escaped(statement.sites.join(', '))}` : ''}`
        : 'none: nobody signed this proof, or it could not be stored',
      true,
    ),
  ];
  return `<dl class="facts">${list.join('')}</dl>`;
}

function checkItem(check: VerifyCheck): string {
  const { title, verdict, durationMs, equal, figures, findings, why } = check;
  const what = [
    ...(equal > 0 ? [`${countText(equal)} equal`] : []),
    ...Object.entries(figures).map(([name, value]) => figureText(name, value)),
  ].join(' · ');
  return `<li><span class="title">${escaped(title)}</span><span class="state">${badge(verdict)}<span class="took">${durationMs > 0 ? durationText(durationMs) : ''}</span></span>${
    what === '' ? '' : `<span class="what">${escaped(what)}</span>`
  }${why === undefined ? '' : `<p class="why v-${verdict}">${escaped(why)}</p>`}${findingList(findings)}</li>`;
}

const findingWords: Record<Check['verdict'], string> = {
  equal: 'equal',
  differs: 'differs',
  'could-not-compare': 'could not be compared',
};

function findingList(findings: readonly Check[]): string {
  if (findings.length === 0) return '';
  const items = findings
    .slice(0, findingsShown)
    .map(
      ({ kind, object, verdict, detail }) =>
        `<li>${escaped(kind)} <strong>${escaped(object)}</strong> ${findingWords[verdict]}${detail === undefined ? '' : `: ${escaped(detail)}`}</li>`,
    );
  if (findings.length > findingsShown) items.push(`<li>and ${countText(findings.length - findingsShown)} more</li>`);
  return `<ul class="findings">${items.join('')}</ul>`;
}

function objectives({ objectives: { restoreTimeMs, dataAgeMs }, restoreMs, snapshot, started }: SnapshotProof): string {
  const bars: string[] = [];
  if (restoreTimeMs !== undefined) {
    if (restoreMs !== undefined) bars.push(objectiveBar('Time to restore', restoreMs, restoreTimeMs));
    else bars.push(`<p>Time to restore: not known; the objective is ${durationText(restoreTimeMs)}.</p>`);
  }
  if (dataAgeMs !== undefined && snapshot) {
    bars.push(
      objectiveBar('Age of the data when the proof began', Date.parse(started) - Date.parse(snapshot.time), dataAgeMs),
    );
  }
  return bars.length === 0 ? '' : `<h3>Objectives</h3>\n${bars.join('\n')}\n`;
}

/** Every table that did not come back as it was, and the first hundreds of the others, the largest first. */
function contents({ contents: all, type }: SnapshotProof): string {
  if (all.length === 0) return '';
  const name = type === 'postgres' ? 'table' : type === 'files' ? 'tree' : 'stream';
  const isEqual = ({ source, restored }: ContentProof) => source === restored;
  const bad = all.filter((content) => !isEqual(content));
  const good = all.filter(isEqual).sort((a, b) => b.bytes - a.bytes);
  const shown = [...bad, ...good.slice(0, equalShown)];
  const hasRows = all.some(({ rows }) => rows !== undefined);
  const left = good.length - equalShown;
  const rest = good.slice(equalShown).reduce((sum, { rows = 0 }) => sum + rows, 0);
  const more =
    left > 0
      ? `<p>And ${plural(left, `more ${name}`)}${hasRows ? ` with ${plural(rest, 'row')}` : ''}, all of them equal. The signed statement covers each.</p>`
      : '';
  const caption = `${plural(all.length, name)}: ${countText(good.length)} equal, ${countText(bad.length)} not. A fingerprint is a SHA-256 of the content${all.some(({ method }) => method === 'row-sum') ? ', or a sum over its rows where their order cannot be kept' : ''}; its first 16 digits are shown.`;
  const head = ['Name', ...(hasRows ? ['Rows'] : []), 'Size', 'Backed up', 'Restored'];
  const headCells = head
    .map(
      (title) =>
        `<th scope="col" role="columnheader"${['Rows', 'Size'].includes(title) ? ' class="number"' : ''}>${title}</th>`,
    )
    .join('');
  return `<h3>Every ${name}</h3>
<div class="scroll" role="region" aria-label="Every ${name}" tabindex="0"><table class="stack" role="table"><caption>${escaped(caption)}</caption>
<thead role="rowgroup"><tr role="row">${headCells}</tr></thead>
<tbody role="rowgroup">${shown.map((content) => contentRow(content, hasRows, isEqual(content))).join('')}</tbody></table></div>${more}
`;
}

function contentRow({ object, rows, bytes, source, restored }: ContentProof, hasRows: boolean, equal: boolean): string {
  const cell = (label: string, html: string, kind = '') => `<td role="cell" data-label="${label}"${kind}>${html}</td>`;
  const print = (text: string) => `<code>${escaped(text.slice(0, 16))}</code>`;
  const back =
    restored === undefined ? '? not read' : `${equal ? '✓' : '✕'} ${print(restored)}${equal ? '' : ' differs'}`;
  return `<tr role="row"${equal ? '' : ' class="bad"'}><th scope="row" role="rowheader">${escaped(object)}</th>${
    hasRows ? cell('Rows', rows === undefined ? '–' : countText(rows), ' class="number"') : ''
  }${cell('Size', bytesText(bytes), ' class="number"')}${cell('Backed up', print(source))}${cell('Restored', back)}</tr>`;
}
