/** Constraints, code, rights and everything else that is no row. Runs after `nasty-tables.ts`. */

export const nastyConstraints = `
-- A cycle of three whose rows cannot be loaded one table after the other with the constraints on.
CREATE TABLE nasty.cycle_a (id int PRIMARY KEY, b int NOT NULL);
CREATE TABLE nasty.cycle_b (id int PRIMARY KEY, c int NOT NULL);
CREATE TABLE nasty.cycle_c (id int PRIMARY KEY, a int NOT NULL REFERENCES nasty.cycle_a DEFERRABLE INITIALLY DEFERRED,
  self int REFERENCES nasty.cycle_c);
ALTER TABLE nasty.cycle_a ADD FOREIGN KEY (b) REFERENCES nasty.cycle_b DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE nasty.cycle_b ADD FOREIGN KEY (c) REFERENCES nasty.cycle_c DEFERRABLE INITIALLY IMMEDIATE;
BEGIN; SET CONSTRAINTS ALL DEFERRED;
INSERT INTO nasty.cycle_a SELECT i, i % 10 + 1 FROM generate_series(1, 10) i;
INSERT INTO nasty.cycle_b SELECT i, i % 10 + 1 FROM generate_series(1, 10) i;
INSERT INTO nasty.cycle_c SELECT i, i, (i + 1) % 10 + 1 FROM generate_series(1, 10) i;
COMMIT;
CREATE TABLE nasty.to_partitioned (id int, m int, at date, FOREIGN KEY (m, at) REFERENCES nasty.measured MATCH FULL ON UPDATE CASCADE);
INSERT INTO nasty.to_partitioned VALUES (1, 1, '2025-06-01'), (2, NULL, NULL);
CREATE TABLE nasty.not_valid (id int PRIMARY KEY, n int, a int);
INSERT INTO nasty.not_valid VALUES (1, -5, 12345);
ALTER TABLE nasty.not_valid ADD CHECK (n > 0) NOT VALID, ADD FOREIGN KEY (a) REFERENCES nasty.cycle_a NOT VALID;
CREATE TABLE nasty.excluded (room int, during tsrange, EXCLUDE USING gist (during WITH &&) WHERE (room = 1) DEFERRABLE,
  u int UNIQUE DEFERRABLE INITIALLY DEFERRED, CONSTRAINT both_unique UNIQUE (room, u) INCLUDE (during));
INSERT INTO nasty.excluded VALUES (1, '[2026-01-01,2026-01-02)', 1), (1, '[2026-01-02,2026-01-03)', 2), (2, '[2026-01-01,)', 3), (2, 'empty', NULL);
ALTER DOMAIN nasty.later_checked ADD CONSTRAINT later CHECK (VALUE <> '') NOT VALID;

-- The check reads a table whose name comes later: it fails when rows are loaded in the order of names.
CREATE TABLE nasty.z_allowed (v int PRIMARY KEY);
INSERT INTO nasty.z_allowed VALUES (1), (2);
CREATE FUNCTION nasty.is_allowed(int) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM nasty.z_allowed WHERE v = $1)';
CREATE TABLE nasty.a_checked (v int CHECK (nasty.is_allowed(v)));
INSERT INTO nasty.a_checked VALUES (1), (2), (1);
-- A value of a row names an index, which exists only when the constraints do.
CREATE TABLE nasty.names_an_index (r regclass, c regclass[]);
INSERT INTO nasty.names_an_index VALUES ('nasty.measured_key', '{nasty.cycle_a_pkey,nasty.called}');

CREATE TABLE nasty.indexed (a int NOT NULL, t text, j jsonb, p point, ts timestamp, tsv tsvector, r int4range) WITH (fillfactor = 60, autovacuum_enabled = off, toast.autovacuum_enabled = off);
INSERT INTO nasty.indexed SELECT i, 't' || i, jsonb_build_object('k', i), point(i, -i), '2026-01-01'::timestamp + i * interval '1 day', to_tsvector('simple', 'word' || i), int4range(i, i + 5) FROM generate_series(1, 200) i;
CREATE UNIQUE INDEX indexed_a ON nasty.indexed (a) INCLUDE (t) WITH (fillfactor = 50);
CREATE INDEX indexed_expression ON nasty.indexed ((lower(t) || 'x') COLLATE "C" text_pattern_ops DESC NULLS LAST) WHERE a > 10;
CREATE INDEX indexed_hash ON nasty.indexed USING hash (t);
CREATE INDEX indexed_gin ON nasty.indexed USING gin (j jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX indexed_gist ON nasty.indexed USING gist (p, r range_ops);
CREATE INDEX indexed_spgist ON nasty.indexed USING spgist (p quad_point_ops);
CREATE INDEX indexed_brin ON nasty.indexed USING brin (ts timestamp_minmax_ops) WITH (pages_per_range = 4);
CREATE INDEX indexed_tsv ON nasty.indexed USING gist (tsv tsvector_ops (siglen = 100));
ALTER INDEX nasty.indexed_expression ALTER COLUMN 1 SET STATISTICS 500;
ALTER TABLE nasty.indexed CLUSTER ON indexed_a;
ALTER TABLE nasty.indexed REPLICA IDENTITY USING INDEX indexed_a;
ALTER TABLE nasty.texts REPLICA IDENTITY FULL;
ALTER TABLE nasty.numbers REPLICA IDENTITY NOTHING;
ALTER TABLE nasty.indexed ALTER a SET STATISTICS 7, ALTER a SET (n_distinct = -0.5), ALTER t SET STORAGE MAIN;
CREATE STATISTICS nasty.stats_all (ndistinct, dependencies, mcv) ON a, t FROM nasty.indexed;
CREATE STATISTICS nasty."stats ""expr""" ON (a % 7), lower(t) FROM nasty.indexed;
ALTER STATISTICS nasty.stats_all SET STATISTICS 33;
`;

