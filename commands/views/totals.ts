/** What a snapshot holds, in a few words. */
import { formatBytes, formatCount } from '../../src/base/units.ts';

/** About the run rather than the content: what was read anew, what was left out. */
const aside = /^(read[A-Z]|excluded)/;

/** `12 tables, 34 567 rows, 1.20 GiB`. Figures of nothing are left out. */
export function totalsText({ bytes = 0, ...totals }: Readonly<Record<string, number>>): string {
  const texts = Object.entries(totals)
    .filter(([key, value]) => value !== 0 && !aside.test(key))
    .map(([key, value]) => `${formatCount(value)} ${value === 1 ? singular(words(key)) : words(key)}`);
  if (bytes > 0) texts.push(formatBytes(bytes));
  return texts.length === 0 ? 'nothing' : texts.join(', ');
}

/** `largeObjects` → `large objects` */
function words(key: string): string {
  return key
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('-', ' ')
    .toLowerCase();
}

function singular(name: string): string {
  return name.replace(/ies$/, 'y').replace(/(?<!s)s$/, '');
}

/** Enough of an id to name it in commands. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}
