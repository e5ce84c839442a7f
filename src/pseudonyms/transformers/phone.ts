import { ByteColumn } from '../byte-column.ts';
import { writeRegrouped } from '../byte-groups.ts';
import { onStrings } from '../byte-runs.ts';
import { exact } from '../canonical.ts';
import type { Options } from '../options.ts';
import { PhoneText, phoneCountries, ReservedPhones } from '../phone-text.ts';
import { Prf } from '../prf.ts';
import { ShapePermutation } from '../shape-permutation.ts';
import {
  assertFits,
  assertType,
  type ByteRun,
  type Guarantee,
  type PrepareContext,
  type Transformer,
  unfitValue,
} from '../transformer.ts';

/**
 * `reserved` (the default): a number that the country's regulator keeps free for fiction, so nobody is ever called; there
 * are few of them. `permute`: another number of the same country and kind, which may be somebody's.
 */
export function phone(options: Options): Transformer {
  const range = options.choice('range', ['reserved', 'permute'], 'reserved');
  const home = options.choice('country', phoneCountries, 'FR');
  options.done();
  return {
    kind: 'phone',
    companions: [],
    guarantee(column): Guarantee {
      assertType('phone', column, 'text');
      assertFits('phone', 13, column);
      return {
        uniqueness: range === 'permute' ? 'bijective' : 'lossy',
        maxLength: undefined,
        nulls: 'kept',
        empty: 'kept',
        canonical: 'E.164',
        reversible: false,
      };
    },
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes(context) {
      this.guarantee(context.column);
      return range === 'permute' ? permuted(context, home) : reserved(context, home);
    },
  };
}

function reserved({ key }: PrepareContext, home: string): ByteRun {
  const prf = new Prf(key.subkey('phone'));
  const phones = new ReservedPhones();
  const number = new PhoneText(home);
  const made = new Uint8Array(16);
  let variants = new Uint8Array(0);
  let international = new Uint8Array(0);
  let grouped = new Uint8Array(0);
  return (cells, out) => {
    const { count, from, to } = cells;
    if (variants.length < count) {
      variants = new Uint8Array(count);
      international = new Uint8Array(count);
      grouped = new Uint8Array(count);
    }
    prf.begin(count);
    for (let i = 0; i < count; i++) {
      const length = to[i]! - from[i]!;
      if (length <= 0) {
        prf.place(0);
        prf.end(0);
        continue;
      }
      number.read(cells, i);
      const variant = number.variant;
      variants[i] = variant;
      international[i] = number.international ? 1 : 0;
      grouped[i] = number.grouped && number.count === phones.lengths[variant] ? 1 : 0;
      if (number.length > 0) {
        const at = prf.place(length + 4);
        prf.end(number.writeE164(prf.text, at) - at);
      } else {
        // No number: the text itself decides.
        const text = exact(cells.cellAt(i)!);
        const at = prf.place(text.length * 3);
        prf.end(prf.text.write(text, at, 'utf8'));
      }
    }
    const words = prf.run();
    out.begin(count, made.length);
    for (let i = 0; i < count; i++) {
      if (to[i]! <= from[i]!) out.keep(cells, i);
      else if (grouped[i] === 1) {
        phones.write(made, 0, variants[i]!, words[i * 4]!);
        writeRegrouped(out, cells, i, made);
      } else {
        out.reserve(made.length);
        let at = out.at;
        if (international[i] === 1) out.bytes[at++] = 0x2b;
        out.at = phones.write(out.bytes, at, variants[i]!, words[i * 4]!);
        out.end();
      }
    }
  };
}

function permuted({ key, column }: PrepareContext, home: string): ByteRun {
  const shapes = new ShapePermutation(key, ['0123456789'], () => {});
  const number = new PhoneText(home);
  const [rest, moved] = [new ByteColumn(), new ByteColumn()];
  let made = new Uint8Array(64);
  /** Of every cell: the length of what stays before its other digits, and those up to three bytes. */
  let heads = new Uint8Array(0);
  let international = new Uint8Array(0);
  let grouped = new Uint8Array(0);
  return (cells, out) => {
    const { count } = cells;
    if (grouped.length < count) {
      heads = new Uint8Array(count * 4);
      international = new Uint8Array(count);
      grouped = new Uint8Array(count);
    }
    rest.begin(count);
    for (let i = 0; i < count; i++) {
      if (cells.isEmpty(i)) {
        rest.nothing();
        continue;
      }
      number.read(cells, i);
      if (number.length < 6) throw unfitValue('phone', column, 'It is not a telephone number.');
      const head = number.writeHead(heads, i * 4 + 1) - i * 4 - 1;
      heads[i * 4] = head;
      international[i] = number.international ? 1 : 0;
      grouped[i] = number.grouped && number.count === head + number.length - 1 ? 1 : 0;
      const { digits, from, count: end } = number;
      rest.reserve(number.length);
      for (let k = from + 1; k < end; k++) rest.bytes[rest.at++] = digits[k]!;
      rest.end();
    }
    shapes.runBytes(rest, moved);
    out.begin(count, 16);
    for (let i = 0; i < count; i++) {
      if (cells.isEmpty(i)) {
        out.keep(cells, i);
        continue;
      }
      const [from, to] = [moved.from[i]!, moved.to[i]!];
      if (made.length < 4 + to - from) made = new Uint8Array(8 + to - from);
      let length = heads[i * 4]!;
      for (let k = 0; k < length; k++) made[k] = heads[i * 4 + 1 + k]!;
      for (let k = from; k < to; k++) made[length++] = moved.bytes[k]!;
      if (grouped[i] === 1) {
        writeRegrouped(out, cells, i, made);
        continue;
      }
      out.reserve(length + 1);
      const target = out.bytes;
      let at = out.at;
      if (international[i] === 1) target[at++] = 0x2b;
      for (let k = 0; k < length; k++) target[at++] = made[k]!;
      out.at = at;
      out.end();
    }
  };
}
