import { HoldfastError } from '../../base/errors.ts';
import { type ArrayNode, formatArray, parseArray } from '../array-text.ts';
import type { Options } from '../options.ts';
import { type Cell, type ColumnFacts, type Guarantee, type Run, type Transformer, unfitValue } from '../transformer.ts';
import { innerRule, leafFacts, type MakeTransformer } from './inner-rule.ts';

const whole = (maxLength?: number): Guarantee => ({
  uniqueness: 'lossy',
  maxLength,
  nulls: 'kept',
  empty: 'kept',
  canonical: 'of each value what its own rule says',
  reversible: false,
});

/** Every element of an array by one rule; bounds, dimensions and NULLs stay. */
export const array =
  (make: MakeTransformer) =>
  (options: Options): Transformer => {
    const element = innerRule('array', make, options.raw('element'));
    options.done();
    const facts = (column: ColumnFacts): ColumnFacts => {
      if (!column.type.endsWith('[]'))
        throw new HoldfastError('config', `\`array\` does not go with ${column.name}.`, {
          why: `The column is of type ${column.type}.`,
        });
      return { ...column, type: column.type.slice(0, -2), unique: false, nullable: true };
    };
    return {
      kind: 'array',
      companions: [],
      guarantee(column) {
        element.guarantee(facts(column));
        return whole();
      },
      prepare({ column, ...context }) {
        const run = element.prepare({ ...context, column: facts(column) });
        return (cells, out) => {
          const leaves: string[] = [];
          const parsed = cells.map((cell) => {
            if (!cell) return undefined;
            const found = parseArray(cell);
            if (found === undefined) throw unfitValue('array', column, 'It is not the text of an array.');
            collect(found.elements, leaves);
            return found;
          });
          const made: Cell[] = new Array(leaves.length);
          run(leaves, made);
          let next = 0;
          const replaced = (node: ArrayNode): ArrayNode =>
            node === null ? null : typeof node === 'string' ? made[next++]! : node.map(replaced);
          for (let i = 0; i < cells.length; i++) {
            const found = parsed[i];
            out[i] = found ? formatArray({ ...found, elements: found.elements.map(replaced) }) : cells[i]!;
          }
        };
      },
    };
  };

function collect(nodes: readonly ArrayNode[], leaves: string[]): void {
  for (const node of nodes) {
    if (typeof node === 'string') leaves.push(node);
    else if (node !== null) collect(node, leaves);
  }
}

