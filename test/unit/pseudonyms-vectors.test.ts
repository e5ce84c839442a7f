import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { ProgramPool } from '../../src/pseudonyms/copy/programs.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';
import { cases, subjects, text, transform } from '../support/pseudonym-cases.ts';

const key = new PseudonymKey(Buffer.alloc(32, 7)).domain('person');
const programs = new ProgramPool();
afterAll(() => programs[Symbol.asyncDispose]());

/** What people and programs really write. */
const odd = [
  'Jean-François',
  'ÉLODIE',
  'DUPONT',
  "  O'Brien\t",
  'Müller  &\u00a0Söhne',
  'e\u0301cole',
  '李小龍',
  '😀 smile',
  'a\\b',
  'two\nlines',
  'x',
  '+33 6 12 34 56 78',
  '0033612345678',
  '06.12.34.56.78',
  '07700 900123',
  'tel: 0612345678 (home)',
  'Jean.Dupont@Example.ORG',
  ' JEAN@x.example ',
  'FR76 3000 6000 0112 3456 7890 189',
  'A1-b2/C3',
  `${'Lorem ipsum dolor sit amet. '.repeat(40)}é`,
];

/** Another version must map the same person alike: copies are made again from week to week, and joined with older ones. */
it('pseudonyms are those of every version before', { timeout: 60_000 }, async () => {
  const lines: string[] = [];
  for (const { rule, column = text, values, slow } of cases) {
    const drawn = fc.sample(values, { seed: 11, numRuns: slow ? 4 : 12 });
    const cells: Cell[] = [...drawn, null, ''];
    // Where the program lies that runs this is no part of a rule.
    const named = JSON.stringify(rule).replaceAll(process.execPath, 'node');
    lines.push(`${named} on ${column.type} ${column.maxLength ?? ''}`);
    for (const each of [cells, ...odd.map((value) => [value])]) {
      let out: Cell[];
      try {
        out = transform(rule, column, { cells: each, ids: subjects(each.length) }, { key, programs });
      } catch {
        continue;
      }
      for (const [i, cell] of each.entries()) {
        if (rule.kind === 'keep' || cell === out[i]) continue;
        lines.push(`  ${JSON.stringify(cell)} ${JSON.stringify(out[i])}`);
      }
    }
  }
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('vectors/pseudonyms.txt');
});
