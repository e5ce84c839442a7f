import { once } from 'node:events';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { HoldfastError } from '../../base/errors.ts';
import type { Emit } from '../../base/events.ts';
import { incompressible, Random } from './random.ts';
import {
  customerRows,
  type DemoCounts,
  demoCounts,
  demoMonths,
  documentRows,
  eventRows,
  invoiceLineRows,
  invoiceRows,
  linesOfInvoice,
  personRows,
  type RowMaker,
  sessionRows,
} from './rows.ts';
import { awkwardTable, demoIndexes, demoRest, demoRoles, demoTables, wantedExtensions } from './schema.ts';

/** The demo database: rows are made here and loaded by COPY, which is quicker than letting the server make them. */

export interface DemoDatabaseOptions {
  /** Size of the filled database in megabytes (10^6 bytes), indexes included, within a few percent. Default 60. */
  megabytes?: number;
  /** The same seed gives the same rows. */
  seed: string;
  progress?: Emit;
}

export interface DemoDatabaseSummary {
  /** Rows in all tables. */
  rows: number;
  /** Bytes of COPY text that were loaded. */
  textBytes: number;
  largeObjects: number;
  /** Those of `wantedExtensions` that the server has. */
  extensions: string[];
}

/** Measured; the figure holds from some 20 MB on, below it the empty catalogs weigh more. */
const customersPerMegabyte = 15.4;
const emptyMegabytes = 12;

/**
 * Fills an empty database. Needs a superuser: extensions, roles and large objects of other owners are part of it. Two
 * roles without login are made in the cluster, unless they exist.
 *
 * @throws HoldfastError `target-exists` when the database holds tables already
 */
