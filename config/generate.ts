/** `node config/generate.ts` writes what is generated from the schema; a test holds the files against it. */
import { writeFileSync } from 'node:fs';
import { jsonSchemaText } from './json-schema.ts';
import { referenceText } from './reference.ts';

writeFileSync(new URL('holdfast.schema.json', import.meta.url), jsonSchemaText());
writeFileSync(new URL('../docs/config.md', import.meta.url), referenceText());
