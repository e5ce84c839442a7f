/** A leak report as one page for people. It is complete in itself: nothing is fetched, and no script runs. */
import type { LeakFinding, LeakReport } from '../../pseudonyms/leaks/report.ts';
import { escaped } from '../verify/results/markup.ts';
import { fact, timeTag } from '../verify/results/page-proof.ts';
import { pageShell, pageTable } from '../verify/results/page-shell.ts';
import { bytesText, countText, momentText, plural } from '../verify/results/page-words.ts';
import type { LeakPredicate } from './leak-report.ts';

const words: Record<LeakReport['verdict'], { short: string; long: string; meaning: string }> = {
  pass: {
    short: 'No leak',
    long: 'No original of a ruled column was found in the copy.',
    meaning: 'Rows, definitions, large objects and files were searched. It is still personal data: treat it as such.',
  },
  'could-not-verify': {
    short: 'Not all was read',
    long: 'No leak was found, but something could not be read.',
    meaning: 'Parts of the copy are encrypted, damaged or too large. Nobody knows what is in them.',
  },
  fail: {
    short: 'Leak',
    long: 'Originals of ruled columns are in the copy.',
    meaning:
      'Do not hand it out. Rule the columns and definitions named below, or change them, and make the copy anew.',
  },
};

const placeWords: Record<LeakFinding['place'], string> = {
  column: 'column',
  definition: 'definition',
  'large-object': 'large object',
  'file-name': 'names of files in',
  file: 'file',
};

const whatWords: Record<LeakFinding['what'], string> = {
  identifier: 'an identifier',
  phrase: 'a name or text',
  word: 'a word of a name',
};

/** @param options `timeZone`: of the IANA database */
export function leakPage(predicate: LeakPredicate, { timeZone }: { timeZone: string }): string {
  const { report, database, source, started, ended, keyFingerprint, lockSha256, version } = predicate;
  const { verdict, scanned, findings, tolerated, unread, anonymity, frequencies } = report;
  const said = words[verdict];
  const tables = [
    section(
      'Originals that were found',
      ['Where', 'What', 'Times', 'Different', 'Originals of'],
      findings.map(({ place, name, what, count, values, originals }) => [
        `${placeWords[place]} ${name}`,
        whatWords[what],
        countText(count),
        countText(values),
        originals.join(', '),
      ]),
      true,
    ),
    section(
      'Words that were found and are tolerated',
      ['Where', 'What', 'Times', 'Different', 'Originals of', 'Why'],
      tolerated.map(({ place, name, what, count, values, originals, reason }) => [
        `${placeWords[place]} ${name}`,
        whatWords[what],
        countText(count),
        countText(values),
        originals.join(', '),
        reason,
      ]),
    ),
    section(
      'What could not be read',
      ['Where', 'Parts'],
      unread.map(({ place, name, count }) => [`${placeWords[place]} ${name}`, countText(count)]),
      true,
    ),
    section(
      'How many rows are alike',
      ['Columns', 'k', 'Rows', 'Groups', 'Smallest', 'Groups below k', 'Rows below k'],
      anonymity.map((each) => [
        `${each.table}: ${each.columns.join(', ')}`,
        ...[each.k, each.rows, each.groups, each.smallestGroup, each.groupsBelowK, each.rowsBelowK].map(countText),
      ]),
    ),
    section(
      'Columns in which frequencies show',
      ['Column', 'Rule', 'Rows', 'Different values', 'Most common'],
      frequencies.map(({ table, column, kind, rows, distinct, share }) => [
        `${table}.${column}`,
        kind,
        countText(rows),
        countText(distinct),
        `${(share * 100).toFixed(1)} %`,
      ]),
    ),
  ];
  return pageShell({
    title: `${said.short}: copy ${database}, ${momentText(started, timeZone)}`,
    kicker: 'Holdfast · search for leaks',
    verdict,
    said,
    content: `<dl class="facts">
${fact('Copy', escaped(database))}
${fact('Of', escaped(source))}
${fact('Begun', timeTag(started, timeZone))}
${fact('Ended', timeTag(ended, timeZone))}
${fact('Searched', `${plural(scanned.tables, 'table')}, ${plural(scanned.rows, 'row')}, ${bytesText(scanned.bytes)}`)}
${fact('Beside rows', `${plural(scanned.definitions, 'definition')}, ${plural(scanned.largeObjects, 'large object')}, ${plural(scanned.files, 'file')}`)}
${fact('Key', `<code>${escaped(keyFingerprint)}</code>`)}
${fact('Lock file', `<code>${escaped(lockSha256.slice(0, 16))}</code>`)}
${fact('Program', `holdfast ${escaped(version)}`)}
</dl>
${tables.join('')}`,
    foot: `<p>Originals are those of columns with a rule other than <code>keep</code>, of four characters or more, as they were read while the copy was made. Ids,
dates, amounts, towns and names that the built-in dictionaries hold are not looked for: they tell nobody apart by themselves. No value is in this report.</p>`,
  });
}

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[], bad = false): string {
  if (rows.length === 0) return '';
  const cells = rows.map(
    ([first, ...others]) =>
      `<tr role="row"${bad ? ' class="bad"' : ''}><th scope="row" role="rowheader">${escaped(first!)}</th>${others
        .map((text, at) => `<td role="cell" data-label="${escaped(head[at + 1]!)}">${escaped(text)}</td>`)
        .join('')}</tr>`,
  );
  return pageTable({ title, head, rows: cells });
}
