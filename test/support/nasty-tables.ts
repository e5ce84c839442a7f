/** Types, tables and rows of the nasty database. Everything lies in schema `nasty` unless its schema is the point. */

export const nastyTypes = `
CREATE TYPE nasty.mood AS ENUM ('sad', 'happy', 'it''s "complicated"');
ALTER TYPE nasty.mood ADD VALUE 'ok' BEFORE 'happy';
ALTER TYPE nasty.mood ADD VALUE 'Ünï' AFTER 'sad';
ALTER TYPE nasty.mood RENAME VALUE 'ok' TO 'so-so';
CREATE TYPE nasty.no_values AS ENUM ();
CREATE TYPE nasty.point3 AS (x float8, y float8, gone text, "the ""z""" float8);
ALTER TYPE nasty.point3 DROP ATTRIBUTE gone;
CREATE TYPE nasty.segment AS (a nasty.point3, b nasty.point3, label text);
CREATE DOMAIN nasty.positive AS integer DEFAULT 1 CONSTRAINT above_zero CHECK (VALUE > 0);
CREATE DOMAIN nasty.even AS nasty.positive NOT NULL CHECK (VALUE % 2 = 0);
CREATE DOMAIN nasty.pair AS integer[] CHECK (array_length(VALUE, 1) = 2);
CREATE DOMAIN nasty.located AS nasty.point3 CHECK (VALUE IS NULL OR (VALUE).x IS NOT NULL);
CREATE DOMAIN nasty.later_checked AS text;
CREATE TYPE nasty.textrange AS RANGE (subtype = text, collation = "C");
CREATE FUNCTION nasty.seconds_between(a time, b time) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT
  AS $$ SELECT extract(epoch FROM (a - b))::float8 $$;
CREATE TYPE nasty.timerange AS RANGE (subtype = time, subtype_diff = nasty.seconds_between,
  multirange_type_name = nasty.many_times);
CREATE TYPE nasty.shell;
CREATE TYPE nasty.base;
CREATE FUNCTION nasty.base_in(cstring) RETURNS nasty.base LANGUAGE internal STRICT IMMUTABLE AS 'int4in';
CREATE FUNCTION nasty.base_out(nasty.base) RETURNS cstring LANGUAGE internal STRICT IMMUTABLE AS 'int4out';
CREATE TYPE nasty.base (input = nasty.base_in, output = nasty.base_out, internallength = 4, alignment = int4, default = '42', passedbyvalue);
CREATE TABLE nasty.of_base (b nasty.base, bs nasty.base[]);
INSERT INTO nasty.of_base VALUES ('7', '{1,NULL,3}'), (DEFAULT, NULL);
`;

