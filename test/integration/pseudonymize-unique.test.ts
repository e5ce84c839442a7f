import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rowRewrite } from '../../src/pseudonyms/copy/row-rewrite.ts';
import { type RuledColumn, transformTable } from '../../src/pseudonyms/copy/table-transform.ts';
import { CopyTextRewriter } from '../../src/pseudonyms/copy-text.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import type { ColumnEntry, Rule } from '../../src/pseudonyms/lock.ts';
import type { ColumnFacts } from '../../src/pseudonyms/transformer.ts';

/** The whole way of a row: lock entry, transform, COPY text cut anywhere, batches, COPY text again. */

const facts = (name: string, type: string, more: Partial<ColumnFacts> = {}): ColumnFacts => ({
  name: `app.t.${name}`,
  type,
  nullable: false,
  unique: true,
  rows: 1_000_000,
  ...more,
});
const entry = (kind: Rule['kind'], domain?: string, options: Rule['options'] = {}): ColumnEntry => ({
  rule: { kind, options, ...(domain !== undefined && { domain }) },
  type: 'any',
  review: false,
});

interface Column {
  facts: ColumnFacts;
  entry: ColumnEntry;
}

/** Lines of COPY text as they come out. */
function* copied(columns: Record<string, Column>, lines: Iterable<string>, piece: number, seed = 3): Generator<string> {
  const names = Object.keys(columns);
  const transform = transformTable(
    'app.t',
    names,
    new Map(names.map((name) => [name, columns[name]!.entry])),
    new Map(names.map((name) => [name, columns[name]!.facts])),
  );
  const { positions, rewrite } = rowRewrite(transform, new PseudonymKey(Buffer.alloc(32, seed)))!;
  const rewriter = new CopyTextRewriter({ columns: names.length, ruled: positions, rewrite });
  let held = '';
  const out = function* (pieces: Buffer[]) {
    for (const bytes of pieces) yield* bytes.toString().slice(0, -1).split('\n');
  };
  for (const line of lines) {
    held += `${line}\n`;
    if (held.length < piece) continue;
    // Cut where it comes: in the midst of a row, and of a character.
    const bytes = Buffer.from(held);
    yield* out(rewriter.push(bytes.subarray(0, bytes.length - 7)));
    yield* out(rewriter.push(bytes.subarray(bytes.length - 7)));
    held = '';
  }
  yield* out(rewriter.push(Buffer.from(held)));
  rewriter.end();
}

