/** What a restore would do, and what it did. Passwords of targets never get here. */
import { formatDuration } from '../../src/base/units.ts';
import type { RestorePlan, RestoreReport, RestoreTarget } from '../../src/jobs/restore.ts';
import { shortfallLine } from './backup.ts';
import type { Style } from './style.ts';
import { facts } from './table.ts';
import { formatTime } from './times.ts';
import { shortId, totalsText } from './totals.ts';

export type ShownTarget =
  | { kind: 'database'; server: string; user: string; database: string }
  | { kind: 'schema'; server: string; user: string; database: string; intoSchema: string }
  | { kind: 'directory'; path: string };

/** The target without what is secret in it. */
export function shownTarget(target: RestoreTarget): ShownTarget {
  if (target.kind === 'directory') return { kind: 'directory', path: target.path };
  if (target.kind === 'database') {
    const { host, port, user } = target.admin;
    return { kind: 'database', server: `${host}:${port}`, user, database: target.database };
  }
  const { host, port, user, database } = target.connection;
  return { kind: 'schema', server: `${host}:${port}`, user, database, intoSchema: target.intoSchema };
}

export interface PlanView {
  style: Style;
  timeZone: string;
  parts: { tables: { schema?: string; name: string }[]; schemas: string[]; paths: string[] };
}

export function planText(plan: RestorePlan, { style, timeZone, parts }: PlanView): string {
  const { source, snapshot, target, totals, shortfalls } = plan;
  const only = [
    ...parts.schemas.map((schema) => `schema ${schema}`),
    ...parts.tables.map(({ schema, name }) => `table ${schema === undefined ? name : `${schema}.${name}`}`),
    ...parts.paths,
  ];
  return (
    facts(
      [
        ['snapshot', `${source}@${shortId(snapshot.id)}, ${formatTime(snapshot.time, timeZone)} (${timeZone})`],
        ['holds', totalsText(totals)],
        ['only', only.length > 0 ? only.join(', ') : undefined],
        ['goes to', targetText(shownTarget(target))],
      ],
      style,
    ) + shortfalls.map((shortfall) => shortfallLine(source, shortfall, style)).join('')
  );
}

export function restoredText(report: RestoreReport, style: Style): string {
  const { source, restored, target, durationMs, shortfalls } = report;
  const what = `${style.green('Restored')} ${source}: ${totalsText(restored)}, in ${formatDuration(durationMs)}`;
  return (
    `${what}\nto ${targetText(shownTarget(target))}\n` +
    shortfalls.map((shortfall) => shortfallLine(source, shortfall, style)).join('')
  );
}

function targetText(target: ShownTarget): string {
  switch (target.kind) {
    case 'directory':
      return target.path;
    case 'database':
      return `the new database ${target.database} on ${target.server}`;
    case 'schema':
      return `the new schema ${target.intoSchema} in ${target.database} on ${target.server}`;
  }
}