export const nastyPartitions = String.raw`
CREATE TABLE nasty.measured (id int NOT NULL, at date NOT NULL, note text DEFAULT 'root', value numeric)
  PARTITION BY RANGE (at);
CREATE TABLE nasty.measured_bc PARTITION OF nasty.measured FOR VALUES FROM (MINVALUE) TO ('0001-01-01');
CREATE TABLE nasty.measured_2025 PARTITION OF nasty.measured (note DEFAULT 'leaf', CHECK (value <> 13))
  FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') WITH (fillfactor = 70);
-- Its columns come in another order, behind a dropped one, and it has a name of its own.
CREATE TABLE nasty."other order" (value numeric, gone text, note text, at date NOT NULL, id int NOT NULL);
ALTER TABLE nasty."other order" DROP COLUMN gone;
ALTER TABLE nasty.measured ATTACH PARTITION nasty."other order" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE nasty.measured_sub PARTITION OF nasty.measured FOR VALUES FROM ('2027-01-01') TO (MAXVALUE)
  PARTITION BY LIST (id);
CREATE TABLE nasty.measured_sub_a PARTITION OF nasty.measured_sub FOR VALUES IN (3, 4);
CREATE TABLE nasty.measured_sub_default PARTITION OF nasty.measured_sub DEFAULT PARTITION BY HASH (id);
CREATE TABLE nasty.measured_sub_0 PARTITION OF nasty.measured_sub_default FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE nasty.measured_sub_1 PARTITION OF nasty.measured_sub_default FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE nasty.measured_default PARTITION OF nasty.measured DEFAULT;
INSERT INTO nasty.measured VALUES (1, '2025-06-01', 'x', 1.50), (2, '2026-02-03', E'tab\there', 'NaN'),
  (3, '2027-05-05', 'a', NULL), (4, '2028-01-01', NULL, 'Infinity'), (5, '2028-01-01', 'it''s', '-Infinity'),
  (6, '0044-03-15 BC', 'ides', 0.000), (7, '1999-12-31', 'default', 1e-30), (13, 'infinity', 'far', 7);
INSERT INTO nasty.measured SELECT i, '2029-01-01'::date + i, 'hash ' || i, i FROM generate_series(100, 180) i;
ALTER TABLE nasty.measured ADD CONSTRAINT measured_key PRIMARY KEY (id, at);
CREATE INDEX measured_value ON nasty.measured (value DESC NULLS LAST) INCLUDE (note);
-- An index of the root alone: it stays invalid until each partition has one.
CREATE INDEX measured_note ON ONLY nasty.measured (note);
CREATE TABLE nasty.by_note (note text, n int) PARTITION BY LIST (note);
CREATE TABLE nasty.by_note_a PARTITION OF nasty.by_note FOR VALUES IN ('a', NULL, 'it''s');
CREATE TABLE nasty."by note, others" PARTITION OF nasty.by_note DEFAULT;
INSERT INTO nasty.by_note VALUES ('a', 1), (NULL, 2), ('it''s', 3), ('NULL', 4), ('', 5);
-- The hash of an enum follows its oid: after a restore rows belong elsewhere.
CREATE TABLE nasty.by_mood (mood nasty.mood, n int) PARTITION BY HASH (mood);
CREATE TABLE nasty.by_mood_0 PARTITION OF nasty.by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE nasty.by_mood_1 PARTITION OF nasty.by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE nasty.by_mood_2 PARTITION OF nasty.by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO nasty.by_mood SELECT m, i FROM unnest(enum_range(NULL::nasty.mood)) m, generate_series(1, 5) i;
INSERT INTO nasty.by_mood VALUES (NULL, 0);
CREATE TABLE nasty.no_partitions_yet (id int) PARTITION BY LIST (id);
CREATE TABLE nasty.by_expression (id int, t text) PARTITION BY RANGE ((id % 10), lower(t) COLLATE "C");
CREATE TABLE nasty.by_expression_1 PARTITION OF nasty.by_expression FOR VALUES FROM (0, MINVALUE) TO (5, 'm');
INSERT INTO nasty.by_expression VALUES (3, 'ABC'), (13, E'\\.');

CREATE TABLE nasty.parent (id int PRIMARY KEY, name text DEFAULT 'p', CHECK (id > 0), CHECK (id < 1000000) NO INHERIT);
CREATE TABLE nasty.second_parent (name text, extra int);
CREATE TABLE nasty.child (own text, id int, CONSTRAINT own_check CHECK (own <> '')) INHERITS (nasty.parent);
ALTER TABLE nasty.child ALTER name SET DEFAULT 'c';
CREATE TABLE nasty.grandchild () INHERITS (nasty.child, nasty.second_parent);
ALTER TABLE nasty.parent ADD COLUMN late int DEFAULT 42;
CREATE TABLE nasty.late_child (late int, x text, name text DEFAULT 'l', id int NOT NULL, CHECK (id > 0));
ALTER TABLE nasty.late_child ADD CONSTRAINT parent_id_check CHECK (id > 0);
ALTER TABLE nasty.late_child INHERIT nasty.parent;
INSERT INTO nasty.parent VALUES (1, 'parent row', 1), (2, NULL, NULL);
INSERT INTO nasty.child (own, id) VALUES ('o', 3), (NULL, 4);
INSERT INTO nasty.grandchild (id, own, extra) VALUES (5, 'g', 9);
INSERT INTO nasty.late_child (late, x, id) VALUES (7, 'x', 6);
CREATE TABLE nasty.typed OF nasty.segment (label WITH OPTIONS DEFAULT 'typed' NOT NULL);
INSERT INTO nasty.typed (a) VALUES (ROW(1, 2, 3));
`;

