import pg from 'pg';
import { copyRows } from './database.ts';
import {
  type DemoCounts,
  demoMonths,
  documentRows,
  eventRows,
  invoiceLineRows,
  invoiceRows,
  linesOfInvoice,
  partitionName,
  personRows,
  sessionRows,
} from './rows.ts';

/** A day in the life of the demo database. */

export interface ChurnOptions {
  /** Rows that change, of all rows. Default 0.01. */
  share?: number;
  /** Another seed changes other rows. */
  seed: string;
  /**
   * Which rows are updated and deleted: `scattered` evenly over each table, the worst there is for deduplication, or
   * `recent`, four of five among the last tenth of each table, as most applications do. Default `scattered`.
   */
  pattern?: 'scattered' | 'recent';
}

export interface ChurnSummary {
  updated: number;
  inserted: number;
  deleted: number;
}

/** Of the rows that change. */
const kinds = { update: 0.6, insert: 0.3, delete: 0.1 } as const;

const updates: readonly { table: string; set: string }[] = [
  { table: 'app.customers', set: `settings = settings || jsonb_build_object('seats', id % 97 + $3 % 89)` },
  {
    table: 'app.people',
    set: `phone = '+33 6 39 98 ' || lpad(($3 % 100)::text, 2, '0') || ' 00', street = street || ' bis'`,
  },
  {
    table: 'app.documents',
    set: `body = jsonb_set(body, '{revision}', to_jsonb((body->>'revision')::int + 1)), title = title || ' (v2)'`,
  },
  { table: 'billing.invoices', set: `status = 'paid', memo = memo || ' relance ' || $3` },
  { table: 'billing.invoice_lines', set: 'quantity = quantity + 1' },
];

/** Documents have no rows that refer to them; sessions and events are only ever added and removed. */
const deletes = ['app.documents', 'billing.invoice_lines', 'audit.events', 'app.sessions'] as const;

/**
 * Changes a share of the rows: updates, inserts and deletes. The same seed on the same database changes the same rows.
 * Takes no part in cleaning up: run VACUUM now and then, as autovacuum does.
 */
export async function churnDemoDatabase(
  connection: pg.ClientConfig,
  { share = 0.01, seed, pattern = 'scattered' }: ChurnOptions,
): Promise<ChurnSummary> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    await client.query(`SET TimeZone = 'UTC'`);
    const salt = [...seed].reduce((hash, character) => (Math.imul(hash, 31) + character.codePointAt(0)!) | 0, 7) >>> 1;
    const summary = { updated: 0, inserted: 0, deleted: 0 };
    const before = await tableCounts(client);
    const total = Object.values(before).reduce((sum, { rows }) => sum + rows, 0);
    const updatable = updates.reduce((sum, { table }) => sum + before[table]!.rows, 0);
    const deletable = deletes.reduce((sum, table) => sum + before[table]!.rows, 0);
    for (const { table, set } of updates) {
      const where = chosen('id', pattern);
      const part = (total * share * kinds.update) / updatable;
      const { rowCount } = await client.query(`UPDATE ${table} SET ${set} WHERE ${where}`, [
        part,
        before[table]!.last,
        salt,
      ]);
      summary.updated += rowCount ?? 0;
    }
    for (const table of deletes) {
      const part = (total * share * kinds.delete) / deletable;
      // Session ids are random; their oldest go, whatever the pattern.
      const where =
        table === 'app.sessions'
          ? `ctid IN (SELECT ctid FROM app.sessions ORDER BY created_at LIMIT ceil($1::float8 * $2 + $3::bigint * 0))`
          : chosen('id', pattern);
      const last = table === 'app.sessions' ? before[table]!.rows : before[table]!.last;
      const { rowCount } = await client.query(`DELETE FROM ${table} WHERE ${where}`, [part, last, salt + 1]);
      summary.deleted += rowCount ?? 0;
    }
    summary.inserted = await insert(client, seed, before, share * kinds.insert);
    return summary;
  } finally {
    await client.end();
  }
}

/** A condition that holds for a share $1 of the rows with ids up to $2, chosen by $3. */
function chosen(id: string, pattern: 'scattered' | 'recent'): string {
  const share =
    pattern === 'scattered'
      ? '$1::float8'
      : `$1::float8 * CASE WHEN ${id} > $2::bigint * 0.9 THEN 8 ELSE 0.2 / 0.9 END`;
  return `$2::bigint IS NOT NULL AND (hashint8extended(${id}, $3::bigint) & 1048575) < 1048576 * ${share}`;
}

type TableCounts = Record<string, { rows: number; last: number }>;

async function tableCounts(client: pg.Client): Promise<TableCounts> {
  const counts: TableCounts = {};
  for (const table of ['app.customers', 'app.people', 'app.documents', 'billing.invoices', 'billing.invoice_lines']) {
    counts[table] = await countOf(client, table, 'max(id)');
  }
  counts['audit.events'] = await countOf(client, 'audit.events', 'max(id)');
  counts['app.sessions'] = await countOf(client, 'app.sessions', 'count(*)');
  return counts;
}

async function countOf(client: pg.Client, table: string, last: string): Promise<{ rows: number; last: number }> {
  const { rows } = await client.query(`SELECT count(*)::float8 AS rows, ${last}::float8 AS last FROM ${table}`);
  return { rows: rows[0].rows, last: rows[0].last ?? 0 };
}

/** New rows at the end of the growing tables, in proportion to what they hold. */
async function insert(client: pg.Client, seed: string, before: TableCounts, share: number): Promise<number> {
  const of = (table: string) => before[table]!.last;
  const counts: DemoCounts = {
    customers: of('app.customers'),
    people: of('app.people'),
    documents: of('app.documents'),
    sessions: of('app.sessions'),
    invoices: 0,
    events: of('audit.events'),
  };
  const month = demoMonths.length - 1;
  // Random keys must not come again when a seed does.
  const fresh = `${seed}/${counts.documents}/${counts.sessions}`;
  const lastInvoice = await countOf(client, `billing.${partitionName('invoices', demoMonths[month]!)}`, 'max(id)');
  const invoices = Math.ceil(before['billing.invoices']!.rows * share);
  const more = (rows: number) => Math.ceil(rows * share);
  const added = [
    { maker: personRows(fresh, counts), first: counts.people + 1, rows: more(before['app.people']!.rows) },
    { maker: documentRows(fresh, counts), first: counts.documents + 1, rows: more(before['app.documents']!.rows) },
    { maker: sessionRows(fresh, counts), first: counts.sessions + 1, rows: more(before['app.sessions']!.rows) },
    { maker: eventRows(fresh, counts), first: counts.events + 1, rows: more(before['audit.events']!.rows) },
    { maker: invoiceRows(fresh, counts, month), first: lastInvoice.last + 1, rows: invoices },
    {
      maker: invoiceLineRows(fresh, month),
      first: lastInvoice.last * linesOfInvoice + 1,
      rows: invoices * linesOfInvoice,
    },
  ];
  for (const { maker, first, rows } of added) await copyRows(client, maker, first, first + rows - 1);
  for (const table of ['app.people', 'app.documents', 'audit.events']) {
    await client.query(`SELECT setval(pg_get_serial_sequence($1, 'id'), max(id)) FROM ${table}`, [table]);
  }
  return added.reduce((sum, { rows }) => sum + rows, 0);
}
