/** What a verification found, for people. */
import { formatBytes, formatCount, formatDuration } from '../../src/base/units.ts';
import type { PlannedProof } from '../../src/jobs/verify/plan.ts';
import type { SnapshotProof, Verdict, VerifyCheck, VerifyReport } from '../../src/jobs/verify/report.ts';
import type { Style } from './style.ts';
import { facts, table } from './table.ts';
import { formatTime, plural } from './times.ts';
import { shortId, totalsText } from './totals.ts';
import { printable } from './width.ts';

export interface VerifyView {
  style: Style;
  width?: number | undefined;
  timeZone: string;
}

const words: Record<Verdict, string> = {
  pass: 'pass',
  sampled: 'sampled',
  'could-not-verify': 'could not verify',
  fail: 'FAIL',
};

/** Findings of one check that are shown; the document has all. */
const shownAtMost = 10;

export function verifyText(report: VerifyReport, view: VerifyView): string {
  const { style } = view;
  const count = (verdict: Verdict) => report.proofs.filter((proof) => proof.verdict === verdict).length;
  const told = (['pass', 'sampled', 'could-not-verify', 'fail'] as const)
    .filter((verdict) => count(verdict) > 0)
    .map((verdict) => painted(`${count(verdict)} ${words[verdict]}`, verdict, style));
  const verdict =
    report.proofs.length === 0
      ? painted('There is nothing to verify, so nothing is proven.', 'could-not-verify', style)
      : `${plural(report.proofs.length, 'proof')} in ${formatDuration(report.durationMs)}: ${told.join(', ')}`;
  return `${report.proofs.map((proof) => `${proofText(proof, view)}\n`).join('')}${verdict}\n`;
}

function proofText(proof: SnapshotProof, view: VerifyView): string {
  const { style, width, timeZone } = view;
  const { snapshot, site, scratch, error, checks } = proof;
  const address = snapshot ? `${proof.source}@${shortId(snapshot.id)}` : proof.source;
  const moment = snapshot
    ? `, number ${snapshot.sequence} of ${formatTime(snapshot.time, timeZone)} (${timeZone})`
    : '';
  const rows = table<VerifyCheck>(
    [
      { title: 'CHECK', value: ({ title }) => title },
      {
        title: 'VERDICT',
        value: ({ verdict }) => words[verdict],
        paint: (text, { verdict }) => painted(text, verdict, style),
      },
      { title: 'TIME', value: ({ durationMs }) => formatDuration(durationMs), align: 'right' },
      { title: 'FIGURES', value: ({ figures }) => figuresText(figures), cut: 'end' },
    ],
    checks,
    { width, style },
  );
  const findings = checks.flatMap((check) => findingLines(check, style));
  const verdict =
    `${painted(words[proof.verdict], proof.verdict, style)}  ` +
    `${plural(proof.packs, 'pack')}, ${formatBytes(proof.readBytes)} read, ${formatDuration(proof.durationMs)}`;
  return [
    `${style.bold(printable(address))} from ${printable(site.name)}${moment}\n`,
    rows,
    ...findings,
    error ? `${style.yellow('ended')}  ${printable([error.message, error.why].filter(Boolean).join(' '))}\n` : '',
    error?.hint ? `hint: ${printable(error.hint)}\n` : '',
    scratch?.kept ? keptText(scratch.kept, scratch.remove, style) : '',
    `${verdict}\n`,
  ].join('');
}

function findingLines({ id, verdict, findings, why }: VerifyCheck, style: Style): string[] {
  if (verdict === 'pass') return why === undefined ? [] : [`${style.dim('note')}  ${id}: ${printable(why)}\n`];
  if (findings.length === 0) return [`${painted(words[verdict], verdict, style)}  ${id}: ${printable(why ?? '')}\n`];
  const ordered = [...findings].sort((a, b) => Number(a.verdict !== 'differs') - Number(b.verdict !== 'differs'));
  const lines = ordered.slice(0, shownAtMost).map(({ object, verdict: found, detail }) => {
    const mark = found === 'differs' ? style.red('differs') : style.yellow('not compared');
    return `${mark}  ${id}: ${printable(object)}: ${printable(detail ?? 'It is another.')}\n`;
  });
  const more = ordered.length - lines.length;
  return more > 0 ? [...lines, `  and ${formatCount(more)} more; --json has them all\n`] : lines;
}

function keptText(kept: string, remove: string | undefined, style: Style): string {
  return facts(
    [
      ['kept', kept.startsWith('postgres:') ? `psql '${kept}'` : kept],
      ['remove', remove],
    ],
    style,
  );
}

/** Figures of nothing are left out; `of` is what a sample was taken from. */
function figuresText({ of, ...figures }: Readonly<Record<string, number>>): string {
  const shown = Object.values(figures).some((value) => value !== 0) ? totalsText(figures) : '';
  return of === undefined ? shown : `${shown}, of ${formatCount(of)}`;
}

/** `largeObjects` → `large objects` */

function painted(text: string, verdict: Verdict, style: Style): string {
  if (verdict === 'fail') return style.red(text);
  return verdict === 'pass' ? style.green(text) : style.yellow(text);
}

export function plannedText(planned: readonly PlannedProof[], { style, width, timeZone }: VerifyView): string {
  const rows = table<PlannedProof>(
    [
      { title: 'SOURCE', value: ({ source }) => source, cut: 'end' },
      { title: 'SITE', value: ({ site }) => site, cut: 'end' },
      { title: 'SNAPSHOT', value: ({ snapshot }) => (snapshot ? shortId(snapshot.id) : 'none') },
      { title: 'TIME', value: ({ snapshot }) => (snapshot ? formatTime(snapshot.time, timeZone) : '') },
      {
        title: 'HOLDS',
        value: ({ totals, error }) => (totals ? totalsText(totals) : (error?.message ?? '')),
        cut: 'end',
      },
    ],
    planned,
    { width, style },
  );
  return `${rows}Nothing was restored.\n`;
}
