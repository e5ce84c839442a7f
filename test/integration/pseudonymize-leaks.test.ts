import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, deflateSync } from 'node:zlib';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { type HoldfastEvent, silent } from '../../src/base/events.ts';
import { generateParty } from '../../src/crypt/parties.ts';
import { holdSource } from '../../src/jobs/pseudonymize/copy-source.ts';
import {
  checkLeaks,
  type LeakCheckSettings,
  scanDirectory,
  sketchFor,
} from '../../src/jobs/pseudonymize/leak-check.ts';
import { leakPredicate, readLeakReport, signLeakReport } from '../../src/jobs/pseudonymize/leak-report.ts';
import { leakPage } from '../../src/jobs/pseudonymize/leak-report-page.ts';
import { copyLeaveTask, copyTableTask, copyTableTasks } from '../../src/pseudonyms/copy/copy-table.ts';
import type { ColumnEntry, Lock, Rule } from '../../src/pseudonyms/lock.ts';
import type { LaneContext } from '../../src/repository/lane.ts';
import { openSession, type Session } from '../../src/sources/postgres/session.ts';
import type { ThrowawayConnection } from '../../src/sources/postgres/throwaway.ts';
import { useCluster } from '../support/postgres.ts';

const cluster = useCluster();
const signal = new AbortController().signal;

/** A lane without a thread of its own. */
function ownLane(): LaneContext {
  const kept = new Map<string, { value: Promise<unknown>; close: (value: never) => Promise<void> }>();
  return {
    progress: () => {},
    keep: (key, open, close) => {
      if (!kept.has(key)) kept.set(key, { value: open(), close });
      return kept.get(key)!.value as ReturnType<typeof open>;
    },
    discard: async (key) => {
      const found = kept.get(key);
      kept.delete(key);
      await found?.value.then((value) => found.close(value as never));
    },
  } as Partial<LaneContext> as LaneContext;
}

const schema = `
  CREATE SCHEMA app;
  CREATE TYPE app.plan AS ENUM ('free', 'paid');
  CREATE TABLE app.people (
    id bigint PRIMARY KEY, email text NOT NULL, full_name text, family text, phone text, iban text, siret text,
    street text, town text, born_on date, notes text, settings jsonb, upper_name text GENERATED ALWAYS AS (upper(full_name)) STORED
  );
  CREATE TABLE app.tickets (id bigint PRIMARY KEY, plan app.plan, comment text, detail jsonb, raw text, scan bytea, number bigint,
    label text DEFAULT 'none');
  CREATE TABLE app.parts (day text, note text) PARTITION BY LIST (day);
  CREATE TABLE app.parts_a PARTITION OF app.parts FOR VALUES IN ('monday');`;

const keep = (): ColumnEntry => ({ rule: { kind: 'keep', options: {} }, reason: 'test', type: '', review: false });
const rule = (kind: Rule['kind'], options: Rule['options'] = {}): ColumnEntry => ({
  rule: { kind, options },
  type: '',
  review: false,
});

const lock: Lock = {
  source: 'app',
  definitions: new Map(),
  links: [],
  tables: new Map([
    [
      'app.people',
      new Map<string, ColumnEntry>([
        ['id', rule('id')],
        ['email', rule('email')],
        ['full_name', rule('full-name')],
        ['family', rule('last-name')],
        ['phone', rule('phone')],
        ['iban', rule('iban')],
        ['siret', rule('siret')],
        ['street', rule('address', { part: 'line' })],
        ['town', rule('city', { by: 'id' })],
        ['born_on', rule('birth-date')],
        ['notes', rule('text')],
        ['settings', rule('json', { paths: { '$.mail': { kind: 'email' }, '$.theme': { kind: 'keep' } } })],
      ]),
    ],
    [
      'app.tickets',
      new Map(
        ['id', 'plan', 'comment', 'detail', 'raw', 'scan', 'number', 'label'].map(
          (column) => [column, keep()] as const,
        ),
      ),
    ],
    ['app.parts', new Map(['day', 'note'].map((column) => [column, keep()] as const))],
  ]),
};

