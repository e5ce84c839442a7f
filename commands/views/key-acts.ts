/** Who got keys of what, for people. */
import type { GrantedKeys, KeyActReport, SourceAct } from '../../src/jobs/key-acts.ts';
import type { SourceDistrust } from '../../src/jobs/keys-distrust.ts';
import type { SourceGrant } from '../../src/jobs/keys-grant.ts';
import type { SourceRotation } from '../../src/jobs/keys-rotate.ts';
import type { KeyActView } from '../key-acts.ts';
import { table } from './table.ts';
import { formatTime, plural } from './times.ts';
import { shortId } from './totals.ts';
import { printable } from './width.ts';

const roles = { owner: 'owner', verify: 'verifier', backup: 'host' } as const;

export function grantText(report: KeyActReport<SourceGrant | SourceAct>, view: KeyActView): string {
  const lines = report.sources.flatMap((source) => {
    const common = commonLines(source, view);
    if (common) return common;
    const all = source.generation === 1 ? 'its keys' : `its keys of all ${source.generation} generations`;
    const took = 'succeeds' in source ? [`${source.source}: relies on what ${source.succeeds} stored`] : [];
    if (source.granted.length === 0 && took.length === 0) return [`${source.source}: every party has its keys`];
    const granted = `${namesOf(source.granted)} ${would(report, 'get', 'got')} ${all}`;
    return [...(source.granted.length > 0 ? [`${source.source}: ${granted}`] : []), ...took];
  });
  const anybody = report.sources.some(({ granted }) => granted.length > 0);
  if (anybody) lines.push('They can open what was backed up before, too. Owners: holdfast keys test');
  return ended(lines, report, view);
}

export function rotateText(report: KeyActReport<SourceRotation | SourceAct>, view: KeyActView): string {
  const lines = report.sources.flatMap((source) => {
    const common = commonLines(source, view);
    if (common) return common;
    const { source: name, generation, granted } = source;
    const text = [`${name}: generation ${generation} ${would(report, 'begin', 'began')}, for ${namesOf(granted)}`];
    if (!('left' in source)) return text;
    if (source.left.length > 0) {
      text.push(`${name}: without ${source.left.join(', ')}, who can still open what was stored before`);
    }
    if (source.lackOlder.length > 0) {
      text.push(
        `${view.style.yellow('lacking')}  ${name}: ${source.lackOlder.join(', ')} lack older keys: holdfast keys grant`,
      );
    }
    return text;
  });
  if (report.sources.some(({ result }) => result === 'changed')) {
    lines.push('Owners show once more that they can open it: holdfast keys test');
  }
  return ended(lines, report, view);
}

/** What the configuration must say afterwards. */
export interface DistrustAdvice {
  host: string;
  /** Its public line. */
  line: string;
  /** Whether it is the configuration's own host. */
  isOwn: boolean;
  /** Whether the configuration calls it distrusted already. */
  isDone: boolean;
  sources: readonly string[] | undefined;
}

export function distrustText(
  report: KeyActReport<SourceDistrust | SourceAct>,
  advice: DistrustAdvice,
  view: KeyActView,
): string {
  const rows = report.sources.flatMap((source) => {
    if (!('kept' in source)) return [];
    const row = (counts: boolean) => (snapshot: SourceDistrust['kept'][number]) => ({
      source: source.source,
      counts,
      ...snapshot,
    });
    return [...source.kept.map(row(true)), ...source.dropped.map(row(false))];
  });
  const shown = table(
    [
      { title: 'SNAPSHOT', value: ({ source, id }) => `${source}@${shortId(id)}` },
      { title: 'NUMBER', value: ({ sequence }) => String(sequence), align: 'right' },
      { title: `TIME (${view.timeZone})`, value: ({ time }) => formatTime(time, view.timeZone) },
      {
        title: 'COUNTS',
        value: ({ counts }) => (counts ? 'yes' : 'no'),
        paint: (text, { counts }) => (counts ? text : view.style.yellow(text)),
      },
    ],
    rows,
    view,
  );
  const lines = report.sources.flatMap((source) => {
    const common = commonLines(source, view);
    if (common || !('kept' in source)) return common ?? [];
    const { source: name, kept, dropped, packs, generation, granted } = source;
    return [
      `${name}: ${plural(kept.length, 'snapshot')} by ${advice.host} ${would(report, 'count', 'count')}, ${dropped.length} not; ${plural(packs, 'pack')} can be relied on`,
      `${name}: generation ${generation} ${would(report, 'begin', 'began')}, for ${namesOf(granted)}`,
    ];
  });
  if (!report.dryRun && report.outcome !== 'failed') lines.push(...adviceLines(advice));
  return `${shown}${ended(lines, report, view)}`;
}

function adviceLines({ host, line, isOwn, isDone, sources }: DistrustAdvice): string[] {
  if (isDone) return ['The configuration says it already. Every machine needs the same entry.'];
  return [
    `Now change the configuration, on every machine: ${host} stands below \`hosts\`, so:`,
    '',
    'hosts:',
    `  - public: ${line}`,
    ...(sources ? [`    sources: [${sources.join(', ')}]`] : []),
    '    distrusted: true',
    '',
    ...(isOwn ? [`\`host\` becomes the machine that takes its place; then: holdfast keys grant NEWHOST`] : []),
    'Take its logins to sites and databases away.',
  ];
}

function commonLines({ source, result, error }: SourceAct, { style }: KeyActView): string[] | undefined {
  if (result === 'not-begun') return [`${source}: has no backup yet; its parties get their keys at the first one`];
  if (result !== 'failed') return undefined;
  const text = [error?.message, error?.why, error?.hint].filter(Boolean).join(' ');
  return [`${style.red('failed')}  ${source}: ${printable(text)}`];
}

function namesOf(granted: readonly GrantedKeys[]): string {
  return granted.map(({ party, role }) => `${party} (${roles[role]})`).join(', ') || 'nobody';
}

function would({ dryRun }: KeyActReport, verb: string, done: string): string {
  return dryRun ? `would ${verb}` : done;
}

function ended(lines: readonly string[], report: KeyActReport, { style }: KeyActView): string {
  const gone = report.dropped.map(
    ({ site, error }) => `${style.red('failed')}  site ${site}: ${printable(error?.message ?? '')}`,
  );
  return [...lines, ...gone].map((line) => `${line}\n`).join('');
}