export const nastyCode = `
CREATE PROCEDURE nasty.proc(INOUT a int, b text DEFAULT 'it''s') LANGUAGE plpgsql AS $body$ BEGIN a := a + 1; END $body$;
CREATE FUNCTION nasty.atomic(x int) RETURNS SETOF nasty.parent LANGUAGE sql ROWS 3 BEGIN ATOMIC SELECT * FROM nasty.parent WHERE id = x; END;
CREATE FUNCTION nasty.many_outs(OUT a int, OUT b nasty.mood, INOUT c anyelement) LANGUAGE sql COST 3 PARALLEL SAFE LEAKPROOF
  SET work_mem = '8MB' SET search_path = nasty, "Nasty.Schema" AS $$ SELECT 1, 'sad'::nasty.mood, c $$;
CREATE AGGREGATE nasty.product(numeric) (sfunc = numeric_mul, stype = numeric, initcond = '1', combinefunc = numeric_mul, parallel = safe);
CREATE AGGREGATE nasty.my_percentile(float8 ORDER BY anyelement) (sfunc = ordered_set_transition, stype = internal,
  finalfunc = percentile_disc_final, finalfunc_extra);
CREATE FUNCTION nasty.point3_equal(nasty.point3, nasty.point3) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).x = ($2).x';
CREATE OPERATOR nasty.=== (leftarg = nasty.point3, rightarg = nasty.point3, function = nasty.point3_equal, commutator = OPERATOR(nasty.===), restrict = eqsel, join = eqjoinsel);
CREATE OPERATOR FAMILY nasty.reverse_ops USING btree;
CREATE OPERATOR CLASS nasty.reverse_int FOR TYPE int4 USING btree FAMILY nasty.reverse_ops AS
  OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 nasty.reverse_compare(int4, int4);
CREATE INDEX indexed_reverse ON nasty.indexed (a nasty.reverse_int);
CREATE FUNCTION nasty.mood_to_int(nasty.mood) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT length($1::text)';
CREATE CAST (nasty.mood AS int) WITH FUNCTION nasty.mood_to_int(nasty.mood) AS ASSIGNMENT;
CREATE CAST (nasty.point3 AS text) WITH INOUT;
CREATE COLLATION nasty.posix FROM "C";
CREATE TEXT SEARCH DICTIONARY nasty.plain (template = simple, stopwords = 'english', accept = false);
CREATE TEXT SEARCH CONFIGURATION nasty.french_or_not (copy = french);
ALTER TEXT SEARCH CONFIGURATION nasty.french_or_not ALTER MAPPING FOR word, asciiword WITH nasty.plain, french_stem;
CREATE INDEX texts_search ON nasty.texts USING gin (to_tsvector('nasty.french_or_not', t));
CREATE CONVERSION nasty.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH PARSER nasty.parser (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, headline = prsd_headline, lextypes = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE nasty.template (init = dsimple_init, lexize = dsimple_lexize);
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal));
CREATE FUNCTION nasty.handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION nasty.inline_handler(internal) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_inline_handler';
CREATE FUNCTION nasty.validator(oid) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_validator';
CREATE TRUSTED LANGUAGE nasty_language HANDLER nasty.handler INLINE nasty.inline_handler VALIDATOR nasty.validator;
CREATE FUNCTION nasty.in_language() RETURNS int LANGUAGE nasty_language AS 'BEGIN RETURN 1; END';
CREATE ACCESS METHOD nasty_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE nasty.other_access_method (id int, t text) USING nasty_heap;
INSERT INTO nasty.other_access_method VALUES (1, 'stored elsewhere');

-- Each would change or refuse rows if it fired while they are restored.
CREATE FUNCTION nasty.mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.t := NEW.t || ' (trigger fired)'; RETURN NEW; END $$;
CREATE FUNCTION nasty.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no %', TG_OP; END $$;
CREATE TABLE nasty.triggered (id int PRIMARY KEY, t text, n int);
INSERT INTO nasty.triggered VALUES (1, 'as it was', 1), (2, 'as it was', NULL);
CREATE TABLE nasty.log (what text);
CREATE TRIGGER mark BEFORE INSERT OR UPDATE OF t ON nasty.triggered FOR EACH ROW WHEN (NEW.id > 0) EXECUTE FUNCTION nasty.mark();
CREATE TRIGGER always BEFORE INSERT ON nasty.triggered FOR EACH ROW EXECUTE FUNCTION nasty.mark();
CREATE TRIGGER replica AFTER INSERT ON nasty.triggered FOR EACH ROW EXECUTE FUNCTION nasty.refuse();
CREATE TRIGGER disabled BEFORE INSERT ON nasty.triggered FOR EACH ROW EXECUTE FUNCTION nasty.refuse();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON nasty.triggered EXECUTE FUNCTION nasty.refuse('an argument', 'it''s');
CREATE TRIGGER transition AFTER INSERT ON nasty.triggered REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION nasty.refuse();
CREATE CONSTRAINT TRIGGER "con straint" AFTER DELETE ON nasty.triggered DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nasty.refuse();
ALTER TABLE nasty.triggered ENABLE ALWAYS TRIGGER always, ENABLE REPLICA TRIGGER replica, DISABLE TRIGGER disabled;
CREATE TRIGGER on_partitions AFTER INSERT ON nasty.measured FOR EACH ROW EXECUTE FUNCTION nasty.refuse();
CREATE RULE also_log AS ON INSERT TO nasty.triggered DO ALSO INSERT INTO nasty.log VALUES ('rule fired');
CREATE RULE never AS ON DELETE TO nasty.z_allowed WHERE OLD.v = 1 DO INSTEAD NOTHING;
ALTER TABLE nasty.z_allowed DISABLE RULE never;

-- Grouped by its primary key: the view needs a constraint that comes after the rows.
CREATE VIEW nasty.grouped AS SELECT id, name, count(*) FROM nasty.parent GROUP BY id;
CREATE VIEW nasty.checked WITH (security_barrier) AS SELECT id, t FROM nasty.triggered WHERE id > 0 WITH CASCADED CHECK OPTION;
ALTER VIEW nasty.checked ALTER t SET DEFAULT 'from the view';
CREATE RECURSIVE VIEW nasty.counting (n) AS SELECT 1 UNION ALL SELECT n + 1 FROM counting WHERE n < 5;
CREATE VIEW nasty.no_columns_view AS SELECT FROM nasty.parent;
CREATE VIEW nasty."instead" AS SELECT id FROM nasty.triggered;
CREATE TRIGGER instead INSTEAD OF INSERT ON nasty."instead" FOR EACH ROW EXECUTE FUNCTION nasty.refuse();
-- The names are against the order in which they must be made.
CREATE MATERIALIZED VIEW nasty.z_base AS SELECT id, t, length(t) AS n FROM nasty.texts WHERE t IS NOT NULL;
CREATE UNIQUE INDEX z_base_key ON nasty.z_base (id);
CREATE MATERIALIZED VIEW nasty.m_middle AS SELECT n, count(*) AS many FROM nasty.z_base GROUP BY n;
CREATE VIEW nasty.between_them AS SELECT max(many) AS most FROM nasty.m_middle;
CREATE MATERIALIZED VIEW nasty.a_top WITH (fillfactor = 80) AS SELECT most FROM nasty.between_them;
CREATE MATERIALIZED VIEW nasty.unpopulated AS SELECT 1 AS one WITH NO DATA;
CREATE VIEW nasty.on_unpopulated AS SELECT one FROM nasty.unpopulated;
-- Its rows are older than its query would give today.
CREATE MATERIALIZED VIEW nasty.stale AS SELECT count(*) AS n FROM nasty.log;
INSERT INTO nasty.log VALUES ('after the view was filled');

CREATE FUNCTION nasty.note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$;
CREATE FUNCTION nasty.refuse_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no %', TG_TAG; END $$;
`;

