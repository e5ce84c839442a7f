import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fillDemoDatabase } from '../../src/jobs/demo/database.ts';
import { planCopy } from '../../src/jobs/pseudonymize/classify.ts';
import { copyDatabase } from '../../src/jobs/pseudonymize/copy-database.ts';
import type { CopySettings } from '../../src/jobs/pseudonymize/copy-settings.ts';
import { changeLock, copySettings, reviewDatabase, type ShortRule } from '../support/copied-database.ts';
import { useCluster } from '../support/postgres.ts';

const cluster = useCluster();
let directory: string;
let settings: CopySettings;
let production: pg.Client;
let copy: pg.Client;

const customer: ShortRule = { kind: 'id', domain: 'customer-id' };
const person: ShortRule = { kind: 'id', domain: 'person-id' };

/** Ids are mapped, too, wherever they stand: in keys, in columns that refer to them without a key, in documents. */
const columns: Record<string, ShortRule> = {
  'app.customers.id': customer,
  'app.people.customer_id': customer,
  'app.documents.customer_id': customer,
  'billing.invoices.customer_id': customer,
  'app.people.id': person,
  'app.customers.primary_contact_id': person,
  'app.documents.author_id': person,
  'app.sessions.person_id': person,
  'audit.events.actor_id': person,
  'app.documents.key': 'uuid',
  'app.sessions.id': 'uuid',
  'app.customers.name': { kind: 'keep' },
  'app.people.given_name': { kind: 'first-name', domain: 'first-name' },
  'app.people.family_name': { kind: 'last-name', domain: 'last-name' },
  'app.people.email': { kind: 'email', domain: 'email' },
  'app.people.phone': { kind: 'phone', domain: 'phone', range: 'permute' },
  'app.people.city': { kind: 'code', small: 'shuffle' },
  'app.documents.title': { kind: 'keep' },
  'app.documents.body': {
    kind: 'json',
    default: 'keep',
    paths: {
      '$.reviewers[]': { kind: 'id', options: {}, domain: 'person-id' },
      '$.sections[].text': 'text',
    },
  },
  'app.sessions.address': { kind: 'ip', domain: 'ip' },
  'audit.events.address': { kind: 'ip', domain: 'ip' },
  'app.leads.email': { kind: 'email', domain: 'email' },
  'app.leads.contact': { kind: 'json', paths: { '$.mail': { kind: 'email', options: {}, domain: 'email' } } },
  'app.leads.invited': { kind: 'array', element: { kind: 'email', domain: 'email' } },
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'joins-'));
  const connection = await cluster.createDatabase('app');
  await fillDemoDatabase(connection, { megabytes: 12.5, seed: 'joins' });
  production = await cluster.client('app');
  // What is written otherwise is one address still; no key ties it to people.
  await production.query(`
    CREATE TABLE app.leads (email text PRIMARY KEY, contact jsonb NOT NULL, invited text[]);
    INSERT INTO app.leads SELECT DISTINCT ON (upper(email::text)) upper(email::text),
        jsonb_build_object('mail', ' ' || initcap(email::text)), ARRAY[email::text, 'nobody@example.org']
      FROM app.people WHERE id % 3 = 0;
    INSERT INTO app.leads SELECT 'lead' || i || '@example.net', jsonb_build_object('mail', 'x' || i || '@example.net'), '{}'
      FROM generate_series(1, 40) i;
    CREATE INDEX documents_search ON app.documents USING gin (to_tsvector('simple', title));
    ANALYZE app.leads`);
  settings = copySettings({ connection, lockFile: join(directory, 'app.lock.yaml'), database: 'preprod' });
  await reviewDatabase(settings, { columns });
  await copyDatabase(settings);
  copy = await cluster.client('preprod');
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** What the application asks, without values that only production knows. */
const queries: Record<string, string> = {
  'people with their customers': `SELECT count(*) AS people, count(DISTINCT c.id) AS customers FROM app.people p JOIN app.customers c ON c.id = p.customer_id`,
  'people of each customer': `SELECT name, (SELECT count(*) FROM app.people p WHERE p.customer_id = c.id) AS people FROM app.customers c ORDER BY 1, 2`,
  'contacts that work for their own customer': `SELECT count(*) FROM app.customers c JOIN app.people p ON p.id = c.primary_contact_id AND p.customer_id = c.id`,
  'customers with an overdue invoice': `SELECT count(*) FROM app.customers c WHERE EXISTS (SELECT FROM billing.invoices i WHERE i.customer_id = c.id AND i.status = 'overdue')`,
  'what each customer paid': `SELECT c.name, sum(i.gross) FROM billing.invoices i JOIN app.customers c ON c.id = i.customer_id WHERE i.status = 'paid' GROUP BY c.id, c.name ORDER BY 1, 2`,
  'lines with their invoices and customers': `SELECT c.plan, count(*), sum(l.quantity * l.unit_price) FROM billing.invoice_lines l JOIN billing.invoices i ON (i.id, i.issued_on) = (l.invoice_id, l.issued_on) JOIN app.customers c ON c.id = i.customer_id GROUP BY 1 ORDER BY 1`,
  'people who never signed in': `SELECT count(*) FROM app.people p WHERE NOT EXISTS (SELECT FROM app.sessions s WHERE s.person_id = p.id)`,
  'sessions of each person, as often as that many': `SELECT n, count(*) FROM (SELECT count(*) AS n FROM app.sessions GROUP BY person_id) t GROUP BY 1 ORDER BY 1`,
  'events from the address of somebody’s session, by kind': `SELECT e.kind, count(*), count(DISTINCT s.person_id) AS people FROM audit.events e JOIN app.sessions s ON s.address = e.address GROUP BY 1 ORDER BY 1`,
  'addresses that sessions and events share': `SELECT count(*) FROM (SELECT address FROM app.sessions INTERSECT SELECT address FROM audit.events) t`,
  'events of each kind by people of each plan': `SELECT e.kind, c.plan, count(*) FROM audit.events e JOIN app.people p ON p.id = e.actor_id JOIN app.customers c ON c.id = p.customer_id GROUP BY 1, 2 ORDER BY 1, 2`,
  'authors who work for the customer of the document': `SELECT count(*) FROM app.documents d JOIN app.people p ON p.id = d.author_id AND p.customer_id = d.customer_id`,
  'documents that their author reviews': `SELECT count(*) FROM app.documents WHERE body -> 'reviewers' @> to_jsonb(author_id)`,
  'reviewers in documents who are people': `SELECT count(*) AS reviewers, count(p.id) AS people FROM app.documents d, jsonb_array_elements_text(d.body -> 'reviewers') r LEFT JOIN app.people p ON p.id = r::bigint`,
  'documents with long sections, by kind': `SELECT body ->> 'kind', count(*) FROM app.documents WHERE jsonb_path_exists(body, '$.sections[*] ? (@.title != "")') GROUP BY 1 ORDER BY 1`,
  'documents tagged urgent, by language': `SELECT body ->> 'language', count(*) FROM app.documents WHERE tags @> ARRAY['urgent'] GROUP BY 1 ORDER BY 1`,
  'documents found by a word of their title': `SELECT count(*) FROM app.documents WHERE to_tsvector('simple', title) @@ to_tsquery('simple', 'de | the | la')`,
  'leads who are people by now, by e-mail': `SELECT count(*) AS leads, count(p.id) AS matches, count(DISTINCT p.id) AS people FROM app.leads l LEFT JOIN app.people p ON p.email::text = lower(l.email)`,
  'leads by the address in their document': `SELECT count(*) FROM app.leads l JOIN app.people p ON p.email::text = l.contact ->> 'mail'`,
  'leads invited under their own address': `SELECT count(*) AS addresses, count(p.id) AS people FROM app.leads l, unnest(l.invited) AS address LEFT JOIN app.people p ON p.email::text = address`,
  'people of one e-mail address': `SELECT n, count(*) FROM (SELECT count(*) AS n FROM app.people GROUP BY email) t GROUP BY 1 ORDER BY 1`,
  'telephone numbers that several people share': `SELECT count(*) FROM (SELECT FROM app.people GROUP BY phone HAVING count(*) > 1) t`,
  'towns with several people': `SELECT n, count(*) FROM (SELECT count(*) AS n FROM app.people GROUP BY city) t GROUP BY 1 ORDER BY 1`,
  'the view of active customers': `SELECT name, plan, people FROM app.active_customers ORDER BY 1, 2, 3`,
};

