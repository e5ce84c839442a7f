/** JSON Schema of the configuration, for editors: generated from the schema, never written by hand. */
import { z } from 'zod';
import { configSchema } from './schema.ts';

/** The parts of JSON Schema that the configuration uses, and `defaultText`, which is ours. */
export interface JsonSchema {
  $ref?: string;
  type?: string;
  title?: string;
  description?: string;
  default?: unknown;
  /** Words for a default that is no value. For documentation only. */
  defaultText?: string;
  examples?: unknown[];
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  additionalProperties?: boolean | JsonSchema;
  allOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  definitions?: Record<string, JsonSchema>;
}

/** The schema with everything that the documentation wants to know. Draft 7, the one that YAML editors know best. */
export function describedSchema(): JsonSchema {
  return z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      const schema = jsonSchema as JsonSchema & { samples?: unknown[] };
      // Under another name in the sources: zod drops `examples` of whatever is transformed.
      if (schema.samples) schema.examples = schema.samples;
      delete schema.samples;
      // An empty mapping that is filled with the defaults of its keys says nothing here.
      if (JSON.stringify(schema.default) === '{}') delete schema.default;
    },
  }) as JsonSchema;
}

/** The text of `holdfast.schema.json`. */
export function jsonSchemaText(): string {
  return `${JSON.stringify(describedSchema(), (key, value) => (key === 'defaultText' ? undefined : value), 2)}\n`;
}
