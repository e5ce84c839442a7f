/** What a snapshot, or a restore, lacks: however much it is, in a few lines. */
import type { Style } from './style.ts';
import { printable } from './width.ts';

interface Lack {
  object: string;
  reason: string;
  degrades: boolean;
}

/** Objects named before the rest is only counted. */
const named = 3;

/** One line for each reason, what degrades first. */
export function shortfallLines(source: string, shortfalls: readonly Lack[], style: Style): string {
  const groups = new Map<string, Lack[]>();
  for (const shortfall of shortfalls) {
    const key = JSON.stringify([shortfall.degrades, shortfall.reason]);
    const group = groups.get(key);
    if (group) group.push(shortfall);
    else groups.set(key, [shortfall]);
  }
  return [...groups.values()]
    .sort(([a], [b]) => Number(b!.degrades) - Number(a!.degrades))
    .map((group) => groupLine(source, group, style))
    .join('');
}

function groupLine(source: string, group: readonly Lack[], style: Style): string {
  const { reason, degrades } = group[0]!;
  const mark = degrades ? style.yellow('lacks') : style.dim('note');
  const count = group.length > 1 ? `${group.length} objects, ` : '';
  const objects = group.slice(0, named).map(({ object }) => object);
  const more = group.length > named ? ` and ${group.length - named} more` : '';
  return `${mark}  ${source}: ${printable(`${count}${objects.join(', ')}${more}`)}: ${printable(reason)}\n`;
}
