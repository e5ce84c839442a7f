/**
 * Cells a second of processor time of every transformer, on one core, in batches as COPY brings them; and of the row codec around ten of
 * them. `node bench/pseudonyms.ts [kind…]`
 */
import { createHmac } from 'node:crypto';
import { ByteColumn } from '../src/pseudonyms/byte-column.ts';
import { onBytes } from '../src/pseudonyms/byte-runs.ts';
import { CopyTextRewriter } from '../src/pseudonyms/copy-text.ts';
import { PseudonymKey } from '../src/pseudonyms/keys.ts';
import type { RawOptions } from '../src/pseudonyms/options.ts';
import { makeTransformer } from '../src/pseudonyms/registry.ts';
import type { ByteRun, ColumnFacts, Run } from '../src/pseudonyms/transformer.ts';

const batch = 4096;
const key = new PseudonymKey(Buffer.alloc(32, 1)).domain('bench');
const column = (type = 'text'): ColumnFacts => ({ name: 's.t.c', type, nullable: true, unique: false });

interface Work {
  readonly rule: RawOptions;
  readonly type?: string;
  readonly cell: (i: number) => string;
}

const padded = (i: number, width: number): string => String(i).padStart(width, '0');
const works: readonly Work[] = [
  { rule: { kind: 'keep' }, cell: (i) => `value ${i}` },
  { rule: { kind: 'id' }, type: 'bigint', cell: (i) => String(i + 1) },
  { rule: { kind: 'uuid' }, type: 'uuid', cell: (i) => `6f1c0e70-8f0d-4b3a-9d55-${padded(i, 12)}` },
  { rule: { kind: 'token' }, cell: (i) => `session ${i}` },
  { rule: { kind: 'code' }, cell: (i) => `AB-${padded(i, 6)}` },
  { rule: { kind: 'first-name' }, cell: (i) => `Jean${i % 500}` },
  { rule: { kind: 'last-name' }, cell: (i) => `Dupont${i % 5000}` },
  { rule: { kind: 'full-name' }, cell: (i) => `Jean${i % 500} Dupont${i % 5000}` },
  { rule: { kind: 'email' }, cell: (i) => `jean.dupont${i}@example.org` },
  { rule: { kind: 'username' }, cell: (i) => `jdupont${i}` },
  { rule: { kind: 'phone' }, cell: (i) => `06${padded(i, 8)}` },
  { rule: { kind: 'birth-date' }, type: 'date', cell: (i) => `19${10 + (i % 90)}-0${1 + (i % 9)}-1${i % 10}` },
  { rule: { kind: 'iban' }, cell: (i) => `FR763000600001${padded(i, 11)}89` },
  { rule: { kind: 'siren' }, cell: (i) => padded(100_000_000 + i, 9) },
  { rule: { kind: 'national-id' }, cell: (i) => `2550814168${padded(i % 1000, 3)}38` },
  { rule: { kind: 'company' }, cell: (i) => `Company ${i}` },
  { rule: { kind: 'address' }, cell: (i) => `${i} rue de la Paix, 75002 Paris` },
  { rule: { kind: 'text' }, cell: (i) => `A customer wrote about the delivery number ${i} and was not content.` },
  { rule: { kind: 'noise' }, type: 'numeric', cell: (i) => `${i}.25` },
  { rule: { kind: 'ip' }, type: 'inet', cell: (i) => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}` },
  {
    rule: { kind: 'ip', prefix: 'keep' },
    type: 'inet',
    cell: (i) => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
  },
  { rule: { kind: 'url' }, cell: (i) => `https://example.org/path/${i}.pdf` },
  {
    rule: { kind: 'json', paths: { email: { kind: 'email' } }, default: { kind: 'text' } },
    type: 'jsonb',
    cell: (i) => `{"email": "a${i}@x.fr", "n": 1, "name": "Jean ${i}"}`,
  },
];

/** Milliseconds of processor time so far: on a busy machine the clock on the wall tells little. */
function spent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Cells a second over about `seconds` after a warm-up; the best of three. */
function rate(run: ByteRun, batches: readonly ByteColumn[], seconds = 0.3): number {
  const out = new ByteColumn();
  let best = 0;
  for (let turn = 0; turn < 4; turn++) {
    const started = spent();
    let cells = 0;
    let at = 0;
    while (spent() - started < seconds * 1000) {
      run(batches[at++ % batches.length]!, out);
      cells += batch;
    }
    if (turn > 0) best = Math.max(best, (cells * 1000) / (spent() - started));
  }
  return best;
}

const batchesOf = (cell: (i: number) => string): ByteColumn[] =>
  Array.from({ length: 16 }, (_, b) =>
    new ByteColumn().fill(Array.from({ length: batch }, (_, i) => cell(b * batch + i))),
  );
const runOf = ({ rule, type }: Work): ByteRun => {
  const transformer = makeTransformer(rule);
  const context = { key, column: column(type) };
  return transformer.prepareBytes?.(context) ?? onBytes(transformer.prepare(context));
};
const line = (name: string, value: number, unit: string): void =>
  console.log(`${name.padEnd(44)} ${(value / 1e6).toFixed(2).padStart(8)} ${unit}`);

const asked = process.argv.slice(2);
for (const work of works) {
  const { kind, ...options } = work.rule;
  if (asked.length > 0 && !asked.includes(kind as string)) continue;
  line(
    `${kind} ${Object.keys(options).length > 0 ? Object.values(options).map((o) => (typeof o === 'string' ? o : '…')) : ''}`,
    rate(runOf(work), batchesOf(work.cell)),
    'M cells/s',
  );
}

if (asked.length === 0) {
  const secret = Buffer.alloc(32, 1);
  const one: Run = (cells, out) => {
    for (let i = 0; i < cells.length; i++) out[i] = createHmac('sha256', secret).update(cells[i]!).digest('hex');
  };
  line(
    'for comparison: one createHmac a cell',
    rate(
      onBytes(one),
      batchesOf((i) => `jean.dupont${i}@example.org`),
    ),
    'M cells/s',
  );

  const ruled = works.filter(({ rule }) =>
    ['id', 'uuid', 'token', 'code', 'first-name', 'last-name', 'email', 'phone', 'birth-date', 'username'].includes(
      rule.kind as string,
    ),
  );
  const runs = ruled.map((work) => ({ run: runOf(work), made: new ByteColumn() }));
  // Ten ruled columns, and five that are not.
  const rows = Array.from(
    { length: 20_000 },
    (_, i) =>
      `${[...ruled.map(({ cell }) => cell(i)), 'plain', '2024-01-01 00:00:00', '1', 't', 'some longer text that nobody rules'].join('\t')}\n`,
  );
  const bytes = Buffer.from(rows.join(''));
  const piece = 256 * 1024;
  for (const [name, active] of [
    ['COPY text, ten columns read and kept', false],
    ['COPY text, ten columns ruled', true],
  ] as const) {
    const rewriter = new CopyTextRewriter({
      columns: ruled.length + 5,
      ruled: ruled.map((_, k) => k),
      rewrite: (columns) =>
        columns.map((cells, k) => {
          if (!active) return cells;
          const { run, made } = runs[k]!;
          run(cells, made);
          return made;
        }),
    });
    let best = 0;
    for (let turn = 0; turn < 4; turn++) {
      const started = spent();
      for (let at = 0; at < bytes.length; at += piece) rewriter.push(bytes.subarray(at, at + piece));
      best = Math.max(best, (rows.length * 1000) / (spent() - started));
    }
    line(name, best, `M rows/s, ${((best * bytes.length) / rows.length / 1e6).toFixed(0)} MB/s`);
  }
}
