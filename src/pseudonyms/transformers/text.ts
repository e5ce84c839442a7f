import { onStrings } from '../byte-runs.ts';
import { exact, keyedIn } from '../canonical.ts';
import { writeFillers } from '../filler.ts';
import { kernels } from '../kernels/kernels.ts';
import { Options } from '../options.ts';
import { Prf } from '../prf.ts';
import {
  assertType,
  type Cell,
  type ColumnFacts,
  fitted,
  type Guarantee,
  type Run,
  type Transformer,
} from '../transformer.ts';
import { iban } from './bank.ts';
import { code } from './code.ts';
import { email } from './email.ts';
import { url } from './network.ts';
import { phone } from './phone.ts';

const guarantee = (kind: string, column: ColumnFacts, maxLength?: number): Guarantee => {
  assertType(kind, column, 'text');
  return {
    uniqueness: 'lossy',
    maxLength: column.maxLength ?? maxLength,
    nulls: 'kept',
    empty: 'kept',
    canonical: 'NFC',
    reversible: false,
  };
};

/** Words without a meaning, as long as the original. */
function lorem(options: Options): Transformer {
  const most = options.integer('maxLength', { min: 1, max: 100_000_000 });
  options.done();
  return {
    kind: 'text',
    companions: [],
    guarantee: (column) => guarantee('text', column, most),
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      this.guarantee(column);
      const prf = new Prf(key.subkey('lorem'));
      return (cells, out) => {
        const kernel = kernels().begin();
        const brought = kernel.bring(cells);
        const words = keyedIn(kernel, prf, exact, cells, brought);
        writeFillers(kernel, cells.count, brought, words, most ?? Number.POSITIVE_INFINITY, out);
      };
    },
  };
}

/** What is found in running text, in this order; each is mapped as its own transformer would in the same domain. */
const patterns: readonly { find: RegExp; make: (locale: string) => Transformer }[] = [
  { find: /[a-z][a-z0-9+.-]*:\/\/[^\s<>"')\]]+/gi, make: () => url(new Options('url')) },
  {
    find: /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu,
    make: (locale) => email(new Options('email', { locale })),
  },
  { find: /\b[A-Z]{2}\d\d(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,4})?\b/g, make: () => iban(new Options('iban')) },
  {
    find: /(?<![\w.])(?:\+|00)\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,6}(?!\w)|(?<![\w.])0\d(?:[ .-]?\d\d){4}(?!\w)/g,
    make: () => phone(new Options('phone')),
  },
  // Whatever else is a long number: cards, accounts, national ids.
  { find: /(?<![\w@])\d(?:[ .-]?\d){5,}(?![\w@])/g, make: () => code(new Options('code', { small: 'shuffle' })) },
];

/** `mode: lorem` (the default) or `mode: patterns`. */
export function text(options: Options): Transformer {
  return options.choice('mode', ['lorem', 'patterns'], 'lorem') === 'lorem' ? lorem(options) : patterned(options);
}

/**
 * Running text in which only what is known to be personal is replaced: e-mail addresses, URLs, IBANs, telephone numbers,
 * long numbers, and every value of the columns in `known`, by those columns' pseudonyms. The rest stays, so this is for
 * texts that are needed and that people wrote nothing else into; the other mode is the safe one.
 */
function patterned(options: Options): Transformer {
  const known = options.texts('known');
  const locale = options.choice('locale', ['en', 'fr'], 'en');
  options.done();
  return {
    kind: 'text',
    companions: known.flatMap((column) => [
      { column, value: 'original' as const },
      { column, value: 'pseudonym' as const },
    ]),
    guarantee: (column) => guarantee('text', column),
    prepare({ key, column }) {
      this.guarantee(column);
      // Inside a text there is no limit; the whole is cut to the column at the end.
      const inside: ColumnFacts = { name: column.name, type: 'text', nullable: true, unique: false };
      const runs: { find: RegExp; run: Run }[] = patterns.map(({ find, make }) => ({
        find,
        run: make(locale).prepare({ key, column: inside }),
      }));
      return (cells, out, others) => {
        for (let i = 0; i < cells.length; i++) out[i] = cells[i]!;
        const held: string[][] = cells.map(() => []);
        for (let k = 0; k < known.length; k++) {
          const [originals, pseudonyms] = [others![2 * k]!, others![2 * k + 1]!];
          for (let i = 0; i < cells.length; i++) {
            const original = originals[i];
            // Shorter ones would hit parts of ordinary words.
            if (!out[i] || !original || original.trim().length < 3) continue;
            const find = new RegExp(`(?<![\\p{L}\\p{N}])${literally(original.trim())}(?![\\p{L}\\p{N}])`, 'giu');
            out[i] = out[i]!.replace(find, () => hold(held[i]!, pseudonyms[i] ?? ''));
          }
        }
        for (const { find, run } of runs) replaceAll(find, run, out, held);
        for (let i = 0; i < cells.length; i++)
          if (out[i]) out[i] = fitted(release(out[i]!, held[i]!), column.maxLength);
      };
    },
  };
}

/** RegExp.escape, which Node 22 does not have. */
function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** What was replaced once is set aside, so that the next pattern does not take a pseudonym for an original. */
function hold(held: string[], pseudonym: string): string {
  held.push(pseudonym);
  return `\u{f0000}${String.fromCodePoint(0xf0001 + held.length - 1)}`;
}

function release(text: string, held: readonly string[]): string {
  if (held.length === 0) return text;
  return text.replace(/\u{f0000}(.)/gu, (whole, mark: string) => held[mark.codePointAt(0)! - 0xf0001] ?? whole);
}

function replaceAll(find: RegExp, run: Run, out: Cell[], held: string[][]): void {
  const found: string[] = [];
  for (const cell of out) if (cell) for (const [match] of cell.matchAll(find)) found.push(match);
  if (found.length === 0) return;
  const made: Cell[] = new Array(found.length);
  run(found, made);
  let next = 0;
  for (let i = 0; i < out.length; i++)
    if (out[i]) out[i] = out[i]!.replace(find, () => hold(held[i]!, made[next++] ?? ''));
}
