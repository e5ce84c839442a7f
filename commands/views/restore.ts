/** What a restore would do, and what it did. Passwords of targets never get here. */
import { formatBytes, formatDuration } from '../../src/base/units.ts';
import type { RestorePlan, RestoreReport, RestoreTarget } from '../../src/jobs/restore.ts';
import type { ReplacedDatabase } from '../../src/sources/postgres/restore-swap.ts';
import { shortfallLine } from './backup.ts';
import type { Style } from './style.ts';
import { facts } from './table.ts';
import { formatTime } from './times.ts';
import { shortId, totalsText } from './totals.ts';

export type ShownTarget =
  | { kind: 'database'; server: string; user: string; database: string }
  | { kind: 'schema'; server: string; user: string; database: string; intoSchema: string }
  | { kind: 'cluster'; server: string; user: string }
  | { kind: 'directory'; path: string };

/** The target without what is secret in it. */
export function shownTarget(target: RestoreTarget): ShownTarget {
  if (target.kind === 'directory') return { kind: 'directory', path: target.path };
  if (target.kind === 'database') {
    const { host, port, user } = target.admin;
    return { kind: 'database', server: `${host}:${port}`, user, database: target.database };
  }
  const { host, port, user, database } = target.connection;
  if (target.kind === 'cluster') return { kind: 'cluster', server: `${host}:${port}`, user };
  return { kind: 'schema', server: `${host}:${port}`, user, database, intoSchema: target.intoSchema };
}

/** What was chosen of how a database is restored; as in the JSON document. */
export interface Choices {
  swap: boolean;
  dataOnly: boolean;
  schemaOnly: boolean;
  roleMap: Record<string, string>;
  tablespaceMap: Record<string, string>;
  /** null: the number of cores. */
  jobs: number | null;
}

export interface PlanView {
  style: Style;
  timeZone: string;
  parts: { tables: { schema?: string; name: string }[]; schemas: string[]; paths: string[] };
  choices: Choices;
}

export function planText(plan: RestorePlan, { style, timeZone, parts, choices }: PlanView): string {
  const { source, snapshot, target, totals, shortfalls, replaces } = plan;
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
        ['goes to', choices.dataOnly ? tablesText(shownTarget(target)) : targetText(shownTarget(target))],
        ['without', choices.schemaOnly ? 'rows, values of sequences, large objects, content of views' : undefined],
        ['roles', mapText(choices.roleMap)],
        ['tablespaces', mapText(choices.tablespaceMap)],
        ['at a time', choices.jobs === null ? undefined : `${choices.jobs}`],
        ['replaces', choices.swap ? replacedText(replaces) : undefined],
        ['connected', replaces === undefined ? undefined : sessionsText(replaces.sessions)],
        ['stays', replaces === undefined || replaces.notes.length === 0 ? undefined : replaces.notes.join(' ')],
      ],
      style,
    ) + shortfalls.map((shortfall) => shortfallLine(source, shortfall, style)).join('')
  );
}

export function restoredText(report: RestoreReport, style: Style, { dataOnly }: Pick<Choices, 'dataOnly'>): string {
  const { source, restored, target, durationMs, shortfalls, keptAs } = report;
  const what = `${style.green('Restored')} ${source}: ${totalsText(restored)}, in ${formatDuration(durationMs)}`;
  const to = shownTarget(target);
  return (
    `${what}\nto ${dataOnly ? tablesText(to) : targetText(to)}\n` +
    (keptAs === undefined ? '' : `The one that was there is kept as ${keptAs}.\n`) +
    shortfalls.map((shortfall) => shortfallLine(source, shortfall, style)).join('')
  );
}

function targetText(target: ShownTarget): string {
  switch (target.kind) {
    case 'directory':
      return target.path;
    case 'database':
      return `the new database ${target.database} on ${target.server}`;
    case 'cluster':
      return `the cluster ${target.server}`;
    case 'schema':
      return `the new schema ${target.intoSchema} in ${target.database} on ${target.server}`;
  }
}

function tablesText(target: ShownTarget): string {
  if (target.kind !== 'database') return targetText(target);
  return `the empty tables of ${target.database} on ${target.server}, in one transaction`;
}

function mapText(map: Record<string, string>): string | undefined {
  const entries = Object.entries(map).map(([old, now]) => `${old} → ${now === '' ? 'the default' : now}`);
  return entries.length === 0 ? undefined : entries.join(', ');
}

function replacedText(replaces: ReplacedDatabase | undefined): string {
  if (replaces === undefined) return 'nothing: the name is free. It is compared with the snapshot first';
  const { database, sizeBytes } = replaces;
  return `${database} (${formatBytes(sizeBytes)}), kept as ${database}_before_<time>, once the new one equals the snapshot`;
}

function sessionsText(sessions: ReplacedDatabase['sessions']): string {
  const total = sessions.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return 'nobody';
  const each = sessions.map(({ user, application, client, count }) => {
    const who = [user, application && `(${application})`, client && `from ${client}`].filter(Boolean).join(' ');
    return count === 1 ? who : `${count} × ${who}`;
  });
  return `${total}, ended for it: ${each.join(', ')}`;
}