const secret = Buffer.alloc(32, 9);
const people = 300;
const families = ['Håkansson', 'Dupont', 'Żółkiewski', 'Martin', 'Brontë', 'Quisquater'];
/** Of one who is written into everything below. */
const victim = {
  email: 'ottilie.quisquater7@labo-verlaine.example',
  name: 'Ottilie Quisquater',
  phone: '+32 470 12 98 76',
  iban: 'BE71096123456769',
  street: '47 quai des Brumes',
  note: 'prefers to be called in the evening after the children sleep',
};

let source: ThrowawayConnection;
let target: ThrowawayConnection;
let holding: Session;
let settings: LeakCheckSettings;
let client: pg.Client;

beforeAll(async () => {
  source = await cluster.createDatabase('app');
  target = await cluster.createDatabase('copy');
  const from = await cluster.client('app');
  await from.query(schema);
  for (let id = 1; id <= people; id++) {
    const family = families[id % families.length]!;
    const own = id === 7 ? victim : undefined;
    await from.query('INSERT INTO app.people VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)', [
      id,
      own?.email ?? `person.${id}@firm${id % 9}.example`,
      own?.name ?? `Jeanne ${family}`,
      family,
      own?.phone ?? `+33 6 39 98 ${String(10 + (id % 80))} ${String(10 + ((id * 7) % 80))}`,
      own?.iban ?? `FR76300060000112345678${String(90000 + id)}`,
      `73282932${String(100000 + id)}`,
      own?.street ?? `${id} rue du Moulin`,
      'Saint-Étienne',
      '1980-01-01',
      own?.note ?? `called on day ${id} about the invoice of last month and paid it`,
      JSON.stringify({ mail: `alias.${id}@firm.example`, theme: 'dark' }),
    ]);
  }
  await from.query(`INSERT INTO app.tickets SELECT n, 'free', 'the invoice of last month', '{"a": "dark"}', 'said Martin', NULL,
    1000000 + n FROM generate_series(1, 50) n`);
  await from.query("INSERT INTO app.parts VALUES ('monday', 'nothing')");
  client = await cluster.client('copy');
  await client.query(schema);

  holding = await openSession(source, { applicationName: 'test', signal });
  const held = await holdSource(holding, { lock, env: process.env, clock: systemClock, signal });
  const sketch = sketchFor(held.tables, () => people);
  const lane = ownLane();
  for (const { planned, transform } of held.tables) {
    const { relation, loadThrough } = planned;
    await copyTableTasks[copyTableTask](lane, {
      source: { connection: holding.connection, exportedSnapshot: held.exportedSnapshot },
      target,
      secret,
      relation: { oid: relation.oid, schema: relation.schema, name: relation.name },
      transform,
      sketch,
      ...(loadThrough && { through: loadThrough }),
    });
  }
  await copyTableTasks[copyLeaveTask](lane);
  settings = { source: holding, target, sketch, lock, tables: held.tables, secret, emit: silent, signal };
});

afterAll(() => holding?.close());

/** Nothing of the victim in any form, in what is told of a search. */
function expectNoValue(told: string): void {
  for (const value of [...Object.values(victim), 'quisquater', 'labo-verlaine', '9876']) {
    expect(told.toLowerCase()).not.toContain(value.toLowerCase());
  }
}

/** Plants, searches, and takes it out again. */
async function planted(plants: readonly (readonly [string, string])[]): Promise<string[]> {
  for (const [plant] of plants) await client.query(plant);
  const events: HoldfastEvent[] = [];
  try {
    const report = await checkLeaks({ ...settings, emit: (event) => void events.push(event) });
    expectNoValue(JSON.stringify([report, events]));
    expect(report.verdict).toBe('fail');
    return report.findings.map(({ place, name, what, values }) => `${place} ${name}: ${values} ${what}`);
  } finally {
    for (const [, undo] of plants.toReversed()) await client.query(undo);
  }
}

