/** Finds the part of the schema that describes a path, to name the keys that are known there. */
import type { z } from 'zod';
import type { PathSegment } from './problems.ts';

type Schema = z.core.$ZodType;

/** The schema behind defaults, transforms and the like. */
function bare(schema: Schema): Schema {
  const { def } = schema._zod as z.core.$ZodTypes['_zod'];
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
    case 'nullable':
      return bare(def.innerType);
    case 'pipe':
      return bare(def.in);
    default:
      return schema;
  }
}

/** The schemas that may describe `value`: the members of a union that fit it as far as one can tell. */
function variants(schema: Schema, value: unknown): z.core.$ZodTypes['_zod']['def'][] {
  const { def } = bare(schema)._zod as z.core.$ZodTypes['_zod'];
  if (def.type !== 'union') return [def];
  const all = def.options.flatMap((option) => variants(option, value));
  const named = all.filter(
    (option) => option.type === 'object' && literalType(option.shape.type) === fieldOf(value, 'type'),
  );
  return named.length > 0 && fieldOf(value, 'type') !== undefined ? named : all;
}

function literalType(schema: Schema | undefined): unknown {
  const def = schema && (bare(schema)._zod as z.core.$ZodTypes['_zod']).def;
  return def?.type === 'literal' ? def.values[0] : undefined;
}

/** The schemas at `path` of `value`, which may be any value at all. */
export function schemasAt(root: Schema, path: readonly PathSegment[], value: unknown): Schema[] {
  let current: Schema[] = [root];
  let inside = value;
  for (const segment of path) {
    current = current.flatMap((schema) =>
      variants(schema, inside).flatMap((def): Schema[] => {
        if (def.type === 'array') return [def.element];
        if (def.type === 'record') return [def.valueType];
        const next = def.type === 'object' ? def.shape[segment as string] : undefined;
        return next ? [next] : [];
      }),
    );
    inside = fieldOf(inside, segment);
  }
  return current;
}

/** The keys that a mapping at `path` may have. */
export function keysAt(root: Schema, path: readonly PathSegment[], value: unknown): string[] {
  const inside = valueAt(value, path);
  const found = schemasAt(root, path, value).flatMap((schema) =>
    variants(schema, inside).flatMap((def) => (def.type === 'object' ? Object.keys(def.shape) : [])),
  );
  return [...new Set(found)];
}

/** What stands at `path` of `value`; undefined where there is nothing. */
export function valueAt(value: unknown, path: readonly PathSegment[]): unknown {
  return path.reduce<unknown>(fieldOf, value);
}

function fieldOf(value: unknown, key: PathSegment): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<PathSegment, unknown>)[key];
}
