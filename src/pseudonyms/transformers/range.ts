import { HoldfastError } from '../../base/errors.ts';
import { parseDate } from '../civil-date.ts';
import type { Options } from '../options.ts';
import { formatRanges, parseRanges, type RangeText } from '../part-text.ts';
import { type Cell, type ColumnFacts, type Guarantee, type Transformer, unfitValue } from '../transformer.ts';
import { innerRule, Leaves, type MakeTransformer } from './inner-rule.ts';

/**
 * Ranges and multiranges: both bounds by one rule. Empty ranges and missing bounds stay. Where the rule turned the bounds
 * around they change places, and where it made them one the range holds that one value.
 */
export const range =
  (make: MakeTransformer) =>
  (options: Options): Transformer => {
    const bounds = innerRule('range', make, options.raw('bounds'), 'beside');
    options.done();
    const facts = (column: ColumnFacts): ColumnFacts => {
      if (column.subtype === undefined)
        throw new HoldfastError('config', `\`range\` does not go with ${column.name}.`, {
          why: `The column is of type ${column.type}, which is no range.`,
        });
      return { name: column.name, type: column.subtype, nullable: true, unique: false, rows: column.rows };
    };
    const guarantee = (column: ColumnFacts): Guarantee => {
      bounds.guarantee(facts(column));
      return {
        uniqueness: 'lossy',
        maxLength: undefined,
        nulls: 'kept',
        empty: 'kept',
        canonical: 'of each bound what its own rule says',
        reversible: false,
      };
    };
    return {
      kind: 'range',
      companions: bounds.companions,
      guarantee,
      prepare({ column, ...context }) {
        guarantee(column);
        const leaves = new Leaves(bounds.prepare({ ...context, column: facts(column) }), 0, bounds.companions.length);
        const replaced = (made: Cell): string => {
          // A bound that is not there is an endless one: the range would grow.
          if (made === null) throw unfitValue('range', column, 'The rule of its bounds made one of them NULL.');
          return made;
        };
        return (cells, out, companions) => {
          const found = cells.map((cell) => {
            if (!cell) return undefined;
            const parsed = parseRanges(cell);
            if (parsed === undefined) throw unfitValue('range', column, 'It is not the text of a range.');
            return parsed;
          });
          for (const [row, parsed] of found.entries())
            for (const each of parsed?.ranges ?? []) {
              const { lower, upper } = each;
              if (lower !== undefined) leaves.add(lower, row, (made) => (each.lower = replaced(made)));
              if (upper !== undefined) leaves.add(upper, row, (made) => (each.upper = replaced(made)));
            }
          leaves.finish(companions);
          for (let i = 0; i < cells.length; i++) {
            const parsed = found[i];
            out[i] = parsed ? formatRanges({ ...parsed, ranges: parsed.ranges.map(ordered) }) : cells[i]!;
          }
        };
      },
    };
  };

function ordered(range: RangeText): RangeText {
  const { lower, upper, lowerInclusive, upperInclusive } = range;
  if (lower === undefined || upper === undefined) return range;
  const order = compare(lower, upper);
  if (order < 0) return range;
  // Not empty before, so not empty now.
  if (order === 0) return { lower, upper, lowerInclusive: true, upperInclusive: true };
  return { lower: upper, upper: lower, lowerInclusive: upperInclusive, upperInclusive: lowerInclusive };
}

const decimal = /^-?\d+(?:\.\d+)?$/;

/** Of numbers and dates as the server writes them; other types by their characters. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  if (decimal.test(a) && decimal.test(b)) {
    const scale = Math.max(...[a, b].map((text) => (text.split('.')[1] ?? '').length));
    const [x, y] = [a, b].map((text) => {
      const [whole, fraction = ''] = text.split('.');
      return BigInt(whole! + fraction.padEnd(scale, '0'));
    });
    return x! < y! ? -1 : x! > y! ? 1 : 0;
  }
  const endless = (text: string) => (text === 'infinity' ? 1 : text === '-infinity' ? -1 : 0);
  if (endless(a) !== endless(b)) return endless(a) - endless(b);
  const [x, y] = [parseDate(a), parseDate(b)];
  if (x !== undefined && y !== undefined && x.day !== y.day) return x.day - y.day;
  const [left, right] = x !== undefined && y !== undefined ? [x.rest, y.rest] : [a, b];
  return left < right ? -1 : left > right ? 1 : 0;
}