export const nastyReverseCompare = `CREATE FUNCTION nasty.reverse_compare(int4, int4) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT btint4cmp($2, $1)'`;

export const nastyRoles = ['nasty_owner', 'nasty Réader "1"', 'nasty_member'] as const;

export const nastyRights = String.raw`
GRANT nasty_owner TO nasty_member;
ALTER TABLE nasty.cycle_a OWNER TO nasty_owner;
ALTER SCHEMA "empty schema" OWNER TO nasty_owner;
ALTER FUNCTION nasty.is_allowed(int) OWNER TO nasty_owner;
ALTER TYPE nasty.mood OWNER TO nasty_owner;
GRANT USAGE, CREATE ON SCHEMA nasty TO nasty_owner WITH GRANT OPTION;
GRANT USAGE ON SCHEMA nasty TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA nasty TO "nasty Réader ""1""";
GRANT SELECT (id), INSERT (id, t), UPDATE (t) ON nasty.texts TO nasty_member WITH GRANT OPTION;
GRANT TRUNCATE, REFERENCES, TRIGGER ON nasty.parent TO nasty_member;
REVOKE ALL ON nasty.unlogged FROM postgres;
REVOKE EXECUTE ON FUNCTION nasty.is_allowed(int) FROM PUBLIC;
REVOKE USAGE ON TYPE nasty.mood FROM PUBLIC;
GRANT USAGE, UPDATE ON SEQUENCE nasty.called TO nasty_member;
GRANT EXECUTE ON PROCEDURE nasty.proc(int, text) TO nasty_member;
-- Of what the server brings.
GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO nasty_member;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(float8) FROM PUBLIC;
GRANT SELECT (rolname) ON pg_catalog.pg_authid TO nasty_member;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC; GRANT USAGE ON LANGUAGE nasty_language TO nasty_owner WITH GRANT OPTION;
GRANT CREATE ON SCHEMA public TO nasty_owner; COMMENT ON SCHEMA public IS 'another comment than it came with';
SET ROLE nasty_owner; GRANT SELECT ON nasty.cycle_a TO nasty_member; RESET ROLE;
ALTER DEFAULT PRIVILEGES FOR ROLE nasty_owner IN SCHEMA nasty GRANT SELECT ON TABLES TO "nasty Réader ""1""";
ALTER DEFAULT PRIVILEGES FOR ROLE nasty_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE TABLE nasty.secret (id int, who name DEFAULT current_user, t text);
INSERT INTO nasty.secret SELECT i, CASE i % 2 WHEN 0 THEN 'nasty_owner' ELSE 'nobody' END, 'secret ' || i FROM generate_series(1, 10) i;
ALTER TABLE nasty.secret OWNER TO nasty_owner;
ALTER TABLE nasty.secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON nasty.secret USING (who = current_user) WITH CHECK (id > 0);
CREATE POLICY "re strict" ON nasty.secret AS RESTRICTIVE FOR SELECT TO nasty_member, nasty_owner USING (id < 100);
CREATE TABLE nasty.policy_without_rls (id int);
CREATE POLICY unused ON nasty.policy_without_rls FOR INSERT WITH CHECK (id IN (SELECT v FROM nasty.z_allowed));

SELECT lo_from_bytea(777001, '\x00ff5c0a'), lo_create(777002), lo_put(lo_create(777003), 5000000, 'behind a hole'),
  lo_from_bytea(777004, decode(repeat('00ff', 300000), 'hex'));
COMMENT ON LARGE OBJECT 777001 IS 'large: it''s "commented"';
ALTER LARGE OBJECT 777002 OWNER TO nasty_owner;
GRANT SELECT, UPDATE ON LARGE OBJECT 777004 TO nasty_member, "nasty Réader ""1""";
REVOKE ALL ON LARGE OBJECT 777003 FROM postgres;

CREATE PUBLICATION nasty_all FOR ALL TABLES WITH (publish = 'insert, delete', publish_via_partition_root = true);
CREATE PUBLICATION "nasty some" FOR TABLE nasty.texts, ONLY nasty.parent;
CREATE PUBLICATION nasty_empty;
CREATE SUBSCRIPTION nasty_subscription CONNECTION 'host=192.0.2.1 dbname=elsewhere connect_timeout=1' PUBLICATION far, "a way"
  WITH (connect = false, slot_name = NONE);

COMMENT ON SCHEMA nasty IS 'comments on everything';
COMMENT ON TYPE nasty.mood IS 'type'; COMMENT ON DOMAIN nasty.positive IS 'domain';
COMMENT ON CONSTRAINT above_zero ON DOMAIN nasty.positive IS 'domain constraint';
COMMENT ON COLUMN nasty.point3.x IS 'attribute'; COMMENT ON COLUMN nasty.texts.t IS E'tab\t, newline\n, \\ and ''quotes''';
COMMENT ON CONSTRAINT measured_key ON nasty.measured IS 'constraint'; COMMENT ON INDEX nasty.indexed_a IS 'index';
COMMENT ON SEQUENCE nasty.called IS 'sequence'; COMMENT ON VIEW nasty.grouped IS 'view'; COMMENT ON COLUMN nasty.grouped.id IS 'view column';
COMMENT ON MATERIALIZED VIEW nasty.a_top IS 'matview'; COMMENT ON TRIGGER mark ON nasty.triggered IS 'trigger';
COMMENT ON RULE also_log ON nasty.triggered IS 'rule'; COMMENT ON POLICY mine ON nasty.secret IS 'policy';
COMMENT ON FUNCTION nasty.is_allowed(int) IS 'function'; COMMENT ON PROCEDURE nasty.proc IS 'procedure';
COMMENT ON AGGREGATE nasty.product(numeric) IS 'aggregate'; COMMENT ON OPERATOR nasty.=== (nasty.point3, nasty.point3) IS 'operator';
COMMENT ON OPERATOR CLASS nasty.reverse_int USING btree IS 'operator class'; COMMENT ON OPERATOR FAMILY nasty.reverse_ops USING btree IS 'family';
COMMENT ON CAST (nasty.mood AS int) IS 'cast'; COMMENT ON COLLATION nasty.posix IS 'collation'; COMMENT ON CONVERSION nasty.latin IS 'conversion';
COMMENT ON TEXT SEARCH CONFIGURATION nasty.french_or_not IS 'configuration'; COMMENT ON TEXT SEARCH DICTIONARY nasty.plain IS 'dictionary';
COMMENT ON STATISTICS nasty.stats_all IS 'statistics'; COMMENT ON PUBLICATION nasty_all IS 'publication';
COMMENT ON TEXT SEARCH PARSER nasty.parser IS 'parser'; COMMENT ON TEXT SEARCH TEMPLATE nasty.template IS 'template';
COMMENT ON TRANSFORM FOR int LANGUAGE sql IS 'transform'; COMMENT ON LANGUAGE nasty_language IS 'language';
COMMENT ON SUBSCRIPTION nasty_subscription IS 'subscription';
COMMENT ON ACCESS METHOD nasty_heap IS 'access method'; COMMENT ON EXTENSION plpgsql IS 'another comment than it came with';
`;

export const nastyEventTrigger = `
CREATE EVENT TRIGGER nasty_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION nasty.note_ddl();
COMMENT ON EVENT TRIGGER nasty_ddl IS 'event trigger';
-- Would refuse a restore that made it too early, in every mode of session_replication_role.
CREATE EVENT TRIGGER nasty_refuse ON ddl_command_start
  WHEN TAG IN ('CREATE INDEX', 'CREATE SCHEMA', 'CREATE TRIGGER', 'CREATE RULE', 'CREATE POLICY') EXECUTE FUNCTION nasty.refuse_ddl();
ALTER EVENT TRIGGER nasty_refuse ENABLE ALWAYS;
`;
