/** Changes of a restored nasty database, each of which a comparison must name. */
export interface Alteration {
  /** What to run in the database; `$database` is its quoted name. */
  sql: string;
  /** What the comparison must tell of it, and nothing else: `kind: object: detail`. */
  told: string[];
  /** Undoes what belongs to the cluster. */
  undo?: string;
}

/** Rows, values of sequences, large objects. */
export const contentAlterations: readonly Alteration[] = [
  {
    sql: `UPDATE nasty.texts SET t = '' WHERE id = 5`,
    told: ['table: nasty.texts: It has as many rows, but not the same.'],
  },
  {
    sql: `UPDATE nasty.one_column SET t = NULL WHERE t = ''`,
    told: ['table: nasty.one_column: It has as many rows, but not the same.'],
  },
  {
    sql: `CREATE TEMP TABLE kept AS SELECT * FROM nasty.reordered; TRUNCATE nasty.reordered;
          INSERT INTO nasty.reordered SELECT * FROM kept ORDER BY id IN (1, 2), id DESC`,
    told: ['table: nasty.reordered: It has the same rows in another order.'],
  },
  {
    sql: 'DELETE FROM ONLY nasty.parent WHERE id = 2',
    told: ['table: nasty.parent: It has 1 rows instead of 2.'],
  },
  {
    sql: 'INSERT INTO nasty.three_rows_without_columns DEFAULT VALUES',
    told: ['table: nasty.three_rows_without_columns: It has 4 rows instead of 3.'],
  },
  {
    sql: 'UPDATE nasty.measured SET value = 1.5 WHERE id = 1',
    told: ['table: nasty.measured_2025: It has as many rows, but not the same.'],
  },
  {
    sql: 'UPDATE nasty.by_mood SET n = 77 WHERE n = 0',
    told: ['table: nasty.by_mood (all partitions together): It has as many rows, but not the same.'],
  },
  {
    sql: 'DELETE FROM nasty.unlogged',
    told: ['table: nasty.unlogged: It has 0 rows instead of 1.'],
  },
  {
    sql: 'UPDATE nasty.numbers SET f8 = 0 WHERE f8 = 0',
    told: ['table: nasty.numbers: It has as many rows, but not the same.'],
  },
  {
    sql: `UPDATE nasty.odd_types SET j = '{"b":1,"a":[100,"é\\n\\\\"],"b":2}' WHERE c = 'x'`,
    told: ['table: nasty.odd_types: It has as many rows, but not the same.'],
  },
  {
    sql: `UPDATE nasty.wide SET plain = plain || 'x' WHERE id = 2`,
    told: ['table: nasty.wide: It has as many rows, but not the same.'],
  },
  {
    sql: `SELECT setval('nasty.called', 4)`,
    told: ['sequence: nasty.called: Its last value is 4 instead of 5.'],
  },
  {
    sql: `SELECT setval('nasty.never_called', 5, true)`,
    told: ['sequence: nasty.never_called: Its next value is off by one step.'],
  },
  {
    sql: `SELECT setval(pg_get_serial_sequence('nasty.generated', 'always'), 5000)`,
    told: ['sequence: nasty.generated_always_seq: Its last value is 5000 instead of 290.'],
  },
  {
    sql: `SELECT lo_put(777001, 1, '\\x01')`,
    told: ['large-object: large object 777001: Its content is another.'],
  },
  {
    sql: 'SELECT lo_unlink(777003)',
    told: ['large-object: large object 777003: It is missing.'],
  },
  {
    sql: 'COMMENT ON LARGE OBJECT 777001 IS NULL',
    told: ['large-object: large object 777001: Its comment is another.'],
  },
  {
    sql: 'REVOKE UPDATE ON LARGE OBJECT 777004 FROM nasty_member',
    told: ['large-object: large object 777004: Its privileges are others.'],
  },
  {
    sql: 'ALTER LARGE OBJECT 777002 OWNER TO nasty_member',
    told: ['large-object: large object 777002: Its owner is nasty_member and not nasty_owner.'],
  },
];