const page = (text: string) => {
  const content = deflateSync(
    Buffer.from(`BT /F1 12 Tf 72 720 Td [(${text.slice(0, 5)})-20(${text.slice(5)})] TJ ET`, 'latin1'),
  );
  return (info: string) =>
    Buffer.concat([
      Buffer.from(
        `%PDF-1.7\n1 0 obj\n<< ${info} >>\nendobj\n4 0 obj\n<< /Length ${content.length} /Filter /FlateDecode >>\nstream\n`,
      ),
      content,
      Buffer.from('\nendstream\nendobj\n%%EOF\n'),
    ]);
};

function zip(name: string, text: string): Buffer {
  const packed = deflateRawSync(Buffer.from(text));
  const local = Buffer.alloc(30 + name.length);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(8, 8);
  local.writeUInt32LE(packed.length, 18);
  local.writeUInt16LE(name.length, 26);
  local.write(name, 30);
  const central = Buffer.alloc(46 + name.length);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(8, 10);
  central.writeUInt32LE(packed.length, 20);
  central.writeUInt16LE(name.length, 28);
  central.write(name, 46);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length + packed.length, 16);
  return Buffer.concat([local, packed, central, end]);
}

describe('a clean copy', () => {
  it('has no finding, though names and numbers of the dictionaries and reserved ranges recur', async () => {
    const report = await checkLeaks({
      ...settings,
      quasiIdentifiers: [{ table: 'app.people', columns: ['town', 'born_on'] }],
    });
    expect(report.findings).toEqual([]);
    expect(report.unread).toEqual([]);
    expect(report.verdict).toBe('pass');
    expect(report.scanned).toMatchObject({ tables: 3, rows: people + 51 });
    const { rows } = await client.query(
      'SELECT count(*)::int AS groups, min(n)::int AS least FROM (SELECT count(*) AS n FROM app.people GROUP BY town, born_on) g',
    );
    expect(report.anonymity).toMatchObject([
      { table: 'app.people', k: 5, rows: people, groups: rows[0].groups, smallestGroup: rows[0].least },
    ]);
    expect(report.frequencies.map(({ column }) => column)).toContain('family');
    expect(report.frequencies.map(({ column }) => column)).not.toContain('email');
  });
});

/** A row of its own in app.tickets with a value, and it gone again. */
let row = 1000;
const ticket = (column: string, value: string): [string, string] => {
  const id = row++;
  return [
    `INSERT INTO app.tickets (id, ${column}) VALUES (${id}, ${client.escapeLiteral(value)})`,
    `DELETE FROM app.tickets WHERE id = ${id}`,
  ];
};

