import { HoldfastError } from '../../base/errors.ts';
import type { Options } from '../options.ts';
import { formatHstore, formatRow, type HstorePairs, parseHstore, parseRow } from '../part-text.ts';
import { assertType, type ColumnFacts, type Guarantee, type Transformer, unfitValue } from '../transformer.ts';
import { leafFacts, type MakeTransformer, partRules } from './inner-rule.ts';

const ofParts = (maxLength?: number): Guarantee => ({
  uniqueness: 'lossy',
  maxLength,
  nulls: 'kept',
  empty: 'kept',
  canonical: 'of each part what its own rule says',
  reversible: false,
});

/**
 * hstore: `paths` names rules by key, `*` being any that is not named; values of other keys go by `default`: `refuse` (as
 * when it is not set), `keep`, `null`, or a rule. Keys and NULLs stay.
 */
export const hstore =
  (make: MakeTransformer) =>
  (options: Options): Transformer => {
    const parts = partRules(options, make, 'paths');
    const guarantee = (column: ColumnFacts): Guarantee => {
      assertType('hstore', column, 'hstore');
      for (const each of parts.all) each.guarantee(leafFacts(column));
      return ofParts();
    };
    return {
      kind: 'hstore',
      companions: parts.companions,
      guarantee,
      prepare(context) {
        const { column } = context;
        guarantee(column);
        const runs = parts.prepare(context, () => leafFacts(column));
        return (cells, out, companions) => {
          const found: (HstorePairs | undefined)[] = cells.map((cell) => {
            if (!cell) return undefined;
            const pairs = parseHstore(cell);
            if (pairs === undefined) throw unfitValue('hstore', column, 'It is not the text of an hstore.');
            return pairs;
          });
          for (const [row, pairs] of found.entries())
            for (const pair of pairs ?? [])
              if (pair[1] !== null)
                runs.take(parts.rules.has(pair[0]) ? pair[0] : '*', pair[1], row, (made) => {
                  pair[1] = made;
                });
          runs.finish(companions);
          for (let i = 0; i < cells.length; i++) out[i] = found[i] === undefined ? cells[i]! : formatHstore(found[i]!);
        };
      },
    };
  };

/**
 * Row types: `fields` names rules by the field's name, or by its position from 1; other fields go by `default`: `refuse`
 * (as when it is not set), `keep`, `null`, or a rule. Fields that are NULL stay.
 */
export const composite =
  (make: MakeTransformer) =>
  (options: Options): Transformer => {
    const parts = partRules(options, make, 'fields');
    /** For each field the name that the rules have it under. */
    const named = (column: ColumnFacts): string[] => {
      const { fields } = column;
      if (fields === undefined)
        throw new HoldfastError('config', `\`composite\` does not go with ${column.name}.`, {
          why: `The column is of type ${column.type}, which has no fields.`,
        });
      const names = fields.map(({ name }, at) => (parts.rules.has(name) ? name : String(at + 1)));
      const unknown = [...parts.rules.keys()].find((name) => !names.includes(name));
      if (unknown !== undefined)
        throw new HoldfastError('config', `A rule of \`composite\` does not fit ${column.name}.`, {
          why: `${column.type} has no field ${unknown}; it has ${fields.map(({ name }) => name).join(', ')}.`,
        });
      return names;
    };
    const factsOf = (column: ColumnFacts, at: number): ColumnFacts => ({
      ...leafFacts(column),
      name: `${column.name}.${column.fields![at]!.name}`,
      type: column.fields![at]!.type,
    });
    const guarantee = (column: ColumnFacts): Guarantee => {
      for (const [at, name] of named(column).entries()) {
        const rule = parts.rules.get(name) ?? parts.rest;
        if (typeof rule !== 'string') rule.guarantee(factsOf(column, at));
      }
      return ofParts();
    };
    return {
      kind: 'composite',
      companions: parts.companions,
      guarantee,
      prepare(context) {
        const { column } = context;
        guarantee(column);
        const names = named(column);
        // A rule for all other fields is made for texts: it says what it takes when it meets something else.
        const runs = parts.prepare(context, (name) =>
          name === undefined ? leafFacts(column) : factsOf(column, names.indexOf(name)),
        );
        return (cells, out, companions) => {
          const found = cells.map((cell) => {
            if (!cell) return undefined;
            const fields = parseRow(cell);
            if (fields?.length !== names.length)
              throw unfitValue('composite', column, 'It is not the text of a row of its type.');
            return fields;
          });
          for (const [row, fields] of found.entries())
            for (const [at, field] of (fields ?? []).entries())
              if (field !== null)
                runs.take(names[at]!, field, row, (made) => {
                  fields![at] = made;
                });
          runs.finish(companions);
          for (let i = 0; i < cells.length; i++) out[i] = found[i] === undefined ? cells[i]! : formatRow(found[i]!);
        };
      },
    };
  };
