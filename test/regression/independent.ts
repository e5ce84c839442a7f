import { execa } from 'execa';
import pg from 'pg';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';

/**
 * A second opinion on whether two databases are equal, which shares no code with the program: what pg_dump writes as
 * text, and a hash of every table's rows, worked out by the server.
 *
 * @param a the source, whose materialized views are refreshed
 * @returns what differs; of rows only the tables
 */
export async function findDifferences(a: PostgresConnection, b: PostgresConnection): Promise<string[]> {
  const [ours, theirs] = await Promise.all([dumpLines(a), dumpLines(b)]);
  const differences: string[] = [];
  for (const [line, count] of ours) if ((theirs.get(line) ?? 0) < count) differences.push(`- ${line}`);
  for (const [line, count] of theirs) if ((ours.get(line) ?? 0) < count) differences.push(`+ ${line}`);
  await refresh(a);
  const [first, second] = [await rowHashes(a), await rowHashes(b)];
  for (const [table, hash] of first) if (second.get(table) !== hash) differences.push(`rows of ${table}`);
  for (const table of second.keys()) if (!first.has(table)) differences.push(`rows of ${table}`);
  return differences;
}

/** Lines without their order: columns of a table that inherits may be listed in another one. */
async function dumpLines(connection: PostgresConnection): Promise<Map<string, number>> {
  const { stdout } = await execa('pg_dump', ['--schema-only', '--no-sync'], {
    env: {
      PGHOST: connection.host,
      PGPORT: String(connection.port),
      PGUSER: connection.user!,
      PGDATABASE: connection.database!,
    },
    maxBuffer: 1 << 30,
  });
  const lines = new Map<string, number>();
  for (const line of stdout.split('\n')) {
    const text = line.replace(/,$/, '');
    if (text.startsWith('-- ') || /^\\(un)?restrict /.test(text)) continue;
    lines.set(text, (lines.get(text) ?? 0) + 1);
  }
  return lines;
}

/** A restore fills materialized views anew, so those of the source are brought up to date before they are read. */
async function refresh(connection: PostgresConnection): Promise<void> {
  const client = new pg.Client({ ...connection, options: '-c search_path=' });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'm' AND relispopulated ORDER BY oid`,
  );
  for (const { name } of rows) await client.query(`REFRESH MATERIALIZED VIEW ${name}`);
  await client.end();
}

/** Partitions are read through their roots: some rows have to move between partitions. */
async function rowHashes(connection: PostgresConnection): Promise<Map<string, string>> {
  const client = new pg.Client({ ...connection, options: '-c search_path= -c extra_float_digits=3 -c timezone=UTC' });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string; kind: string; columns: string }>(
      `SELECT c.oid::regclass::text AS name, c.relkind AS kind,
         (SELECT coalesce(string_agg(format('t.%I', attname), ', ' ORDER BY attname), '') FROM pg_attribute
          WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns
       FROM pg_class c
       WHERE c.relkind IN ('r', 'p', 'm', 'S') AND NOT c.relispartition AND c.relpersistence <> 't' AND c.oid >= 16384
         AND (c.relkind <> 'm' OR c.relispopulated)
         AND NOT EXISTS (SELECT FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid WHERE l.relkind = 'f')`,
    );
    const hashes = new Map<string, string>();
    for (const { name, kind, columns } of tables) {
      const only = kind === 'p' ? '' : 'ONLY';
      const row = kind === 'S' ? 't.last_value, t.is_called' : columns;
      const { rows } = await client.query<{ hash: string }>(
        `SELECT count(*) || ' ' || coalesce(md5(string_agg(h, '' ORDER BY h COLLATE "C")), '') AS hash
         FROM (SELECT md5(ROW(${row})::text) AS h FROM ${only} ${name} t) x`,
      );
      hashes.set(name, rows[0]!.hash);
    }
    return hashes;
  } finally {
    await client.end();
  }
}