describe('through a whole copy of rows', () => {
  it('a million unique addresses stay a million, also on an index that does not tell case apart', () => {
    const columns = { email: { facts: facts('email', 'citext'), entry: entry('email', 'email') } };
    const lines = function* () {
      for (let i = 1; i <= 1_000_000; i++) yield `user${i}@exämple${i % 7}.org`;
    };
    const emails = new Set<string>();
    let longest = 0;
    for (const email of copied(columns, lines(), 200_000)) {
      emails.add(email.toLowerCase());
      longest = Math.max(longest, email.length);
    }
    expect(emails.size).toBe(1_000_000);
    expect(longest).toBeLessThanOrEqual(60);
  });

  it('addresses written in five ways are as many as there are', () => {
    const columns = { email: { facts: facts('email', 'text', { unique: false }), entry: entry('email', 'email') } };
    const ways = [
      (text: string) => text,
      (text: string) => text.toUpperCase(),
      (text: string) => ` ${text}`,
      (text: string) => `${text}  `,
      (text: string) => text[0]!.toUpperCase() + text.slice(1),
    ];
    const lines = function* () {
      for (let i = 0; i < 50_000; i++) yield ways[i % 5]!(`user${Math.floor(i / 5)}@example.org`);
    };
    expect(new Set(copied(columns, lines(), 100_000)).size).toBe(10_000);
  });

  it('keys at both ends of bigint keep apart, in range and in sign, and refer to each other over tables', () => {
    const max = 2n ** 63n - 1n;
    const values: bigint[] = [];
    for (let i = 0n; i < 10_000n; i++) values.push(max - i, -max - 1n + i, max - i * 1_000_003n, i - 5000n);
    const unique = [...new Set(values)];
    const columns = (name: string, type: string) => ({
      [name]: { facts: facts(name, type), entry: entry('id', 'key') },
    });
    const through = (name: string, type: string) =>
      [...copied(columns(name, type), unique.map(String), 65_536)].map((line) => BigInt(line));
    const made = through('id', 'bigint');
    expect(made.length).toBe(unique.length);
    expect(new Set(made).size).toBe(unique.length);
    expect(made.every((value) => value <= max && value >= -max - 1n)).toBe(true);
    expect(made.every((value, at) => value < 0n === unique[at]! < 0n && (value === 0n) === (unique[at] === 0n))).toBe(
      true,
    );
    expect(made.filter((value, at) => value === unique[at]).length).toBeLessThan(10);
    // As a foreign key of another table, and in a text or numeric column of the same domain.
    expect(through('parent_id', 'bigint')).toEqual(made);
    expect(through('reference', 'text')).toEqual(made);
    expect(through('old_id', 'numeric')).toEqual(made);
  });

  it('codes of two letters and four digits, and of six base-32 characters, keep apart and their shape', () => {
    const column = (more: Partial<ColumnFacts> = {}, options: Rule['options'] = {}) => ({
      code: {
        facts: facts('code', 'character varying', { maxLength: 6, ...more }),
        entry: entry('code', 'code', options),
      },
    });
    const letter = (n: number) => String.fromCharCode(65 + n);
    const plates = function* () {
      for (let a = 0; a < 676; a++)
        for (let n = 0; n < 300; n++)
          yield letter(Math.floor(a / 26)) + letter(a % 26) + String((n * 7 + a) % 10_000).padStart(4, '0');
    };
    const out = [...copied(column(), plates(), 500_000)];
    expect(new Set(out).size).toBe(new Set(plates()).size);
    expect(out.every((code) => /^[A-Z]{2}\d{4}$/.test(code))).toBe(true);
    const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    const tickets = function* () {
      for (let i = 0; i < 200_000; i++) {
        let text = '';
        for (let n = i * 1021, k = 0; k < 6; k++, n = Math.floor(n / 32)) text += alphabet[n % 32];
        yield text;
      }
    };
    const made = new Set(copied(column({}, { alphabet }), tickets(), 500_000));
    expect(made.size).toBe(200_000);
    for (const code of made) if (code.length !== 6 || /[ILOU]/.test(code)) expect.fail('it left its alphabet');
  });

  it('does not depend on where bytes are cut, on batches, or on the neighbours of a row', () => {
    const columns = {
      id: { facts: facts('id', 'bigint'), entry: entry('id', 'person-id') },
      email: { facts: facts('email', 'text'), entry: entry('email', 'email') },
      note: { facts: facts('note', 'text', { unique: false, nullable: true }), entry: entry('text') },
    };
    const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((value) => value.replaceAll(/[\\\t\n\r\0]/g, '·'));
    const row = fc.tuple(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), text, fc.option(text, { nil: '\\N' }));
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 40 }), fc.integer({ min: 8, max: 600 }), (rows, piece) => {
        const lines = rows.map(([id, email, note]) => `${id}\t${email}\t${note}`);
        const together = [...copied(columns, lines, piece)];
        expect(together).toEqual(lines.flatMap((line) => [...copied(columns, [line], 1 << 20)]));
      }),
      { numRuns: 25 },
    );
  });

  it('another key gives other pseudonyms, of which none is shared', () => {
    const columns = { email: { facts: facts('email', 'text'), entry: entry('email', 'email') } };
    const lines = Array.from({ length: 20_000 }, (_, i) => `user${i}@example.org`);
    const one = new Set(copied(columns, lines, 65_536, 1));
    expect([...copied(columns, lines, 65_536, 2)].filter((value) => one.has(value))).toEqual([]);
  });

  it('refuses to prepare a unique column that it would break', () => {
    const broken =
      (kind: Rule['kind'], more: Partial<ColumnFacts> = {}) =>
      () =>
        transformTable('app.t', ['c'], new Map([['c', entry(kind)]]), new Map([['c', facts('c', 'text', more)]]))
          .ruled satisfies readonly RuledColumn[];
    expect(broken('first-name')).toThrow(/does not keep app\.t\.c unique/);
    expect(broken('email', { rows: 4_000_000_000 })).toThrow(/does not keep app\.t\.c unique/);
    expect(broken('email')).not.toThrow();
    expect(broken('first-name', { unique: false })).not.toThrow();
  });
});

it('a key is not told by what it makes: two random keys share nothing', () => {
  const [a, b] = [randomBytes(32), randomBytes(32)].map((secret) => new PseudonymKey(secret));
  expect(a!.fingerprint).toMatch(/^[0-9a-f]{16}$/);
  expect(a!.fingerprint).not.toBe(b!.fingerprint);
  expect(a!.domain('x').subkey('y').equals(a!.domain('x').subkey('z'))).toBe(false);
});
