/** Drawings of the page: how long restores took over time, and a figure beside its objective. SVG, without a script. */
import type { Verdict } from '../report.ts';
import { escaped } from './markup.ts';
import { dayText, durationText, momentText, verdictWords } from './page-words.ts';

/** One proof of the past. */
export interface TrendPoint {
  /** ISO 8601. */
  ended: string;
  verdict: Verdict;
  site: string;
  /** Milliseconds; missing when the restore did not come to its end. */
  restoreMs?: number;
}

const [width, height] = [720, 240];
const area = { left: 88, right: 700, top: 14, bottom: 204 };
/** Lines that can be told apart by their form. */
const styles = 4;

/**
 * A chart of restore times, and the same as a table for those who read rather than look.
 *
 * @param points in any order
 * @param goalMs the objective, if there is one
 */
export function trendChart(points: readonly TrendPoint[], goalMs: number | undefined, timeZone: string): string {
  const all = [...points].sort((a, b) => (a.ended < b.ended ? -1 : 1));
  const timed = all.filter((point): point is TrendPoint & { restoreMs: number } => point.restoreMs !== undefined);
  if (all.length < 2 || timed.length === 0) return '<p>There is no earlier proof to compare with.</p>';
  const times = all.map(({ ended }) => Date.parse(ended));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const highest = Math.max(...timed.map(({ restoreMs }) => restoreMs), goalMs !== undefined ? goalMs : 0);
  const top = nice(highest);
  const x = (time: string) =>
    area.left + ((Date.parse(time) - first) / Math.max(1, last - first)) * (area.right - area.left);
  const y = (ms: number) => area.bottom - (ms / top) * (area.bottom - area.top);
  const sites = [...new Set(all.map(({ site }) => site))];
  const parts: string[] = [];
  for (const share of [0, 0.5, 1]) {
    const at = y(top * share).toFixed(1);
    parts.push(`<line class="axis" x1="${area.left}" x2="${area.right}" y1="${at}" y2="${at}"/>`);
    parts.push(
      `<text x="${area.left - 8}" y="${Number(at) + 4}" text-anchor="end">${share === 0 ? '0' : durationText(top * share)}</text>`,
    );
  }
  const ends = [[all[0]!.ended, 'start'] as const, [all.at(-1)!.ended, 'end'] as const];
  for (const [time, anchor] of ends) {
    parts.push(
      `<text x="${x(time).toFixed(1)}" y="${area.bottom + 22}" text-anchor="${anchor}">${dayText(time, timeZone)}</text>`,
    );
  }
  if (goalMs !== undefined) {
    const at = y(goalMs).toFixed(1);
    parts.push(`<line class="goal" x1="${area.left}" x2="${area.right}" y1="${at}" y2="${at}"/>`);
  }
  for (const [index, site] of sites.entries()) {
    const own = timed.filter((point) => point.site === site);
    const line = own.map(({ ended, restoreMs }) => `${x(ended).toFixed(1)},${y(restoreMs).toFixed(1)}`).join(' ');
    parts.push(`<polyline class="line s${index % styles}" points="${line}"/>`);
  }
  for (const point of all) {
    const index = sites.indexOf(point.site);
    const at: [number, number] = [x(point.ended), y(point.restoreMs ?? 0)];
    const title = `<title>${escaped(pointText(point, timeZone))}</title>`;
    const good = point.verdict === 'pass' || point.verdict === 'sampled';
    parts.push(good ? dot(at, index, title) : cross(at, title));
  }
  const label = `Restore time of ${all.length} proofs, from ${dayText(all[0]!.ended, timeZone)} to ${dayText(all.at(-1)!.ended, timeZone)}`;
  const legend = [
    ...sites.map((site, index) => `<span>${sample(index)} from ${escaped(site)}</span>`),
    ...(goalMs !== undefined ? [`<span>┄ objective, ${durationText(goalMs)}</span>`] : []),
    ...(all.some(({ verdict }) => verdict === 'fail' || verdict === 'could-not-verify')
      ? ['<span>✕ no pass</span>']
      : []),
  ];
  const rows = [...all].reverse().map((point) => `<li>${escaped(pointText(point, timeZone))}</li>`);
  return `<figure class="trend-figure"><svg class="trend" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(label)}">${parts.join('')}</svg>
<figcaption class="legend">${legend.join('')}</figcaption></figure>
<details><summary>The same in figures</summary><ul class="findings">${rows.join('')}</ul></details>`;
}

/** A figure beside what was promised: a bar that is full when the promise is used up. */
export function objectiveBar(title: string, ms: number, goalMs: number): string {
  const share = Math.min(1, ms / Math.max(1, goalMs));
  const met = ms <= goalMs;
  const fill = `<rect class="${met ? 'bar-good' : 'bar-bad'}" width="${(share * 100).toFixed(2)}" height="6"/>`;
  const text = `${durationText(ms)} of ${durationText(goalMs)}: ${met ? 'within the objective' : 'over the objective'}`;
  return `<div class="meter"><div class="label"><span>${escaped(title)}</span><strong>${met ? '✓' : '✕'} ${escaped(text)}</strong></div>
<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="bar-back" width="100" height="6"/>${fill}</svg></div>`;
}

function pointText({ ended, verdict, site, restoreMs }: TrendPoint, timeZone: string): string {
  const took = restoreMs === undefined ? 'not restored to the end' : `restored in ${durationText(restoreMs)}`;
  return `${momentText(ended, timeZone)}: ${verdictWords[verdict].short}, from ${site}, ${took}`;
}

const samples = ['●', '■', '▲', '◆'];

function sample(index: number): string {
  return samples[index % styles]!;
}

function dot([x, y]: [number, number], index: number, title: string): string {
  const shape = `class="dot s${index % styles}"`;
  const path = [
    `M${x - 4},${y}a4,4 0 1 0 8,0a4,4 0 1 0 -8,0`,
    `M${x - 4},${y - 4}h8v8h-8z`,
    `M${x},${y - 5}l5,9h-10z`,
    `M${x},${y - 5}l5,5l-5,5l-5,-5z`,
  ][index % styles]!;
  return `<path ${shape} d="${path.replace(/\d+\.\d+/g, (number) => Number(number).toFixed(1))}">${title}</path>`;
}

function cross([x, y]: [number, number], title: string): string {
  const [a, b] = [x.toFixed(1), y.toFixed(1)];
  return `<path class="dot bad" d="M${a},${b}m-5,-5l10,10m0,-10l-10,10">${title}</path>`;
}

/** The next duration that reads well at the top of an axis, in milliseconds. */
function nice(ms: number): number {
  const units = [1000, 60_000, 3_600_000];
  const unit = units.findLast((one) => ms >= one) ?? 1000;
  const steps = [1, 2, 4, 6, 10, 20, 30, 40, 60, 100, 200, 400, 1000];
  return unit * (steps.find((step) => step * unit >= ms) ?? Math.ceil(ms / unit));
}