export const nastyColumns = String.raw`
CREATE TABLE nasty.generated (
  a int NOT NULL, "double ""a""" int GENERATED ALWAYS AS (a * 2) STORED, b text,
  both_parts text GENERATED ALWAYS AS (coalesce(b, '?') || '/' || a::text) STORED,
  always bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 10), by_default smallint GENERATED BY DEFAULT AS IDENTITY
);
INSERT INTO nasty.generated (a, b) SELECT i, nullif('t' || i, 't3') FROM generate_series(1, 20) i;
INSERT INTO nasty.generated (a, always, by_default) OVERRIDING SYSTEM VALUE VALUES (-1, -5, 7);
CREATE TABLE nasty.only_generated (g int GENERATED ALWAYS AS (1 + 1) STORED);
INSERT INTO nasty.only_generated DEFAULT VALUES;
INSERT INTO nasty.only_generated DEFAULT VALUES;
CREATE TABLE nasty.no_columns ();
CREATE TABLE nasty.three_rows_without_columns ();
INSERT INTO nasty.three_rows_without_columns SELECT FROM generate_series(1, 3);
CREATE TABLE nasty.dropped (a int, gone1 text, b text, gone2 int, c date);
INSERT INTO nasty.dropped SELECT i, repeat('x', 3000), 'b' || i, i, '2026-01-01' FROM generate_series(1, 10) i;
ALTER TABLE nasty.dropped DROP COLUMN gone1, DROP COLUMN gone2;
-- Rows that were there before have these values nowhere on disk.
ALTER TABLE nasty.dropped ADD COLUMN fast text DEFAULT E'fast\tdefault', ADD COLUMN fast_null int DEFAULT 5;
ALTER TABLE nasty.dropped ALTER fast SET DEFAULT 'other now', ALTER fast_null DROP DEFAULT;
INSERT INTO nasty.dropped (a) VALUES (99);
CREATE TABLE nasty.all_dropped (x int);
INSERT INTO nasty.all_dropped VALUES (1), (2);
ALTER TABLE nasty.all_dropped DROP COLUMN x;

CREATE TABLE nasty.numbers (f4 real, f8 float8, n numeric, n52 numeric(5,2), m money, i2 smallint, i8 bigint);
INSERT INTO nasty.numbers VALUES ('NaN', 'NaN', 'NaN', 'NaN', '-92233720368547758.08', -32768, -9223372036854775808),
  ('Infinity', '-Infinity', 'Infinity', 999.99, '92233720368547758.07', 32767, 9223372036854775807),
  ('-0', '-0', '-0', 0, '0.01', 0, 0), (1e-37, 5e-324, 1e-1000, 0.01, 12.34, 1, 1),
  (0.1, 0.1, 0.10000000000000000000000000000001000, 1.10, '1234567.89', 2, 2),
  (3.4028235e38, 1.7976931348623157e308, 1e1000, -1, -1, 3, 3), (NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE nasty.times (d date, t time, tz timetz, ts timestamp(3), tsz timestamptz, i interval, y interval year to month);
INSERT INTO nasty.times VALUES ('4713-01-01 BC', '00:00', '00:00+14', '4713-01-01 00:00:00 BC', '0001-01-01 00:00+00 BC', '-1 year 2 days -03:04:05.006', '1-2'),
  ('infinity', '24:00', '24:00-12', 'infinity', '-infinity', '178000000 years', '-1-2'),
  ('5874897-12-31', '23:59:59.999999', '12:00:00.5-03:30', '294276-12-31 23:59:59.999', '2026-03-29 02:30:00+01', '1 mon -1 day', NULL),
  ('-infinity', NULL, NULL, '1999-12-31', '1883-11-18 12:03:57+00', '00:00:00.000001', '0');
CREATE TABLE nasty.odd_types (
  c "char", n name, b bytea, bit3 bit(3), vb bit varying, u uuid, ip inet, net cidr, mac macaddr8, pt point, poly polygon,
  circ circle, ln line, tsv tsvector, tsq tsquery, jp jsonpath, j json, jb jsonb, lsn pg_lsn, x8 xid8, o oid,
  rp regprocedure, rt regtype, rr regrole, rn regnamespace, bp char(5), vc varchar(3), snap pg_snapshot);
INSERT INTO nasty.odd_types VALUES
  ('x', 'name', '\x00ff5c0a09', '101', '1', '00000000-0000-0000-0000-000000000000', '::ffff:1.2.3.4/64', '10/8', '08:00:2b:01:02:03:04:05',
   '(1e300,-0)', '((0,0),(1,1),(2,0))', '<(0,0),1>', '{1,2,3}', 'a:1A fat:2B,3C ''it''''s'':4', '''super'':*AB & !b <-> c', '$.a[*] ? (@ > 1 && @.b like_regex "^\\d")',
   '{"b": 1,  "a" : [1e2, "\u00e9\n\\"], "b":2}', '{"b": 1, "a": [1e2, "é\n\\ \" \t"], "b": 2, "": null, "big": 123456789012345678901234567890.10}',
   '16/B374D848', '18446744073709551615', 4294967295, 'pg_catalog.length(text)', 'nasty.mood', 'postgres', 'nasty', 'ab ', 'äöü', '10:20:10,14,15'),
  ('', '', '', '000', '', NULL, '255.255.255.255', '::/0', NULL, NULL, NULL, NULL, NULL, '', '', '$', 'null', 'null', '0/0', '0', 0, NULL, NULL, NULL, NULL, '', '', NULL),
  ('\', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '"\\."', '"\\."', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE nasty.structured (
  e nasty.mood DEFAULT 'so-so', es nasty.mood[], nothing nasty.no_values, p nasty.point3, s nasty.segment, ss nasty.segment[], loc nasty.located,
  pos nasty.positive, ev nasty.even, pr nasty.pair, prs nasty.pair[], tr nasty.textrange, mt nasty.many_times, ir int4range, dr daterange,
  nr nummultirange, tsr tstzrange, arr text[], arr2 int[][], shifted int[], rows nasty.generated[]);
INSERT INTO nasty.structured VALUES
  ('Ünï', '{happy,NULL,"it''s \"complicated\""}', NULL, ROW(1, NULL, 'NaN'), ROW(ROW(1,2,3), NULL, E'a,b"c\\(d)'),
   ARRAY[ROW(ROW(1,2,3), ROW(4,5,6), 'x'), NULL]::nasty.segment[], ROW(1, 2, 3), 1, 2, '{1,2}', ARRAY['{1,2}', '{3,4}']::nasty.pair[],
   '["a","b,\"c)")', '{[10:00,11:00),[12:00,)}', 'empty', '(,2026-01-01)', '{[1,2),(3,4.50]}', '[-infinity,infinity]',
   ARRAY['NULL', NULL, '', '{', '}', ',', '"', E'\\', E'\\.', E'\n', ' '], '{{1,2},{3,NULL}}', '[-1:1]={1,2,3}',
   ARRAY(SELECT g FROM nasty.generated g ORDER BY a LIMIT 2)),
  (NULL, '{}', NULL, NULL, NULL, '{}', NULL, NULL, 4, NULL, '{}', NULL, '{}', NULL, NULL, NULL, NULL, '{}', '{}', '{}', NULL);

CREATE TABLE nasty.texts (id int, t text);
INSERT INTO nasty.texts VALUES (1, E'\\.'), (2, E'\\N'), (3, E'\\'), (4, ''), (5, NULL), (6, 'NULL'), (7, E'\\\\.'), (8, E'a\nb'),
  (9, E'\r'), (10, E'\r\n'), (11, E'\t'), (12, E'\b\f\v'), (13, ' '), (14, E'\\x41'), (15, E'\\101'), (16, '"'), (17, ''''), (18, '$$'),
  (21, '🎉名前'), (23, E'\\.\n\\.'), (24, repeat(E'\\', 1001)), (25, E'\n');
INSERT INTO nasty.texts SELECT 1000 + i, 'code ' || chr(i) FROM generate_series(1, 127) i;
-- What COPY writes for a table with one column: the row that looks like the end of data.
CREATE TABLE nasty.one_column (t text);
INSERT INTO nasty.one_column VALUES (E'\\.'), (''), (NULL), (E'\\.'), ('.');
CREATE TABLE nasty.wide (id int PRIMARY KEY, compressed text, plain text, random bytea);
ALTER TABLE nasty.wide ALTER plain SET STORAGE EXTERNAL, ALTER compressed SET COMPRESSION pglz;
INSERT INTO nasty.wide SELECT i, repeat('abcdé', 200000), repeat('x', 100000),
  (SELECT decode(string_agg(md5(i || '/' || j), ''), 'hex') FROM generate_series(1, 20000) j) FROM generate_series(1, 2) i;
-- Rows of a few bytes between such as fill most of a page, or are stored beside it: a restore must keep their order.
CREATE TABLE nasty.widths (id int, t text);
ALTER TABLE nasty.widths ALTER t SET STORAGE EXTERNAL;
INSERT INTO nasty.widths SELECT i, CASE WHEN i % 97 = 0 THEN repeat('toast', 4000) WHEN i % 3 = 0 THEN repeat('m', i * 7919 % 6000) ELSE repeat('s', i * 31 % 100) END
  FROM generate_series(1, 1500) i;
DELETE FROM nasty.widths WHERE id % 11 = 0;
INSERT INTO nasty.widths SELECT i, repeat('l', i % 50) FROM generate_series(2000, 2100) i;
CREATE TABLE nasty.many_columns ();
DO $$ BEGIN
  EXECUTE 'ALTER TABLE nasty.many_columns ' || (SELECT string_agg(format('ADD COLUMN %I int', 'Column ' || i), ', ') FROM generate_series(1, 900) i);
  EXECUTE 'INSERT INTO nasty.many_columns ("Column 1", "Column 900") VALUES (1, 900)';
END $$;
CREATE UNLOGGED TABLE nasty.unlogged (id int PRIMARY KEY, t text);
INSERT INTO nasty.unlogged VALUES (1, 'kept');
CREATE TABLE nasty.reordered (id int, t text);
INSERT INTO nasty.reordered SELECT i, 'v' || i FROM generate_series(1, 500) i;
-- Rows on disk in another order than they came, with holes.
DELETE FROM nasty.reordered WHERE id % 7 = 0;
UPDATE nasty.reordered SET t = t || '!' WHERE id % 5 = 0;
`;