/** A number of a JSON document as it was written: JavaScript's own would round it. */
class RawNumber {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

interface JsonRun {
  readonly run: Run;
  readonly leaves: string[];
  readonly places: { parent: Record<string, unknown>; name: string; wasNumber: boolean }[];
}

/**
 * JSON and JSONB. `paths` names rules by path: `user.email`, `items[].name`, `*` for any one name. Strings and numbers
 * under no path go by `default`: `refuse` (as when it is not set), `keep`, `null`, or a rule. true, false and null stay, and
 * so do the names of objects: who has values as names needs `refuse` at that place, or another rule for the whole column.
 */
export const json =
  (make: MakeTransformer) =>
  (options: Options): Transformer => {
    const paths = options.raw('paths') ?? {};
    const other = options.raw('default') ?? 'refuse';
    options.done();
    if (typeof paths !== 'object' || Array.isArray(paths))
      throw new HoldfastError('config', 'The option `paths` of `json` is wrong.', {
        why: 'It must hold a rule for each path.',
      });
    const rules = Object.entries(paths as object).map(([path, rule]) => ({
      path: splitPath(path),
      transformer: innerRule('json', make, rule),
    }));
    const simple = other === 'refuse' || other === 'keep' || other === 'null' ? other : undefined;
    const fallback = simple === undefined ? innerRule('json', make, other) : undefined;

    return {
      kind: 'json',
      companions: [],
      guarantee(column) {
        if (!['json', 'jsonb', 'text', 'character varying'].includes(column.type))
          throw new HoldfastError('config', `\`json\` does not go with ${column.name}.`, {
            why: `The column is of type ${column.type}.`,
          });
        for (const { transformer } of rules) transformer.guarantee(leafFacts(column));
        fallback?.guarantee(leafFacts(column));
        return whole(column.maxLength);
      },
      prepare({ column, ...context }) {
        this.guarantee(column);
        const facts = leafFacts(column);
        const prepared = (transformer: Transformer): JsonRun => ({
          run: transformer.prepare({ ...context, column: facts }),
          leaves: [],
          places: [],
        });
        const runs = rules.map(({ path, transformer }) => ({ path, to: prepared(transformer) }));
        const rest = fallback && prepared(fallback);
        const all = [...runs.map(({ to }) => to), ...(rest ? [rest] : [])];

        const visit = (parent: Record<string, unknown>, name: string, path: string[]): void => {
          const value = parent[name];
          if (value === null || typeof value === 'boolean') return;
          if (typeof value === 'string' || value instanceof RawNumber) {
            const to = runs.find((rule) => matches(rule.path, path))?.to ?? rest;
            if (to !== undefined) {
              const wasNumber = value instanceof RawNumber;
              to.leaves.push(wasNumber ? value.source : value);
              to.places.push({ parent, name, wasNumber });
            } else if (simple === 'null') parent[name] = null;
            else if (simple === 'refuse')
              throw unfitValue('json', column, 'It has a string or number at a path that no rule names.');
            return;
          }
          const list = Array.isArray(value);
          for (const child of Object.keys(value as object))
            visit(value as Record<string, unknown>, child, [...path, list ? '[]' : child]);
        };

        return (cells, out) => {
          const roots = cells.map((cell) => {
            if (!cell) return undefined;
            const root: Record<string, unknown> = { '': parseJson(cell, column) };
            visit(root, '', []);
            return root;
          });
          for (const { run, leaves, places } of all) {
            const made: Cell[] = new Array(leaves.length);
            run(leaves, made);
            places.forEach(({ parent, name, wasNumber }, k) => {
              const value = made[k]!;
              parent[name] = wasNumber && value !== null && number.test(value) ? new RawNumber(value) : value;
            });
            leaves.length = places.length = 0;
          }
          const most = column.maxLength ?? Number.POSITIVE_INFINITY;
          for (let i = 0; i < cells.length; i++) {
            const made = roots[i] === undefined ? cells[i]! : writeJson(roots[i]!['']);
            // Cut, it would not be JSON.
            if (made !== null && made.length > most)
              throw unfitValue('json', column, 'It would be longer than the column.');
            out[i] = made;
          }
        };
      },
    };
  };

const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function splitPath(path: string): string[] {
  return path
    .replace(/^\$\.?/, '')
    .replace(/\[\]/g, '.[]')
    .split('.')
    .filter((step) => step !== '');
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  return (
    pattern.length === path.length && pattern.every((step, k) => step === path[k] || (step === '*' && path[k] !== '[]'))
  );
}

function parseJson(cell: string, column: ColumnFacts): unknown {
  try {
    // TypeScript does not know the third argument yet; it holds how the value was written.
    const revive = (_: string, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? new RawNumber(context?.source ?? String(value)) : value;
    return JSON.parse(cell, revive as (key: string, value: unknown) => unknown);
  } catch {
    // Without its cause: the parser's message quotes the text.
    throw unfitValue('json', column, 'It is not JSON.');
  }
}

function writeJson(value: unknown): string {
  if (value instanceof RawNumber) return value.source;
  if (Array.isArray(value)) return `[${value.map(writeJson).join(', ')}]`;
  if (value !== null && typeof value === 'object')
    return `{${Object.entries(value)
      .map(([name, child]) => `${JSON.stringify(name)}: ${writeJson(child)}`)
      .join(', ')}}`;
  return JSON.stringify(value);
}