describe('a planted leak is found', () => {
  it('in rows that are kept', async () => {
    const hidden = JSON.stringify({ event: JSON.stringify({ to: victim.email }) }).replace('@', '\\\\u0040');
    const found = await planted([
      ticket('comment', `wrote to <${victim.email}>, no answer`),
      ticket('label', ` ${victim.email.toUpperCase()} `),
      ticket('detail', JSON.stringify({ history: [{ by: victim.email }] })),
      ticket('raw', hidden),
      ticket('raw', 'tel. 0470/12.98.76 please'),
      ticket('raw', 'paid from BE71 0961 2345 6769 today'),
      ticket('raw', 'handed over by Ottilie Quisquater, signed'),
      ticket('raw', 'Deliver to 47 Quai des Brumes please'),
      ticket('raw', `seen:\n${victim.note.replace('p', 'P')}.\nok`),
      ticket('number', '32470129876'),
    ]);
    expect(found).toEqual([
      'column app.tickets.comment: 1 identifier',
      'column app.tickets.detail: 1 identifier',
      'column app.tickets.label: 1 identifier',
      'column app.tickets.number: 1 identifier',
      // The address in JSON in JSON, the telephone number, the account.
      'column app.tickets.raw: 3 identifier',
      // The name, the street, the note.
      'column app.tickets.raw: 3 phrase',
      'column app.tickets.raw: 1 word',
    ]);
  });

  it('of a family name alone, unless the texts of the copy write it small', async () => {
    expect(await planted([ticket('raw', 'ask Quisquater first')])).toEqual(['column app.tickets.raw: 1 word']);
    await client.query("INSERT INTO app.tickets (id, raw) VALUES (999, 'a quisquater of salt')");
    const { findings } = await checkLeaks(settings);
    await client.query('DELETE FROM app.tickets WHERE id = 999');
    expect(findings).toEqual([]);
  });

  it('in ruled columns that were not rewritten, and at paths that are kept', async () => {
    const found = await planted([
      [
        `INSERT INTO app.people (id, email, siret, settings) VALUES (-1, '${victim.email}', '73282932100007', '{"theme": "${victim.email}"}')`,
        'DELETE FROM app.people WHERE id = -1',
      ],
    ]);
    expect(found).toEqual([
      'column app.people.email: 1 identifier',
      'column app.people.settings: 1 identifier',
      'column app.people.siret: 1 identifier',
    ]);
  });

  it('in definitions of every kind', async () => {
    const { email } = victim;
    const found = await planted([
      [`ALTER TYPE app.plan ADD VALUE '${email}'`, "DELETE FROM pg_enum WHERE enumlabel LIKE '%@%'"],
      [`CREATE VIEW app.v AS SELECT id FROM app.people WHERE email = '${email}'`, 'DROP VIEW app.v'],
      [`CREATE TABLE app.parts_x PARTITION OF app.parts FOR VALUES IN ('${email}')`, 'DROP TABLE app.parts_x'],
      [
        `ALTER TABLE app.tickets ALTER label SET DEFAULT '${email}'`,
        "ALTER TABLE app.tickets ALTER label SET DEFAULT 'none'",
      ],
      [
        `ALTER TABLE app.tickets ADD CONSTRAINT c CHECK (label <> '${email}')`,
        'ALTER TABLE app.tickets DROP CONSTRAINT c',
      ],
      [
        `COMMENT ON COLUMN app.tickets.raw IS 'asked for by Ottilie Quisquater'`,
        'COMMENT ON COLUMN app.tickets.raw IS NULL',
      ],
      [
        `CREATE FUNCTION app.f() RETURNS text LANGUAGE sql AS $$ SELECT 'x' -- ask ${email} \n $$`,
        'DROP FUNCTION app.f()',
      ],
      [`CREATE POLICY p ON app.tickets USING (comment = '${email}')`, 'DROP POLICY p ON app.tickets'],
      [`CREATE INDEX i ON app.tickets (id) WHERE comment = '${email}'`, 'DROP INDEX app.i'],
      [
        `CREATE RULE r AS ON DELETE TO app.parts WHERE old.note = '${email}' DO INSTEAD NOTHING`,
        'DROP RULE r ON app.parts',
      ],
      [`CREATE DOMAIN app.d AS text DEFAULT '${email}'`, 'DROP DOMAIN app.d'],
    ]);
    expect(found).toEqual([
      'definition check app.tickets.c: 1 identifier',
      'definition comment table column app.tickets.raw: 1 phrase',
      'definition comment table column app.tickets.raw: 1 word',
      'definition default app.d domain: 1 identifier',
      'definition default app.tickets.label: 1 identifier',
      'definition enum app.plan: 1 identifier',
      'definition function app.f(): 1 identifier',
      'definition index app.i: 1 identifier',
      'definition partition app.parts_x: 1 identifier',
      'definition policy app.tickets.p: 1 identifier',
      'definition rule app.parts.r: 1 identifier',
      'definition view app.v: 1 identifier',
    ]);
  });

  it('in names, which are withheld', async () => {
    const table = `app."${victim.email}"`;
    const found = await planted([
      [`CREATE TABLE ${table} (note text); INSERT INTO ${table} VALUES ('${victim.iban}')`, `DROP TABLE ${table}`],
    ]);
    expect(found).toEqual([
      'column (a name that holds an original): 1 identifier',
      'definition names of schemas, tables, columns, types and roles: 1 identifier',
    ]);
  });

  it('in large objects and bytea: texts, PDF, documents of office programs', async () => {
    const [text, info] = [page(victim.name)('/Title (x)'), page('nothing')(`/Author (${victim.email})`)];
    const document = zip(
      'word/document.xml',
      '<?xml version="1.0"?><w:p><w:r><w:t>Dear Ottilie Quis</w:t></w:r><w:r><w:t>quater</w:t></w:r></w:p>',
    );
    const wide = Buffer.from(`\ufeffmail: ${victim.email}`, 'utf16le');
    const hex = (bytes: Buffer) => `'\\x${bytes.toString('hex')}'`;
    const object = (oid: number, bytes: Buffer): [string, string] => [
      `SELECT lo_from_bytea(${oid}, ${hex(bytes)})`,
      `SELECT lo_unlink(${oid})`,
    ];
    const found = await planted([
      object(4711, Buffer.from(`Dear ${victim.name}, hello`)),
      object(4712, text),
      object(4713, info),
      object(4714, document),
      object(4715, wide),
      [`INSERT INTO app.tickets (id, scan) VALUES (900, ${hex(text)})`, 'DELETE FROM app.tickets WHERE id = 900'],
    ]);
    expect(found.filter((each) => !each.endsWith('word'))).toEqual([
      'column app.tickets.scan: 1 phrase',
      'large-object large object 4711: 1 phrase',
      'large-object large object 4712: 1 phrase',
      'large-object large object 4713: 1 identifier',
      'large-object large object 4714: 1 phrase',
      'large-object large object 4715: 1 identifier',
    ]);
  });

  it('in files and their names', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'leaks-'));
    try {
      await mkdir(join(directory, 'docs/2026'), { recursive: true });
      await writeFile(join(directory, 'docs/contract.pdf'), page(victim.email)('/Title (x)'));
      await writeFile(join(directory, 'docs/clean.txt'), 'nothing of anybody');
      await writeFile(join(directory, 'docs/2026/Ottilie_Quisquater-contract.txt'), victim.iban);
      await writeFile(join(directory, `docs/2026/${victim.email}.txt`), 'nothing');
      const report = await scanDirectory({ ...settings, directory });
      expectNoValue(JSON.stringify(report));
      expect(report.findings.map(({ place, name, what }) => `${place} ${name}: ${what}`)).toEqual([
        'file (a name that holds an original): identifier',
        'file docs/contract.pdf: identifier',
        'file-name docs/2026: identifier',
        'file-name docs/2026: phrase',
        'file-name docs/2026: word',
      ]);
      expect(report.scanned.files).toBe(4);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('and what cannot be read is no pass', async () => {
    await client.query(`SELECT lo_from_bytea(4720, '%PDF-1.7 << /Encrypt 3 0 R >> %%EOF')`);
    const report = await checkLeaks(settings);
    await client.query('SELECT lo_unlink(4720)');
    expect(report.findings).toEqual([]);
    expect(report.unread).toEqual([{ place: 'large-object', name: 'large object 4720', count: 1 }]);
    expect(report.verdict).toBe('could-not-verify');
  });
});

