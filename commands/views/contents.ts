/** Lines of a listing. Written as they come, so columns have fixed widths. */
import { formatBytes, formatCount } from '../../src/base/units.ts';
import type { ContentLine } from '../../src/jobs/contents.ts';
import type { Style } from './style.ts';
import { formatTime } from './times.ts';
import { pad, printable } from './width.ts';

const letters: Readonly<Record<string, string>> = { directory: 'd', symlink: 'l', fifo: 'p', socket: 's', device: 'b' };

export function contentLine(line: ContentLine, { style, timeZone }: { style: Style; timeZone: string }): string {
  const name = printable(line.name);
  const size = pad(line.size === undefined ? '' : formatBytes(line.size), 9, 'right');
  if (line.mode === undefined) {
    const rows = pad(line.rows === undefined ? '' : formatCount(line.rows), 13, 'right');
    return `${rows}  ${size}  ${name}\n`;
  }
  const time = pad(line.modified === undefined ? '' : formatTime(line.modified, timeZone), 19);
  const target = line.target === undefined ? '' : ` -> ${printable(line.target)}`;
  const shown = line.kind === 'directory' ? style.bold(`${name}/`) : name;
  return `${modeText(line.kind, line.mode)}  ${size}  ${time}  ${shown}${target}\n`;
}

/** `drwxr-sr-x`, as ls writes it. */
export function modeText(kind: string, mode: number): string {
  let text = letters[kind] ?? '-';
  for (const [shift, special, set, unset] of [
    [6, 0o4000, 's', 'S'],
    [3, 0o2000, 's', 'S'],
    [0, 0o1000, 't', 'T'],
  ] as const) {
    const bits = (mode >> shift) & 7;
    const executes = (bits & 1) !== 0;
    text += (bits & 4 ? 'r' : '-') + (bits & 2 ? 'w' : '-');
    text += mode & special ? (executes ? set : unset) : executes ? 'x' : '-';
  }
  return text;
}