/** Joined on what production writes in several ways, so that only the copy has one form of it. */
const canonical = new Set(['leads by the address in their document']);

describe('queries of the application', () => {
  it.each(Object.entries(queries).filter(([name]) => !canonical.has(name)))('%s: as in production', async (_, sql) => {
    const [there, here] = [await production.query(sql), await copy.query(sql)];
    expect(there.rowCount).toBeGreaterThan(0);
    expect(Object.values(there.rows[0]).some((value) => value !== '0' && value !== null)).toBe(true);
    expect(here.rows).toEqual(there.rows);
  });

  it('finds an address however production writes it', async () => {
    const wanted = `SELECT count(*) FROM app.leads l JOIN app.people p ON p.email::text = lower(trim(l.contact ->> 'mail'))`;
    const there = await production.query(wanted);
    expect(Number(there.rows[0].count)).toBeGreaterThan(20);
    expect((await production.query(queries['leads by the address in their document']!)).rows[0].count).toBe('0');
    expect((await copy.query(queries['leads by the address in their document']!)).rows).toEqual(there.rows);
  });

  it('by what somebody is looked up with: of each person, in each table', async () => {
    // The same person in both: what is kept of documents ties the two databases together.
    const profile = `
      SELECT p.created_at::text, p.language, c.name,
        (SELECT count(*)::int FROM app.sessions s WHERE s.person_id = p.id) AS sessions,
        (SELECT array_agg(d.id ORDER BY d.id) FROM app.documents d WHERE d.author_id = p.id) AS documents,
        (SELECT array_agg(e.id ORDER BY e.id) FROM audit.events e WHERE e.actor_id = p.id) AS events,
        (SELECT array_agg(i.number ORDER BY i.number) FROM billing.invoices i WHERE i.customer_id = p.customer_id) AS invoices,
        (SELECT count(*)::int FROM app.people o WHERE o.email = p.email) AS "sameEmail"
      FROM app.people p JOIN app.customers c ON c.id = p.customer_id ORDER BY p.created_at, 2, 3`;
    const [there, here] = [await production.query(profile), await copy.query(profile)];
    expect(here.rows).toEqual(there.rows);
    expect(there.rows.length).toBe(80);
    const ids = 'SELECT id FROM app.people WHERE id NOT IN (SELECT person_id FROM app.sessions) OR id > 0';
    const originals = new Set((await production.query(ids)).rows.map(({ id }) => id));
    // A permutation of 2^31 numbers: 80 of them hit 80 small ones with a probability of 3 in a million.
    expect((await copy.query(ids)).rows.filter(({ id }) => originals.has(id))).toEqual([]);
  });
});

it('is refused when what refers is mapped otherwise than what it refers to', async () => {
  const { lockFile } = settings;
  const other = { ...settings, lockFile: join(directory, 'other.lock.yaml') };
  await copyFile(lockFile, other.lockFile);
  await changeLock(other.lockFile, (lock) => {
    const sessions = new Map(lock.tables.get('app.sessions'));
    const entry = sessions.get('person_id')!;
    sessions.set('person_id', { ...entry, rule: { kind: 'id', options: {}, domain: 'somebody' } });
    return { ...lock, tables: new Map([...lock.tables, ['app.sessions', sessions]]) };
  });
  const { problems } = await planCopy(other);
  const errors = problems.filter(({ severity }) => severity === 'error');
  expect(errors.map(({ item }) => item)).toEqual(['app.sessions.person_id']);
  await expect(copyDatabase(other)).rejects.toMatchObject({ code: 'config' });
});
