-- Roles, memberships, settings and tablespaces of a PostgreSQL 16 cluster.
-- Run it as a superuser, on PostgreSQL 16 or newer: psql -d postgres -f globals.sql
-- What exists in the cluster is left as it is, and told. It holds the hashes of passwords: keep it to yourself.
-- f00d
\set VERBOSITY terse
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET log_statement = 'none';
SET log_error_verbosity = 'terse';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = '-1';
SET log_min_duration_sample = '-1';
SET log_transaction_sample_rate = '0';
SET log_duration = 'off';
SET log_parser_stats = 'off';
SET debug_print_parse = 'off';
SET debug_print_rewritten = 'off';
SET debug_print_plan = 'off';
SET pg_stat_statements.track = 'none';
\set ON_ERROR_STOP on
BEGIN;
CREATE TEMPORARY TABLE holdfast_made (kind text, name text);

-- Roles
DO $holdfast$ BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'postgres') THEN
RAISE NOTICE USING MESSAGE = 'role postgres exists; it is left as it is';
ELSE
CREATE ROLE "postgres" WITH SUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS CONNECTION LIMIT -1;
INSERT INTO pg_temp.holdfast_made VALUES ('role', 'postgres');
END IF;
END $holdfast$;
-- beef
DO $holdfast$ BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'app') THEN
RAISE NOTICE USING MESSAGE = 'role app exists; it is left as it is';
ELSE
CREATE ROLE "app" WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS CONNECTION LIMIT -1 PASSWORD 'SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB=:CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC=';
COMMENT ON ROLE "app" IS 'it''s';
INSERT INTO pg_temp.holdfast_made VALUES ('role', 'app');
END IF;
END $holdfast$;
DO $holdfast1$ BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '$holdfast$ \q
') THEN
RAISE NOTICE USING MESSAGE = 'role $holdfast$ \q
 exists; it is left as it is';
ELSE
CREATE ROLE "$holdfast$ \q
" WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS CONNECTION LIMIT -1;
BEGIN
SECURITY LABEL FOR "dummy" ON ROLE "$holdfast$ \q
" IS 'x';
EXCEPTION WHEN OTHERS THEN
RAISE WARNING USING MESSAGE = 'the server does not take a security label of role $holdfast$ \q
; it is left out';
END;
INSERT INTO pg_temp.holdfast_made VALUES ('role', '$holdfast$ \q
');
END IF;
END $holdfast1$;

-- Comments on roles of the server
DO $holdfast$ BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'pg_monitor' AND pg_catalog.shobj_description(oid, 'pg_authid') IS NULL) THEN
BEGIN
COMMENT ON ROLE "pg_monitor" IS 'watched';
EXCEPTION WHEN OTHERS THEN
RAISE WARNING USING MESSAGE = 'the server does not take the comment on role pg_monitor; it is left out';
END;
END IF;
END $holdfast$;

-- Memberships
DO $holdfast$ BEGIN
IF EXISTS (SELECT FROM pg_temp.holdfast_made WHERE kind = 'role' AND name = 'app') OR EXISTS (SELECT FROM pg_temp.holdfast_made WHERE kind = 'role' AND name = 'lead') THEN
BEGIN
GRANT "app" TO "lead" WITH ADMIN TRUE, INHERIT TRUE, SET TRUE;
EXCEPTION WHEN OTHERS THEN
RAISE WARNING USING MESSAGE = 'the server does not take membership of lead in app; it is left out';
END;
END IF;
END $holdfast$;
DO $holdfast1$ BEGIN
IF EXISTS (SELECT FROM pg_temp.holdfast_made WHERE kind = 'role' AND name = 'app') OR EXISTS (SELECT FROM pg_temp.holdfast_made WHERE kind = 'role' AND name = '$holdfast$ \q
') THEN
BEGIN
GRANT "app" TO "$holdfast$ \q
" WITH ADMIN FALSE, INHERIT TRUE, SET FALSE GRANTED BY "lead";
EXCEPTION WHEN OTHERS THEN
RAISE WARNING USING MESSAGE = 'the server does not take membership of $holdfast$ \q
 in app; it is left out';
END;
END IF;
END $holdfast1$;

-- Settings
DO $holdfast$ BEGIN
IF NOT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting WHERE setrole = 0 AND setdatabase = 0) THEN
BEGIN
ALTER ROLE ALL SET "work_mem" TO '4MB';
EXCEPTION WHEN OTHERS THEN
RAISE WARNING USING MESSAGE = 'the server does not take the setting work_mem; it is left out';
END;
END IF;
END $holdfast$;
DO $holdfast$ BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = 'shop') AND NOT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting WHERE setrole = 0 AND setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = 'shop')) THEN
BEGIN
ALTER DATABASE "shop" SET "search_path" TO '$user', 'shop';
EXCEPTION WHEN OTHERS THEN
RAISE WARNING USING MESSAGE = 'the server does not take the setting search_path; it is left out';
END;
END IF;
END $holdfast$;
DO $holdfast$ BEGIN
IF EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = 'shop') AND EXISTS (SELECT FROM pg_temp.holdfast_made WHERE kind = 'role' AND name = 'app') THEN
BEGIN
ALTER ROLE "app" IN DATABASE "shop" SET "work_mem" TO '8MB';
EXCEPTION WHEN OTHERS THEN
RAISE WARNING USING MESSAGE = 'the server does not take the setting work_mem; it is left out';
END;
END IF;
END $holdfast$;

-- Privileges on parameters
DO $holdfast$ BEGIN
IF EXISTS (SELECT FROM pg_temp.holdfast_made WHERE kind = 'role' AND name = 'app') THEN
BEGIN
GRANT SET ON PARAMETER "log_statement" TO "app";
EXCEPTION WHEN OTHERS THEN
RAISE WARNING USING MESSAGE = 'the server does not take privileges on the parameter log_statement; it is left out';
END;
END IF;
END $holdfast$;
COMMIT;
\set ON_ERROR_STOP off

-- Tablespaces. Each needs its directory on the server: empty, and owned by the account that runs PostgreSQL.
INSERT INTO pg_temp.holdfast_made SELECT 'tablespace', 'fast' WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_tablespace WHERE spcname = 'fast');
CREATE TABLESPACE "fast" OWNER "app" LOCATION '/srv/it''s' WITH ("random_page_cost" = '1.1');
DO $holdfast$ BEGIN
IF EXISTS (SELECT FROM pg_temp.holdfast_made WHERE kind = 'tablespace' AND name = 'fast') AND EXISTS (SELECT FROM pg_catalog.pg_tablespace WHERE spcname = 'fast') THEN
BEGIN
REVOKE ALL ON TABLESPACE "fast" FROM PUBLIC;
REVOKE ALL ON TABLESPACE "fast" FROM "app";
GRANT CREATE ON TABLESPACE "fast" TO PUBLIC;
EXCEPTION WHEN OTHERS THEN
RAISE WARNING USING MESSAGE = 'the server does not take a privilege on fast; it is left out';
END;
END IF;
END $holdfast$;
-- f00d