/** What only UTF8 has a code for. */
export const nastyUnicode = String.raw`
INSERT INTO nasty.texts VALUES (19, U&'\FEFF'), (20, U&'\2028\0085'), (22, U&'e\0301');
INSERT INTO nasty.texts SELECT 1000 + i, 'code ' || chr(i) FROM generate_series(128, 400) i;
`;

export const nastyNames = String.raw`
CREATE SCHEMA "Nasty.Schema"; CREATE SCHEMA "schema	tab"; CREATE SCHEMA "sch""ema"; CREATE SCHEMA "empty schema";
CREATE TABLE "Nasty.Schema"."Table.With.Dots" ("Column.1" int, "select" text, "%s" text, "$1" text, "a""b" text, "a''b" text, "tab	here" text, "back\slash" text, "{}" text, " " text);
INSERT INTO "Nasty.Schema"."Table.With.Dots" VALUES (1, 'select', '%s', '$1', '"', '''', '	', '\', '{}', ' ');
CREATE TABLE "sch""ema"."ta""ble" (id int PRIMARY KEY, "UPPER" text, upper text, "Ünïcøde 名前 🎉" text);
INSERT INTO "sch""ema"."ta""ble" VALUES (1, 'U', 'u', '🎉');
CREATE TABLE "schema	tab"."new
line" (a int, "new
column" text);
INSERT INTO "schema	tab"."new
line" VALUES (1, E'new\nvalue');
CREATE TABLE nasty."table" ("user" int, "order" int, "primary" int);
INSERT INTO nasty."table" VALUES (1, 2, 3);
CREATE TABLE nasty."ééééééééééééééééééééééééééééééé1" (a int);
CREATE TABLE nasty."--; DROP TABLE x; --" (a int);
CREATE TABLE nasty."/* not a comment" (a int);
CREATE TABLE nasty."\! echo" ("\. " text);
INSERT INTO nasty."\! echo" VALUES ('\.');
CREATE TABLE nasty."-rf" (a int);
CREATE TABLE nasty."$HOME\u0041" (a int);
CREATE INDEX "in dex ""1""" ON "sch""ema"."ta""ble" ("UPPER");
CREATE VIEW "sch""ema"."vi.ew" AS SELECT * FROM "Nasty.Schema"."Table.With.Dots";
CREATE SEQUENCE "sch""ema"."Se.quence's";
SELECT setval('"sch""ema"."Se.quence''s"', 77);
CREATE FUNCTION nasty."Func ""tion"""("An arg" int DEFAULT 1, VARIADIC "rest of it" text[] DEFAULT '{a,"b c"}') RETURNS text LANGUAGE sql
  AS ' SELECT ''quoted '''' body'' || $1 ';
COMMENT ON TABLE "schema	tab"."new
line" IS E'comment\nwith ''quotes'', \\ and\r\n-- a dash';
`;

