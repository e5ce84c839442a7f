/** What the doctor found. */
import type { DoctorReport } from '../../src/jobs/doctor/doctor.ts';
import type { Finding } from '../../src/jobs/doctor/finding.ts';
import type { Style } from './style.ts';
import { plural } from './times.ts';
import { pad, printable } from './width.ts';

/** Each finding a line, under its section; what is wrong with its reason and what to do. */
export function doctorText(
  { findings }: DoctorReport,
  { style }: { width?: number | undefined; style: Style },
): string {
  const sections = [...new Set(findings.map(({ section }) => section))];
  const blocks = sections.map((section) => {
    const lines = findings
      .filter((finding) => finding.section === section)
      .map((finding) => findingText(finding, style));
    return `${style.bold(section)}\n${lines.join('')}`;
  });
  const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  const also = warnings > 0 ? ` ${plural(warnings, 'warning', 'warnings')}.` : '';
  const verdict = problems > 0 ? style.red(`${plural(problems, 'problem', 'problems')}.`) : style.green('No problem.');
  return `${blocks.join('\n')}\n${verdict}${also}\n`;
}

const marks = { ok: 'ok', warning: 'warning', problem: 'problem' } as const;
const markWidth = 7;

function findingText({ status, subject, what, why, hint }: Finding, style: Style): string {
  const paint = { ok: style.green, warning: style.yellow, problem: style.red }[status];
  const indent = ' '.repeat(markWidth + 4);
  const more = [
    why && `${indent}${style.dim('why:')} ${printable(why)}\n`,
    hint && `${indent}${style.dim('hint:')} ${printable(hint)}\n`,
  ];
  return `  ${paint(pad(marks[status], markWidth))}  ${printable(subject)}: ${printable(what)}\n${more.filter(Boolean).join('')}`;
}