export const definitionAlterations: readonly Alteration[] = [
  {
    sql: 'DROP INDEX nasty.indexed_gin',
    told: ['schema: index nasty.indexed_gin: It is missing.'],
  },
  {
    sql: `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'nasty.indexed_hash'::regclass`,
    told: ['schema: index nasty.indexed_hash: It is missing.'],
  },
  {
    sql: 'ALTER INDEX nasty.indexed_brin SET (pages_per_range = 8)',
    told: ['schema: index nasty.indexed_brin: The definition is another.'],
  },
  {
    sql: 'ALTER INDEX nasty.indexed_expression ALTER COLUMN 1 SET STATISTICS 501',
    told: ['schema: index nasty.indexed_expression: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.indexed SET WITHOUT CLUSTER',
    told: ['schema: index nasty.indexed_a: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.indexed REPLICA IDENTITY DEFAULT',
    told: ['schema: index nasty.indexed_a: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.texts REPLICA IDENTITY DEFAULT',
    told: ['schema: table nasty.texts: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.indexed ALTER a SET STATISTICS 8',
    told: ['schema: table nasty.indexed: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.indexed ALTER a RESET (n_distinct)',
    told: ['schema: table nasty.indexed: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.indexed SET (fillfactor = 61)',
    told: ['schema: table nasty.indexed: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.wide ALTER plain SET STORAGE MAIN',
    told: ['schema: table nasty.wide: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.wide ALTER compressed SET COMPRESSION default',
    told: ['schema: table nasty.wide: The definition is another.'],
  },
  {
    sql: 'ALTER STATISTICS nasty.stats_all SET STATISTICS 34',
    told: ['schema: statistics nasty.stats_all: The definition is another.'],
  },
  {
    sql: 'DROP STATISTICS nasty."stats ""expr"""',
    told: ['schema: statistics nasty."stats ""expr""": It is missing.'],
  },
  {
    sql: 'ALTER TABLE nasty.triggered DISABLE TRIGGER mark',
    told: ['schema: trigger triggered mark in nasty: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.triggered ENABLE TRIGGER always',
    told: ['schema: trigger triggered always in nasty: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.cycle_c DISABLE TRIGGER ALL',
    told: [
      'constraint: cycle_b_c_fkey of nasty.cycle_b: Nothing enforces it: its triggers are disabled.',
      'constraint: cycle_c_a_fkey of nasty.cycle_c: Nothing enforces it: its triggers are disabled.',
      'constraint: cycle_c_self_fkey of nasty.cycle_c: Nothing enforces it: its triggers are disabled.',
    ],
  },
  {
    sql: 'ALTER TABLE nasty.z_allowed ENABLE RULE never',
    told: ['schema: rule z_allowed never in nasty: The definition is another.'],
  },
  {
    sql: 'ALTER EVENT TRIGGER nasty_ddl DISABLE',
    told: ['schema: event trigger nasty_ddl: The definition is another.'],
  },
  {
    sql: 'DROP EVENT TRIGGER nasty_ddl',
    told: [
      'schema: event trigger nasty_ddl: It is missing.',
      'schema: comment on event trigger nasty_ddl: It is missing.',
    ],
  },
  {
    sql: 'ALTER TABLE nasty.a_checked DROP CONSTRAINT a_checked_v_check; ALTER TABLE nasty.a_checked ADD CHECK (nasty.is_allowed(v)) NOT VALID',
    told: [
      'schema: table nasty.a_checked: The definition is another.',
      'schema: check constraint a_checked a_checked_v_check in nasty: It is not in the snapshot.',
    ],
  },
  {
    sql: `UPDATE pg_constraint SET convalidated = false WHERE conrelid = 'nasty.cycle_c'::regclass AND conname = 'cycle_c_self_fkey'`,
    told: ['schema: fk constraint cycle_c cycle_c_self_fkey in nasty: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.cycle_c ALTER CONSTRAINT cycle_c_a_fkey NOT DEFERRABLE',
    told: ['schema: fk constraint cycle_c cycle_c_a_fkey in nasty: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.excluded DROP CONSTRAINT both_unique',
    told: ['schema: constraint excluded both_unique in nasty: It is missing.'],
  },
  {
    sql: 'ALTER DOMAIN nasty.positive DROP CONSTRAINT above_zero',
    told: [
      'schema: domain nasty.positive: The definition is another.',
      'schema: comment on constraint above_zero ON DOMAIN positive in nasty: It is missing.',
    ],
  },
  {
    sql: 'ALTER TABLE nasty.dropped ALTER a SET NOT NULL',
    told: ['schema: table nasty.dropped: The definition is another.'],
  },
  {
    sql: `ALTER TABLE nasty.dropped ALTER fast SET DEFAULT 'another'`,
    told: ['schema: table nasty.dropped: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.child ALTER name DROP DEFAULT',
    told: [
      'schema: default child name in nasty: The definition is another.',
      'schema: default grandchild name in nasty: The definition is another.',
    ],
  },
  {
    sql: 'ALTER TABLE nasty.grandchild NO INHERIT nasty.second_parent',
    told: ['schema: table nasty.grandchild: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.generated ALTER always SET GENERATED BY DEFAULT',
    told: ['schema: sequence nasty.generated_always_seq: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.generated ALTER always SET INCREMENT 11',
    told: ['schema: sequence nasty.generated_always_seq: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.measured DETACH PARTITION nasty.measured_bc',
    told: [
      'schema: table attach measured_bc in nasty: It is missing.',
      'schema: index attach measured_bc_pkey in nasty: It is missing.',
      'schema: index attach measured_bc_value_note_idx in nasty: It is missing.',
    ],
  },
  {
    sql: 'ALTER TABLE nasty.unlogged SET LOGGED',
    told: ['schema: table nasty.unlogged: The definition is another.'],
  },
  {
    sql: 'ALTER SEQUENCE nasty.descending INCREMENT BY -4',
    told: ['schema: sequence nasty.descending: The definition is another.'],
  },
  {
    sql: 'ALTER SEQUENCE nasty.small NO CYCLE',
    told: ['schema: sequence nasty.small: The definition is another.'],
  },
  {
    sql: 'ALTER SEQUENCE "Nasty.Schema".owned OWNED BY NONE',
    told: [
      'schema: table "Nasty.Schema".owner_table: The definition is another.',
      'schema: sequence owned by owned in Nasty.Schema: It is missing.',
      'schema: default owner_table x in Nasty.Schema: It is missing.',
    ],
  },
  {
    sql: `CREATE OR REPLACE FUNCTION nasty.mark() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
    told: ['schema: function mark() in nasty: The definition is another.'],
  },
  {
    sql: 'ALTER FUNCTION nasty.is_allowed(int) IMMUTABLE',
    told: ['schema: function is_allowed(integer) in nasty: The definition is another.'],
  },
  {
    sql: 'ALTER FUNCTION nasty.many_outs(anyelement) RESET work_mem',
    told: ['schema: function many_outs(anyelement) in nasty: The definition is another.'],
  },
  {
    sql: `ALTER TYPE nasty.mood RENAME VALUE 'so-so' TO 'so so'`,
    told: [
      'schema: type nasty.mood: The definition is another.',
      'schema: table nasty.structured: The definition is another.',
      'table: nasty.by_mood (all partitions together): It has as many rows, but not the same.',
    ],
  },
  {
    sql: `ALTER TYPE nasty.mood ADD VALUE 'last'`,
    told: ['schema: type nasty.mood: The definition is another.'],
  },
  {
    sql: 'CREATE OR REPLACE VIEW nasty.grouped AS SELECT id, name, count(*) FROM nasty.parent WHERE id > 0 GROUP BY id',
    told: ['schema: rule grouped _RETURN in nasty: The definition is another.'],
  },
  {
    sql: 'ALTER VIEW nasty.checked SET (security_barrier = false)',
    told: ['schema: view nasty.checked: The definition is another.'],
  },
  {
    sql: 'REFRESH MATERIALIZED VIEW nasty.a_top WITH NO DATA',
    told: ['schema: materialized view data a_top in nasty: It is missing.'],
  },
  {
    sql: 'REFRESH MATERIALIZED VIEW nasty.unpopulated',
    told: ['schema: materialized view data unpopulated in nasty: It is not in the snapshot.'],
  },
  {
    sql: 'DROP POLICY "re strict" ON nasty.secret',
    told: ['schema: policy secret re strict in nasty: It is missing.'],
  },
  {
    sql: 'ALTER POLICY mine ON nasty.secret USING (true)',
    told: ['schema: policy secret mine in nasty: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.secret NO FORCE ROW LEVEL SECURITY',
    told: ['schema: table nasty.secret: The definition is another.'],
  },
  {
    sql: 'ALTER TABLE nasty.secret DISABLE ROW LEVEL SECURITY',
    told: ['schema: row security secret in nasty: It is missing.'],
  },
  {
    sql: `COMMENT ON POLICY mine ON nasty.secret IS 'other'`,
    told: ['schema: comment on policy mine ON secret in nasty: The comment is another.'],
  },
  {
    sql: 'COMMENT ON COLUMN nasty.texts.t IS NULL',
    told: ['schema: comment on column texts.t in nasty: It is missing.'],
  },
  {
    sql: 'ALTER TABLE nasty.cycle_a OWNER TO nasty_member',
    told: [
      'schema: table nasty.cycle_a: The owner is nasty_member and not nasty_owner.',
      'schema: privileges of table cycle_a in nasty: The privileges are others, the owner is nasty_member and not nasty_owner.',
      'schema: constraint cycle_a cycle_a_pkey in nasty: The owner is nasty_member and not nasty_owner.',
      'schema: fk constraint cycle_a cycle_a_b_fkey in nasty: The owner is nasty_member and not nasty_owner.',
    ],
  },
  {
    sql: 'ALTER SCHEMA "empty schema" OWNER TO postgres',
    told: ['schema: schema empty schema: The owner is postgres and not nasty_owner.'],
  },
  {
    sql: 'REVOKE INSERT (t) ON nasty.texts FROM nasty_member',
    told: ['schema: privileges of column texts.t in nasty: The privileges are others.'],
  },
  {
    sql: 'REVOKE GRANT OPTION FOR SELECT (id) ON nasty.texts FROM nasty_member',
    told: ['schema: privileges of column texts.id in nasty: The privileges are others.'],
  },
  {
    sql: 'GRANT EXECUTE ON FUNCTION nasty.is_allowed(int) TO PUBLIC',
    told: ['schema: privileges of function is_allowed(integer) in nasty: It is missing.'],
  },
  {
    sql: 'REVOKE USAGE ON SEQUENCE nasty.called FROM nasty_member',
    told: ['schema: privileges of sequence called in nasty: The privileges are others.'],
  },
  {
    sql: 'GRANT USAGE ON TYPE nasty.mood TO PUBLIC',
    told: ['schema: privileges of type mood in nasty: It is missing.'],
  },
  {
    sql: 'ALTER DEFAULT PRIVILEGES FOR ROLE nasty_owner IN SCHEMA nasty GRANT INSERT ON TABLES TO nasty_member',
    told: ['schema: default acl default privileges for TABLES in nasty: The privileges are others.'],
  },
  {
    sql: `ALTER PUBLICATION nasty_all SET (publish = 'insert')`,
    told: ['schema: publication nasty_all: The definition is another.'],
  },
  {
    sql: 'ALTER PUBLICATION "nasty some" DROP TABLE nasty.texts',
    told: ['schema: publication table nasty some texts in nasty: It is missing.'],
  },
  {
    sql: 'ALTER TEXT SEARCH CONFIGURATION nasty.french_or_not DROP MAPPING FOR word',
    told: ['schema: text search configuration french_or_not in nasty: The definition is another.'],
  },
  {
    sql: 'ALTER OPERATOR FAMILY nasty.reverse_ops USING btree RENAME TO other_ops',
    told: [
      'schema: operator family reverse_ops in nasty: It is missing.',
      'schema: comment on operator family reverse_ops USING btree in nasty: It is missing.',
      'schema: operator class reverse_int in nasty: The definition is another.',
      'schema: operator family other_ops in nasty: It is not in the snapshot.',
      'schema: comment on operator family other_ops USING btree in nasty: It is not in the snapshot.',
    ],
  },
  {
    sql: `ALTER SERVER "far away" OPTIONS (SET host '192.0.2.2')`,
    told: ['schema: server far away: The definition is another.'],
  },
  {
    sql: `ALTER FOREIGN TABLE nasty.far_table OPTIONS (SET table_name 'other')`,
    told: ['schema: foreign table nasty.far_table: The definition is another.'],
  },
  {
    sql: `ALTER EXTENSION pg_trgm UPDATE TO '1.4'`,
    told: ['extension: pg_trgm: Its version is 1.4 instead of 1.3.'],
  },
  {
    sql: 'ALTER EXTENSION hstore SET SCHEMA public',
    told: [
      'schema: extension hstore: The definition is another.',
      'schema: table nasty.of_extension: The definition is another.',
      'extension: hstore: It lies in schema public instead of ext schema.',
    ],
  },
  {
    sql: 'REVOKE EXECUTE ON FUNCTION "ext schema".similarity(text, text) FROM PUBLIC',
    told: ['schema: privileges of function similarity(text, text) in ext schema: It is not in the snapshot.'],
  },
  {
    sql: 'GRANT EXECUTE ON FUNCTION pg_catalog.pg_reload_conf() TO nasty_member',
    told: ['schema: privileges of function pg_reload_conf() in pg_catalog: It is not in the snapshot.'],
  },
  {
    sql: 'DROP SCHEMA "empty schema"',
    told: ['schema: schema empty schema: It is missing.'],
  },
  {
    sql: 'CREATE TABLE nasty.extra (a int)',
    told: ['schema: table nasty.extra: It is not in the snapshot.'],
  },
];

/** The database itself, and what of its cluster it refers to. */
export const databaseAlterations: readonly Alteration[] = [
  {
    sql: 'ALTER DATABASE $database OWNER TO nasty_owner',
    told: ['database: owner: It is another.'],
  },
  {
    sql: `COMMENT ON DATABASE $database IS 'other'`,
    told: ['database: comment: It is another.'],
  },
  {
    sql: 'GRANT CREATE ON DATABASE $database TO nasty_member',
    told: ['database: privileges: They are others.'],
  },
  {
    sql: `ALTER DATABASE $database SET work_mem = '5MB'`,
    told: ['database: settings: They are others.'],
  },
  {
    sql: `ALTER ROLE nasty_owner IN DATABASE $database SET work_mem = '5MB'`,
    told: ['database: settings: They are others.'],
  },
  {
    sql: 'ALTER DATABASE $database CONNECTION LIMIT 7',
    told: ['database: connection limit: It is another.'],
  },
  {
    sql: 'ALTER DATABASE $database IS_TEMPLATE true',
    told: ['database: template mark: It is another.'],
    undo: 'ALTER DATABASE $database IS_TEMPLATE false',
  },
  {
    sql: 'ALTER ROLE nasty_owner CREATEDB CONNECTION LIMIT 5',
    told: ['role: nasty_owner: It differs in its right to create databases, connection limit.'],
    undo: 'ALTER ROLE nasty_owner NOCREATEDB CONNECTION LIMIT -1',
  },
  {
    sql: `ALTER ROLE nasty_owner SET work_mem = '5MB'`,
    told: ['role: nasty_owner: It differs in its settings.'],
    undo: 'ALTER ROLE nasty_owner RESET work_mem',
  },
  {
    sql: 'REVOKE nasty_owner FROM nasty_member',
    told: ['membership: nasty_member in nasty_owner: It is missing.'],
    undo: 'GRANT nasty_owner TO nasty_member',
  },
  {
    sql: 'GRANT pg_read_all_data TO nasty_owner',
    told: ['membership: nasty_owner in pg_read_all_data: It is not in the snapshot.'],
    undo: 'REVOKE pg_read_all_data FROM nasty_owner',
  },
];
