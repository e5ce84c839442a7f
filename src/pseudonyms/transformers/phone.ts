import { ByteColumn } from '../byte-column.ts';
import { writeRegrouped } from '../byte-groups.ts';
import { onStrings } from '../byte-runs.ts';
import { exact, keyedIn } from '../canonical.ts';
import { kernels } from '../kernels/kernels.ts';
import { giveWide, writePlain } from '../kernels/plain-cells.ts';
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
  const canonical = new ByteColumn();
  const countries = phoneCountries.length;
  return (cells, out) => {
    const { count } = cells;
    const kernel = kernels().begin();
    const { bytes, from, to, wide } = kernel.bring(cells);
    const { sizeOfCells, readPhones, writePhones } = kernel.run;
    const size = sizeOfCells(from, to, count);
    const known = kernel.put(phones.countries);
    const variants = kernel.put(phones.variants);
    const infos = kernel.take(count * 4);
    writePlain(
      kernel,
      { count, length: size + 4 * count, out: canonical },
      (made, rest) =>
        readPhones(
          ...[bytes, from, to, count, known, countries, phoneCountries.indexOf(home), variants, infos],
          ...[made.bytes, made.from, made.to, rest],
        ),
      (i) => {
        number.read(cells, i);
        kernel.words[(infos >>> 2) + i] = number.info(phones);
        // No number: the text itself decides.
        if (number.length <= 0) canonical.keep(cells, i);
        else {
          canonical.reserve(number.length + 4);
          canonical.at = number.writeE164(canonical.bytes, canonical.at);
          canonical.end();
        }
      },
    );
    const words = keyedIn(kernel, prf, exact, canonical, kernel.bring(canonical));
    const heads = kernel.take(phones.heads.length);
    kernel.bytes.set(phones.heads, heads);
    const made = { ...kernel.takeCells(count, size + 17 * count), wide: kernel.take(count) };
    const end = writePhones(
      ...[bytes, from, to, wide, count, words, infos, variants, heads, made.bytes, made.from, made.to, made.wide],
    );
    giveWide(kernel, out, count, made, end);
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
