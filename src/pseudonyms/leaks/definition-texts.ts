/**
 * Every text of a database's definitions: labels, comments, code, bounds, defaults, options, and names. Wider than what a
 * lock file rules: here nothing needs a rule, it only must not hold an original.
 */
import { displayName } from '../../sources/postgres/quote.ts';
import type { Session } from '../../sources/postgres/session.ts';

export interface DefinitionText {
  /** As the lock file names definitions: `enum app.plan`, `default app.people.city`. */
  name: string;
  /** `values`: labels, comments, options, each one value. `code`: SQL, of which literals are values. `names`: identifiers. */
  kind: 'values' | 'code' | 'names';
  texts: string[];
}

interface Row {
  kind: string;
  schema: string | null;
  name: string;
  part: string | null;
  form: DefinitionText['kind'];
  texts: (string | null)[] | null;
}

const mine = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'`;
const own = (catalog: string, oid: string) =>
  `NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass
     AND d.objid = ${oid} AND d.deptype = 'e')`;

/** One row: kind, schema, name, part, form, texts. */
const queries: readonly string[] = [
  `SELECT 'enum', n.nspname, t.typname, NULL, 'values', ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid)
   FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'e' AND ${mine} AND ${own('pg_type', 't.oid')}`,
  `SELECT CASE WHEN a.attgenerated <> '' THEN 'generated' ELSE 'default' END, n.nspname, c.relname, a.attname, 'code',
          ARRAY[pg_get_expr(x.adbin, x.adrelid)]
   FROM pg_attrdef x JOIN pg_class c ON c.oid = x.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.adnum WHERE ${mine} AND ${own('pg_class', 'c.oid')}`,
  `SELECT 'default', n.nspname, t.typname, 'domain', 'values', ARRAY[t.typdefault]
   FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typdefault IS NOT NULL AND ${mine}`,
  `SELECT 'check', n.nspname, coalesce(c.relname, t.typname), k.conname, 'code', ARRAY[pg_get_constraintdef(k.oid)]
   FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace LEFT JOIN pg_class c ON c.oid = k.conrelid
   LEFT JOIN pg_type t ON t.oid = k.contypid WHERE k.contype IN ('c', 'x') AND ${mine} AND ${own('pg_class', 'k.conrelid')}
     AND ${own('pg_type', 'k.contypid')}`,
  `SELECT 'partition', n.nspname, c.relname, NULL, 'code', ARRAY[pg_get_expr(c.relpartbound, c.oid)]
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relispartition AND c.relkind <> 'i' AND ${mine}`,
  `SELECT 'view', n.nspname, c.relname, NULL, 'code', ARRAY[pg_get_viewdef(c.oid)]
   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('v', 'm') AND ${mine} AND ${own('pg_class', 'c.oid')}`,
  `SELECT 'function', n.nspname, p.proname, '(' || pg_get_function_identity_arguments(p.oid) || ')', 'code',
          ARRAY[CASE WHEN p.prokind = 'a' THEN (SELECT g.agginitval FROM pg_aggregate g WHERE g.aggfnoid = p.oid)
                     ELSE pg_get_functiondef(p.oid) END, array_to_string(p.proconfig, ' ')]
   FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${mine} AND ${own('pg_proc', 'p.oid')}`,
  `SELECT 'policy', n.nspname, c.relname, p.polname, 'code',
          ARRAY[pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)]
   FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${mine}`,
  `SELECT 'index', n.nspname, i.relname, NULL, 'code', ARRAY[pg_get_expr(x.indpred, x.indrelid), pg_get_expr(x.indexprs, x.indrelid)]
   FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace
   WHERE (x.indpred IS NOT NULL OR x.indexprs IS NOT NULL) AND ${mine}`,
  `SELECT 'trigger', n.nspname, c.relname, t.tgname, 'code', ARRAY[pg_get_triggerdef(t.oid)]
   FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE NOT t.tgisinternal AND ${mine} AND ${own('pg_class', 'c.oid')}`,
  `SELECT 'rule', n.nspname, c.relname, r.rulename, 'code', ARRAY[pg_get_ruledef(r.oid)]
   FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE r.rulename <> '_RETURN' AND ${mine} AND ${own('pg_class', 'c.oid')}`,
  `SELECT 'comment', NULL, CASE WHEN o.classoid = 'pg_largeobject'::regclass THEN 'large objects' ELSE (o.i).type || ' ' || (o.i).identity END,
          NULL, 'values', array_agg(o.description)
   FROM (SELECT pg_identify_object(classoid, objoid, objsubid) AS i, classoid, description FROM pg_description x
         WHERE objoid >= 16384 AND classoid <> 'pg_extension'::regclass
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = x.classoid AND d.objid = x.objoid AND d.deptype = 'e')
         UNION ALL
         SELECT pg_identify_object(classoid, objoid, 0), classoid, description FROM pg_shdescription
         WHERE classoid = 'pg_database'::regclass AND objoid = (SELECT oid FROM pg_database WHERE datname = current_database())) o
   GROUP BY 3`,
  `SELECT 'settings', NULL, coalesce('role ' || r.rolname, 'database'), NULL, 'values', s.setconfig
   FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole
   WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  `SELECT 'security label', NULL, (pg_identify_object(classoid, objoid, objsubid)).identity, NULL, 'values', ARRAY[label]
   FROM pg_seclabel WHERE objoid >= 16384`,
  `SELECT 'server', NULL, s.srvname, NULL, 'values', s.srvoptions FROM pg_foreign_server s`,
  `SELECT 'options', n.nspname, c.relname, NULL, 'values', f.ftoptions
   FROM pg_foreign_table f JOIN pg_class c ON c.oid = f.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace`,
  `SELECT 'names', NULL, 'of schemas, tables, columns, types and roles', NULL, 'names',
          ARRAY(SELECT n.nspname::text FROM pg_namespace n WHERE ${mine}
                UNION ALL SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid >= 16384 AND ${mine}
                UNION ALL SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                  JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.oid >= 16384 AND c.relkind <> 'i' AND a.attnum > 0 AND NOT a.attisdropped AND ${mine}
                UNION ALL SELECT k.conname FROM pg_constraint k WHERE k.oid >= 16384
                UNION ALL SELECT t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid >= 16384 AND ${mine})`,
];

/** @throws HoldfastError when the database cannot be asked */
export async function readDefinitionTexts(session: Session): Promise<DefinitionText[]> {
  const found: DefinitionText[] = [];
  for (const query of queries) {
    const text = `SELECT q.kind::text, q.schema::text, q.name::text, q.part::text, q.form::text, q.texts::text[]
                  FROM (${query}) AS q (kind, schema, name, part, form, texts)`;
    const rows = await session.query<Row>(text, [], 'Could not read the definitions of the copy.');
    for (const row of rows) {
      const texts = (row.texts ?? []).filter((each): each is string => each !== null && each !== '');
      if (texts.length > 0) found.push({ name: nameOf(row), kind: row.form, texts });
    }
  }
  return found;
}

function nameOf({ kind, schema, name, part }: Row): string {
  const about = schema === null ? name : displayName(schema, name);
  const between = kind === 'function' ? '' : part === 'domain' ? ' ' : '.';
  return `${kind} ${about}${part === null ? '' : `${between}${part}`}`;
}

/** What stands between quotes in SQL, as it is meant. Dollar quotes hold code, which is looked at as a whole. */
export function literalsIn(code: string): string[] {
  return [...code.matchAll(/'((?:[^']|'')*)'/g)].map(([, inner]) => inner!.replaceAll("''", "'"));
}
