import { describe, expect, it } from 'vitest';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import type { RawOptions } from '../../src/pseudonyms/options.ts';
import { makeTransformer, transformerKinds } from '../../src/pseudonyms/registry.ts';
import { assertUnique, type Cell, type ColumnFacts, collisionBound } from '../../src/pseudonyms/transformer.ts';

const key = new PseudonymKey(Buffer.alloc(32, 5)).domain('unique');
const column = (type: string, more: Partial<ColumnFacts> = {}): ColumnFacts => ({
  name: 's.t.c',
  type,
  nullable: false,
  unique: true,
  rows: 1_000_000,
  defaultText: 'x',
  ...more,
});

/** How many different pseudonyms `count` different values get. */
function distinct(rule: RawOptions, facts: ColumnFacts, count: number, value: (i: number) => string): number {
  const transformer = makeTransformer(rule);
  assertUnique(transformer.kind, transformer.guarantee(facts), facts);
  const run = transformer.prepare({ key, column: facts });
  const seen = new Set<string>();
  const out: Cell[] = [];
  for (let from = 0; from < count; from += 4096) {
    const cells = Array.from({ length: Math.min(4096, count - from) }, (_, i) => value(from + i));
    run(cells, out);
    for (let i = 0; i < cells.length; i++) seen.add(out[i]!);
  }
  return seen.size;
}

describe('without a collision', () => {
  it('a million e-mail addresses', () => {
    const made = distinct({ kind: 'email' }, column('text'), 1_000_000, (i) => `user${i}@example${i % 7}.org`);
    expect(made).toBe(1_000_000);
  });

  it('bigint keys near their limits', () => {
    const max = 2n ** 63n - 1n;
    const limits = [max, 2n ** 53n, 2n ** 31n, 0n, -(2n ** 31n), -(2n ** 53n), -max - 1n];
    const around = limits.flatMap((limit) => Array.from({ length: 8000 }, (_, i) => limit + BigInt(i - 4000)));
    const values = [...new Set(around.filter((value) => value <= max && value >= -max - 1n))];
    expect(distinct({ kind: 'id' }, column('bigint'), values.length, (i) => String(values[i]))).toBe(values.length);
  });

  it('six-character codes: all of six digits, and many of other shapes', () => {
    const digits = distinct({ kind: 'code' }, column('character', { maxLength: 6 }), 1_000_000, (i) =>
      String(i).padStart(6, '0'),
    );
    expect(digits).toBe(1_000_000);
    const letters = (i: number) => String.fromCharCode(65 + Math.floor(i / 26)) + String.fromCharCode(65 + (i % 26));
    const mixed = (i: number) => letters(i % 676) + String(Math.floor(i / 676)).padStart(4, '0');
    expect(distinct({ kind: 'code' }, column('text'), 100_000, mixed)).toBe(100_000);
    const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
    const base36 = (i: number) => (i * 7919).toString(36).toUpperCase().padStart(6, '0');
    expect(distinct({ kind: 'code', alphabet }, column('text'), 100_000, base36)).toBe(100_000);
  });

  it.each<[RawOptions, ColumnFacts, (i: number) => string]>([
    [{ kind: 'id' }, column('smallint', { rows: 60_000 }), (i) => String(i - 25_000)],
    [{ kind: 'uuid' }, column('uuid'), (i) => `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`],
    [{ kind: 'siren' }, column('text'), (i) => String(100_000_000 + i)],
    [{ kind: 'siret' }, column('text'), (i) => String(73_282_932_000_000 + i)],
    [{ kind: 'phone', range: 'permute' }, column('text'), (i) => `06${String(10_000_000 + i)}`],
    [{ kind: 'ip' }, column('inet'), (i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`],
    [{ kind: 'mac' }, column('macaddr'), (i) => `08:00:2b:${String(100_000 + i).replace(/(..)(..)(..)/, '$1:$2:$3')}`],
    [{ kind: 'username' }, column('text'), (i) => `user${i}`],
    [{ kind: 'token', length: 16 }, column('text'), (i) => `t${i}`],
    [{ kind: 'url' }, column('text'), (i) => `https://x.fr/${i}`],
  ])('%j', (rule, facts, value) => {
    expect(distinct(rule, facts, 50_000, value)).toBe(50_000);
  });
});

describe('a unique column', () => {
  const check = (rule: RawOptions, facts: ColumnFacts) => () => {
    const transformer = makeTransformer(rule);
    assertUnique(transformer.kind, transformer.guarantee(facts), facts);
  };

  it('refuses what would make two values one', () => {
    for (const kind of ['fixed', 'first-name', 'company', 'bic', 'phone', 'text', 'user-agent']) {
      const rule = kind === 'fixed' ? { kind, value: 'x' } : { kind };
      expect(check(rule, column('text'))).toThrow(/does not keep s\.t\.c unique/);
      expect(check(rule, column('text', { unique: false }))).not.toThrow();
    }
    expect(transformerKinds.length).toBeGreaterThan(40);
  });

  const notUnique = /does not keep s\.t\.c unique/;
  it('refuses a probability of a collision above one in a million, by the rows and the length there is', () => {
    expect(check({ kind: 'token', length: 12 }, column('text', { rows: 1_000_000 }))).not.toThrow();
    expect(check({ kind: 'token', length: 12 }, column('text', { rows: 10_000_000 }))).toThrow(notUnique);
    expect(check({ kind: 'token' }, column('character varying', { maxLength: 10 }))).toThrow(notUnique);
    expect(check({ kind: 'email' }, column('character varying', { maxLength: 26 }))).toThrow(notUnique);
    expect(check({ kind: 'card' }, column('text', { rows: 1000 }))).toThrow(notUnique);
    expect(collisionBound({ bits: 65 }, 1_000_000)).toBeLessThan(2e-8);
    expect(collisionBound('bijective', 1e9)).toBe(0);
  });
});
