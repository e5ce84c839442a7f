/** What carries text beside rows: labels, comments, literals in definitions, large objects. */
import { createHash } from 'node:crypto';
import { displayName } from '../sources/postgres/quote.ts';
import type { Session } from '../sources/postgres/session.ts';
import { signsOf } from './detectors-values.ts';

export type DefinitionKind =
  | 'enum'
  | 'comment'
  | 'default'
  | 'check'
  | 'partition'
  | 'view'
  | 'function'
  | 'policy'
  | 'index'
  | 'trigger'
  | 'rule'
  | 'generated'
  | 'settings'
  | 'large-objects';

/** Something that is in every copy of the schema and must be ruled as a whole. Its text is not kept. */
export interface Definition {
  /** `enum app.plan`, `comment column app.people.iban`; the same in every run. */
  id: string;
  kind: DefinitionKind;
  /** Changes when the text does. Of large objects it is empty: their content is data. */
  fingerprint: string;
  /** Literals, labels or large objects in it. */
  count: number;
  /** How many of them look personal. */
  personal: number;
}

interface Row {
  kind: DefinitionKind;
  schema: string | null;
  name: string;
  part: string | null;
  text: string;
}

const inUse = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'`;
/** Members of an extension come with it. */
const own = (catalog: string, oid: string) =>
  `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`;

const queries: readonly string[] = [
  `SELECT 'enum' AS kind, n.nspname::text AS schema, t.typname::text AS name, NULL AS part,
          (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder)::text FROM pg_enum e WHERE e.enumtypid = t.oid) AS text
   FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'e' AND ${inUse} AND ${own('pg_type', 't.oid')}`,
  `SELECT CASE WHEN a.attgenerated <> '' THEN 'generated' ELSE 'default' END AS kind, n.nspname::text AS schema,
          c.relname::text AS name, a.attname::text AS part, pg_get_expr(x.adbin, x.adrelid) AS text
   FROM pg_attrdef x JOIN pg_class c ON c.oid = x.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.adnum WHERE ${inUse} AND ${own('pg_class', 'c.oid')}`,
  `SELECT 'default' AS kind, n.nspname::text AS schema, t.typname::text AS name, 'domain' AS part, t.typdefault AS text
   FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
   WHERE t.typtype = 'd' AND t.typdefault IS NOT NULL AND ${inUse} AND ${own('pg_type', 't.oid')}`,
  `SELECT 'check' AS kind, n.nspname::text AS schema, coalesce(c.relname, t.typname)::text AS name, k.conname::text AS part,
          pg_get_constraintdef(k.oid) AS text
   FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
   LEFT JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_type t ON t.oid = k.contypid
   WHERE k.contype IN ('c', 'x') AND k.conparentid = 0 AND k.coninhcount = 0 AND ${inUse}
     AND ${own('pg_class', 'k.conrelid')} AND ${own('pg_type', 'k.contypid')}`,
  `SELECT 'partition' AS kind, n.nspname::text AS schema, c.relname::text AS name, NULL AS part,
          pg_get_expr(c.relpartbound, c.oid) AS text
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relispartition AND c.relkind <> 'i' AND ${inUse}`,
  `SELECT 'view' AS kind, n.nspname::text AS schema, c.relname::text AS name, NULL AS part, pg_get_viewdef(c.oid) AS text
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('v', 'm') AND ${inUse} AND ${own('pg_class', 'c.oid')}`,
  `SELECT 'function' AS kind, n.nspname::text AS schema, p.proname::text AS name,
          '(' || pg_get_function_identity_arguments(p.oid) || ')' AS part,
          CASE WHEN p.prokind = 'a' THEN coalesce((SELECT g.agginitval FROM pg_aggregate g WHERE g.aggfnoid = p.oid), '')
               ELSE pg_get_functiondef(p.oid) END AS text
   FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${inUse} AND ${own('pg_proc', 'p.oid')}`,
  `SELECT 'policy' AS kind, n.nspname::text AS schema, c.relname::text AS name, p.polname::text AS part,
          concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) AS text
   FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${inUse}`,
  `SELECT 'index' AS kind, n.nspname::text AS schema, i.relname::text AS name, NULL AS part,
          concat_ws(' ', pg_get_expr(x.indpred, x.indrelid), pg_get_expr(x.indexprs, x.indrelid)) AS text
   FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
   WHERE (x.indpred IS NOT NULL OR x.indexprs IS NOT NULL) AND ${inUse} AND NOT i.relispartition`,
  `SELECT 'trigger' AS kind, n.nspname::text AS schema, c.relname::text AS name, t.tgname::text AS part,
          pg_get_triggerdef(t.oid) AS text
   FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND ${inUse} AND ${own('pg_class', 'c.oid')}`,
  `SELECT 'rule' AS kind, n.nspname::text AS schema, c.relname::text AS name, r.rulename::text AS part,
          pg_get_ruledef(r.oid) AS text
   FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE r.rulename <> '_RETURN' AND ${inUse} AND ${own('pg_class', 'c.oid')}`,
  // Also what needs no name of a table: databases, roles, schemas, functions. Those of extensions are the extension's.
  `SELECT 'comment' AS kind, NULL AS schema, (o.i).type || ' ' || (o.i).identity AS name, NULL AS part, o.text FROM (
     SELECT pg_identify_object(classoid, objoid, objsubid) AS i, description AS text, classoid, objoid FROM pg_description x
     WHERE objoid >= 16384
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = x.classoid AND d.objid = x.objoid AND d.deptype = 'e')
       AND classoid <> 'pg_largeobject'::regclass AND classoid <> 'pg_extension'::regclass
     UNION ALL
     SELECT pg_identify_object(classoid, objoid, 0), description, classoid, objoid FROM pg_shdescription
     WHERE objoid >= 16384 AND (classoid <> 'pg_database'::regclass
       OR objoid = (SELECT oid FROM pg_database WHERE datname = current_database()))) o`,
  `SELECT 'comment' AS kind, NULL AS schema, 'large objects' AS name, NULL AS part,
          json_agg(description ORDER BY objoid)::text AS text
   FROM pg_description WHERE classoid = 'pg_largeobject'::regclass HAVING count(*) > 0`,
  `SELECT 'settings' AS kind, NULL AS schema, coalesce('role ' || r.rolname, 'database') AS name, NULL AS part,
          array_to_json(s.setconfig)::text AS text
   FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole
   WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())`,
];