export const nastySequences = `
CREATE SEQUENCE nasty.never_called START WITH 5;
CREATE SEQUENCE nasty.called; SELECT nextval('nasty.called') FROM generate_series(1, 3);
CREATE SEQUENCE nasty.set_not_called; SELECT setval('nasty.set_not_called', 12, false);
CREATE SEQUENCE nasty.descending INCREMENT BY -3 MINVALUE -100 MAXVALUE 50 START WITH 50; SELECT nextval('nasty.descending');
CREATE SEQUENCE nasty.small AS smallint INCREMENT BY 7 MINVALUE -5 MAXVALUE 100 START WITH 0 CACHE 20 CYCLE; SELECT nextval('nasty.small');
CREATE SEQUENCE nasty.at_limit AS bigint; SELECT setval('nasty.at_limit', 9223372036854775807);
CREATE TABLE nasty.serials (id bigserial, "Other Id" serial, t text DEFAULT 'n' || nextval('nasty.called'));
ALTER SEQUENCE nasty.serials_id_seq RENAME TO "renamed seq";
CREATE SEQUENCE "Nasty.Schema".owned; CREATE TABLE "Nasty.Schema".owner_table (x int DEFAULT nextval('"Nasty.Schema".owned'));
ALTER SEQUENCE "Nasty.Schema".owned OWNED BY "Nasty.Schema".owner_table.x;
INSERT INTO nasty.serials (id) VALUES (DEFAULT), (DEFAULT);
`;