describe('the report', () => {
  const about = {
    source: 'app',
    database: 'copy <1>',
    keyFingerprint: '0011223344556677',
    lockSha256: 'b'.repeat(64),
    started: '2026-11-29T10:00:00.000Z',
    ended: '2026-11-29T10:01:00.000Z',
    version: '1.0.0',
  };

  it('is signed, and read back with the key alone', async () => {
    const party = await generateParty('host', systemClock);
    const other = await generateParty('other', systemClock);
    const [plant, undo] = ticket('comment', victim.email);
    await client.query(plant);
    const report = await checkLeaks(settings);
    await client.query(undo);
    const envelope = signLeakReport(report, about, party);
    expectNoValue(Buffer.from(JSON.parse(envelope.toString()).payload, 'base64').toString());
    expect(readLeakReport(envelope, party.publicSigningKey)).toEqual(leakPredicate(report, about));
    expect(() => readLeakReport(envelope, other.publicSigningKey)).toThrow('not that of the key');

    const html = leakPage(leakPredicate(report, about), { timeZone: 'Europe/Paris' });
    expectNoValue(html);
    expect(html).toContain('app.tickets.comment');
    expect(html).toContain('copy &lt;1&gt;');
    expect(html).not.toMatch(/<script|https?:\/\/|@import|url\(/);
  });
});