/** Every definition with at least one literal, label or comment in it, by id. @throws HoldfastError */
export async function readDefinitions(session: Session): Promise<Definition[]> {
  const found: Definition[] = [];
  for (const query of queries) {
    const rows = await session.query<Row>(query, [], 'Could not read the definitions of the database.');
    for (const row of rows) {
      const definition = definitionOf(row);
      if (definition) found.push(definition);
    }
  }
  const [objects] = await session.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM pg_largeobject_metadata',
    [],
    'Could not count the large objects.',
  );
  if (objects!.count > 0) {
    found.push({ id: 'large objects', kind: 'large-objects', fingerprint: '', count: objects!.count, personal: 0 });
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

function definitionOf({ kind, schema, name, part, text }: Row): Definition | undefined {
  const about = schema === null ? name : displayName(schema, name);
  const separator = kind === 'function' ? '' : part === 'domain' ? ' ' : '.';
  const id = `${kind} ${about}${part === null ? '' : `${separator}${part}`}`;
  const literals = literalsOf(kind, text ?? '');
  if (literals.length === 0) return undefined;
  const fingerprint = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return { id, kind, fingerprint, count: literals.length, personal: literals.filter(looksPersonal).length };
}

/** Whole texts where people write, else what stands between quotes, and numbers long enough to be somebody's. */
export function literalsOf(kind: DefinitionKind, text: string): string[] {
  if (kind === 'comment' && !text.startsWith('["')) return text.trim() === '' ? [] : [text];
  if (kind === 'enum' || kind === 'settings' || kind === 'comment') return jsonTexts(text);
  const quoted = [...text.matchAll(/'((?:[^']|'')*)'/g)].map(([, inner]) => inner!.replaceAll("''", "'"));
  const numbers = text.match(/(?<![\w.'])\d{6,}(?![\w.'])/g) ?? [];
  // Comments and quotes of any kind stand in a body.
  const remarks = kind === 'function' ? [...text.matchAll(/--[^\n]*|\/\*[\s\S]*?\*\//g)].map(([remark]) => remark) : [];
  return [...quoted.filter((inner) => inner !== ''), ...numbers, ...remarks];
}

function jsonTexts(text: string): string[] {
  const value: unknown = JSON.parse(text === '' ? '[]' : text);
  return Array.isArray(value) ? value.map(String) : [];
}

const telling = new Set([
  'email',
  'phone',
  'iban',
  'national-id',
  'card',
  'siret',
  'address',
  'full-name',
  'within',
  'secret',
  'password',
  'ip',
  'mac',
]);

/** Surer than for rows: the names of things in code are not persons, so a first name alone does not count. */
function looksPersonal(literal: string): boolean {
  return signsOf(literal).some((sign) => telling.has(sign));
}