export async function fillDemoDatabase(
  connection: pg.ClientConfig,
  { megabytes = 60, seed, progress = () => {} }: DemoDatabaseOptions,
): Promise<DemoDatabaseSummary> {
  const counts = demoCounts(Math.max(5, Math.round((megabytes - emptyMegabytes) * customersPerMegabyte)));
  const clients = [await connect(connection), await connect(connection)] as const;
  try {
    const [client] = clients;
    await assertEmpty(client);
    progress({ type: 'step', text: 'Making the tables of the demo database' });
    const extensions = await createExtensions(client);
    await createRoles(client);
    await client.query(demoTables(new Set(extensions)));

    progress({ type: 'step', text: 'Loading rows' });
    const loads = demoLoads(seed, counts);
    const total = loads.reduce((sum, load) => sum + load.count, 0);
    let done = 0;
    let textBytes = 0;
    const report = (bytes: number, rows: number) => {
      textBytes += bytes;
      done += rows;
      progress({ type: 'progress', activity: 'rows', done, total, unit: 'items' });
    };
    await Promise.all(
      clients.map(async (lane) => {
        for (let load = loads.shift(); load !== undefined; load = loads.shift()) {
          await copyRows(lane, load.maker, 1, load.count, { frozen: true, report });
        }
      }),
    );

    progress({ type: 'step', text: 'Making indexes and constraints' });
    await Promise.all(
      clients.map(async (lane, i) => {
        for (const statement of demoIndexes[i]!) await lane.query(statement);
      }),
    );
    await client.query(demoRest(new Set(extensions)));
    await settleSequences(client);
    const odd = await oddRows(client);
    const largeObjects = await fillLargeObjects(client, seed, Math.max(6, Math.round(megabytes / 12)));
    await client.query('REFRESH MATERIALIZED VIEW billing.monthly_revenue; ANALYZE');
    return { rows: total + odd + largeObjects, textBytes, largeObjects, extensions };
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

async function connect(connection: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query(`SET search_path = ''; SET TimeZone = 'UTC'; SET maintenance_work_mem = '256MB'`);
  return client;
}

async function assertEmpty(client: pg.Client): Promise<void> {
  const { rows } = await client.query(
    `SELECT count(*)::int AS tables FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`,
  );
  if (rows[0].tables > 0) {
    throw new HoldfastError('target-exists', 'The database for the demo is not empty.', {
      why: `It holds ${rows[0].tables} tables or views.`,
      hint: 'Create a new database for it.',
    });
  }
}

async function createExtensions(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT name FROM pg_catalog.pg_available_extensions WHERE name = ANY ($1) ORDER BY name',
    [wantedExtensions],
  );
  for (const { name } of rows) await client.query(`CREATE EXTENSION ${pg.escapeIdentifier(name)} SCHEMA public`);
  return rows.map(({ name }) => name);
}

async function createRoles(client: pg.Client): Promise<void> {
  for (const role of Object.values(demoRoles)) {
    const { rowCount } = await client.query('SELECT FROM pg_catalog.pg_roles WHERE rolname = $1', [role]);
    if (rowCount === 0) await client.query(`CREATE ROLE ${pg.escapeIdentifier(role)}`);
  }
}

interface Load {
  maker: RowMaker;
  count: number;
}

/** The long ones first, so that two lanes end at about the same time. */
function demoLoads(seed: string, counts: DemoCounts): Load[] {
  return [
    { maker: documentRows(seed, counts), count: counts.documents },
    { maker: eventRows(seed, counts), count: counts.events },
    { maker: sessionRows(seed, counts), count: counts.sessions },
    { maker: personRows(seed, counts), count: counts.people },
    { maker: customerRows(seed, counts), count: counts.customers },
    ...demoMonths.flatMap((_, month) => [
      { maker: invoiceLineRows(seed, month), count: counts.invoices * linesOfInvoice },
      { maker: invoiceRows(seed, counts, month), count: counts.invoices },
    ]),
  ];
}

const sliceLength = 256 * 1024;

/**
 * Loads the rows with ids `first` to `last`.
 *
 * @param frozen truncate the table first, and load so that no later reader has to write hint bits
 */
export async function copyRows(
  client: pg.Client,
  maker: RowMaker,
  first: number,
  last: number,
  { frozen = false, report }: { frozen?: boolean; report?: (bytes: number, rows: number) => void } = {},
): Promise<void> {
  await client.query(frozen ? `BEGIN; TRUNCATE ONLY ${maker.table}` : 'BEGIN');
  const stream = client.query(
    copyFrom(`COPY ${maker.table} (${maker.columns}) FROM STDIN${frozen ? ' WITH (FREEZE)' : ''}`),
  );
  const ended = once(stream, 'finish');
  // Its rejection is awaited below; without this an error while a write waits would count as unhandled.
  ended.catch(() => {});
  let text = '';
  let since = first;
  const send = async (id: number) => {
    const bytes = Buffer.from(text);
    text = '';
    const more = stream.write(bytes);
    report?.(bytes.length, id - since + 1);
    since = id + 1;
    if (!more) await Promise.race([once(stream, 'drain'), ended]);
  };
  for (let id = first; id <= last; id++) {
    text += maker.line(id);
    if (text.length >= sliceLength) await send(id);
  }
  if (text !== '') await send(last);
  stream.end();
  await ended;
  await client.query('COMMIT');
}

/** Identity columns were given their values; their sequences must go on after the last one. */
async function settleSequences(client: pg.Client): Promise<void> {
  for (const table of ['app.customers', 'app.people', 'app.documents', 'audit.events']) {
    await client.query(`SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence($1, 'id'), max(id)) FROM ${table}`, [
      table,
    ]);
  }
  await client.query(
    `SELECT app.next_ticket(), app.next_ticket(), app.next_ticket(), pg_catalog.nextval('app.countdown')`,
  );
}

const oddities: readonly (string | null)[][] = [
  ['\\.', '1', '\\N', '\\', 'end of data?', '\\\\.'],
  ['', '2', null, '\t', '\n', '\r\n'],
  ["'", '3', '"', '\\t', 'NULL', '\\x00'],
  ['ÅÄÖ ß œ', '4', '名前 🎉 مرحبا', '\u0001\u001f\u007f', '\u2028\ufeff', "'; DROP TABLE students; --"],
  ['\\.\n', '5', '\n\\.', '\\.\r\n', '%s %d', '$1'],
  [null, null, null, null, null, null],
];

async function oddRows(client: pg.Client): Promise<number> {
  for (const row of oddities)
    await client.query(`INSERT INTO ${awkwardTable} VALUES ($1, $2, $3, $4, $5, $6)`, [...row]);
  await client.query(`INSERT INTO app.rate_limits VALUES ('192.0.2.1', 3)`);
  return oddities.length + 1;
}

const firstLargeObject = 500_001;

/** Scanned contracts and pictures, some hundred kB each, with owners, rights and comments. */
async function fillLargeObjects(client: pg.Client, seed: string, count: number): Promise<number> {
  const random = new Random(`${seed}/large-objects`);
  for (let i = 0; i < count; i++) {
    const oid = firstLargeObject + i;
    const content = incompressible(`${seed}/large-object/${i}`, random.between(60_000, 400_000));
    // Half of it compresses, as in a PDF without images.
    if (i % 2 === 0)
      content.write('%PDF-1.7\n'.padEnd(content.length / 2, 'BT /F1 11 Tf 72 720 Td (Contrat) Tj ET\n'), 0);
    await client.query('SELECT pg_catalog.lo_from_bytea($1, $2)', [oid, content]);
    await client.query(
      'INSERT INTO app.attachments (file_name, valid, labels, content) VALUES ($1, ROW($2::date, NULL), $3, $4)',
      [`contrat n° ${i + 1} – signé.pdf`, `2026-0${1 + (i % 9)}-01`, i % 3 === 0 ? '"état"=>"signé"' : null, oid],
    );
    if (i % 3 === 0) await client.query(`COMMENT ON LARGE OBJECT ${oid} IS 'signé le 1er du mois'`);
    if (i % 4 === 1) await client.query(`ALTER LARGE OBJECT ${oid} OWNER TO ${demoRoles.application}`);
    if (i % 4 === 2) await client.query(`GRANT SELECT ON LARGE OBJECT ${oid} TO ${demoRoles.reader}`);
  }
  // An empty one, and one with a hole in the middle.
  await client.query(`SELECT pg_catalog.lo_create($1)`, [firstLargeObject + count]);
  await client.query(`SELECT pg_catalog.lo_put(pg_catalog.lo_create($1), 300000, 'tail')`, [
    firstLargeObject + count + 1,
  ]);
  return count;
}
