import { HoldfastError } from '../../base/errors.ts';
import { onStrings } from '../byte-runs.ts';
import { smallDomain } from '../ff1.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { characterClasses, ShapePermutation } from '../shape-permutation.ts';
import {
  assertType,
  type ByteRun,
  type ColumnFacts,
  type Guarantee,
  type Transformer,
  unfitValue,
} from '../transformer.ts';

/**
 * Digits become digits, small letters small letters, capitals capitals; all other characters stay. With `alphabet`, its
 * characters become each other, and all others stay. A permutation of all texts of a shape (FF1).
 */
export function code(options: Options): Transformer {
  const alphabet = options.text('alphabet');
  const small = options.choice('small', ['refuse', 'shuffle'], 'refuse');
  options.done();
  if (alphabet !== undefined) {
    const plain = /^[\x20-\x7e]{2,}$/.test(alphabet) && new Set(alphabet).size === alphabet.length;
    if (!plain)
      throw new HoldfastError('config', 'The option `alphabet` of `code` is wrong.', {
        why: 'It must be two or more different ASCII characters.',
      });
  }
  const guarantee = (column: ColumnFacts): Guarantee => {
    assertType('code', column, 'text');
    return {
      uniqueness: 'bijective',
      maxLength: undefined,
      nulls: 'kept',
      empty: 'kept',
      canonical: 'the text itself',
      reversible: true,
    };
  };
  const run = (key: DomainKey, column: ColumnFacts, backwards: boolean): ByteRun => {
    guarantee(column);
    const shapes = new ShapePermutation(key, alphabet === undefined ? characterClasses : [alphabet], () => {
      if (small === 'shuffle') return;
      const { why, hint } = smallDomain();
      throw new HoldfastError('config', unfitValue('code', column, '').message, { why: why!, hint: hint! });
    });
    return (cells, out) => shapes.runBytes(cells, out, backwards);
  };
  return {
    kind: 'code',
    companions: [],
    guarantee,
    prepare: ({ key, column }) => onStrings(run(key, column, false)),
    prepareBytes: ({ key, column }) => run(key, column, false),
    reveal: ({ key, column }) => onStrings(run(key, column, true)),
  };
}
