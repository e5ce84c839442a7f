/** What signed statements prove, in words. */
import { formatBytes, formatDuration } from '../../src/base/units.ts';
import type { CheckedStatement } from '../../src/jobs/verify/statement-check.ts';
import type { Style } from './style.ts';
import { formatTime, plural } from './times.ts';
import { printable } from './width.ts';

export interface StatementView {
  style: Style;
  timeZone: string;
  /** SHA-256 of the trust root. */
  trust: string;
}

const words = { pass: 'pass', sampled: 'a sample only', 'could-not-verify': 'could not verify', fail: 'FAIL' } as const;

export function statementText(statements: readonly CheckedStatement[], view: StatementView): string {
  const parts = statements.map((statement) => oneText(statement, view));
  if (parts.length === 0) parts.push(`${view.style.red('invalid')}  The file holds no statement.\n`);
  return `${parts.join('\n')}\nBelieved are the parties of the trust root with SHA-256 ${view.trust}.\n`;
}

function oneText(checked: CheckedStatement, { style, timeZone }: StatementView): string {
  const { valid, why, line, signer, predicate, contents, details } = checked;
  if (!valid || !predicate) return `${style.red('invalid')}  line ${line}: ${printable(why ?? '')}\n`;
  const { source, snapshot, site, verdict } = predicate;
  const paint = verdict === 'pass' ? style.green : verdict === 'fail' ? style.red : style.yellow;
  const place = [site.operator, site.country].filter((part) => part !== undefined).join(', ');
  const time = (iso: string) => `${formatTime(iso, timeZone)} ${timeZone}`;
  const lines = [
    `valid  ${source.name}@${snapshot.id.slice(0, 8)}: ${words[verdict]}`,
    `  signed by ${signer!.name}, who may as ${signer!.role === 'verify' ? 'a verifier' : 'an owner'}`,
    `  snapshot ${snapshot.id}, number ${snapshot.sequence}, of ${time(snapshot.time)}`,
    `  read from ${site.name}${place === '' ? '' : ` (${place})`} alone: ${plural(snapshot.packs.count, 'pack')}, ${formatBytes(predicate.readBytes)}`,
    `  verified ${time(predicate.started)} to ${time(predicate.ended)}, holdfast ${predicate.program.version}`,
    ...(predicate.restoreMs === undefined ? [] : [`  restored in ${formatDuration(predicate.restoreMs)}`]),
    `  ${contentsText(checked)}`,
    ...predicate.checks.map(({ id, verdict: own, equal, differing }) => {
      const differs = differing > 0 ? `, ${differing} differ` : '';
      return `    ${words[own]}: ${id}${equal > 0 ? `, ${equal} equal` : ''}${differs}`;
    }),
  ].map(printable);
  // Painted last: what comes from the file cannot colour anything.
  lines[0] = lines[0]!.replace('valid', style.green('valid')).replace(words[verdict], paint(words[verdict]));
  const findings = (details?.checks ?? []).flatMap(({ findings: found }) => found);
  for (const { kind, object, verdict: own, detail } of findings) {
    lines.push(
      printable(
        `    ${kind} ${object} ${own === 'differs' ? 'differs' : 'could not be compared'}${detail ? `: ${detail}` : ''}`,
      ),
    );
  }
  if (!contents) lines.push('  names and fingerprints are not disclosed in this file');
  return `${lines.join('\n')}\n`;
}

function contentsText({ predicate, contents }: CheckedStatement): string {
  const { count, source, restored } = predicate!.contents;
  const what = plural(count, 'fingerprint');
  if (source === restored)
    return `${what} taken at the backup, and every one came back${contents ? '; disclosed, and as signed' : ''}`;
  if (restored === undefined) return `${what} taken at the backup; not every one could be taken again`;
  return `${what} taken at the backup, and what came back differs`;
}
