import { createHash, randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/base/errors.ts';
import type { HoldfastEvent } from '../../src/base/events.ts';
import {
  copyLargeObjects,
  type LargeObjectReport,
  type LargeObjectRule,
} from '../../src/jobs/pseudonymize/copy-large-objects.ts';
import { detectType } from '../../src/pseudonyms/files/detect.ts';
import { placeholder } from '../../src/pseudonyms/files/placeholder.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import { makeTransformer } from '../../src/pseudonyms/registry.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';
import { openSession, type Session } from '../../src/sources/postgres/session.ts';
import { useCluster } from '../support/postgres.ts';

const cluster = useCluster();
const key = new PseudonymKey(Buffer.alloc(32, 7));
const MiB = 1024 * 1024;
const secret = 'Jean Dupont, 12 rue des Lilas';
const large = Buffer.concat([Buffer.from(`%PDF-1.7\n${secret}\n`), randomBytes(20 * MiB + 4711)]);

/** By oid: the least, ones at the edges of pieces, and the greatest of all. */
const contents = new Map<number, Buffer>([
  [1, Buffer.alloc(0)],
  [20_001, placeholder('docx', { seed: '0123456789abcdef' })],
  [20_002, Buffer.from(`${secret}\n`)],
  [20_003, randomBytes(64 * 1024 - 1)],
  [20_004, randomBytes(64 * 1024)],
  [20_005, randomBytes(64 * 1024 + MiB)],
  [20_006, large],
  [4_294_967_295, Buffer.from('%PDF-1.4 at the end')],
]);
let source: PostgresConnection;
let copies = 0;

beforeAll(async () => {
  source = await cluster.createDatabase('with_objects');
  const client = await cluster.client('with_objects');
  await client.query('CREATE ROLE reader');
  for (const [oid, content] of contents) await client.query('SELECT lo_from_bytea($1, $2)', [oid, content]);
  await client.query(`COMMENT ON LARGE OBJECT 20002 IS '${secret}'; GRANT SELECT ON LARGE OBJECT 20002 TO reader`);
  await client.query('ALTER LARGE OBJECT 20003 OWNER TO reader');
  // A hole in the middle, which reads as zeros.
  await client.query('SELECT lo_create(20007)');
  await client.query(`SELECT lo_put(20007, ${3 * MiB}, 'end')`);
  contents.set(20_007, Buffer.concat([Buffer.alloc(3 * MiB), Buffer.from('end')]));
  await client.query(
    `SELECT lo_from_bytea(30000 + n, convert_to('object ' || n, 'UTF8')) FROM generate_series(1, 300) AS n`,
  );
  for (let n = 1; n <= 300; n++) contents.set(30_000 + n, Buffer.from(`object ${n}`));
});

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function copy(rule: LargeObjectRule, during?: () => Promise<unknown>) {
  const name = `copy_${++copies}`;
  const target = await cluster.createDatabase(name);
  const events: HoldfastEvent[] = [];
  await using session = await openSession(source, { applicationName: 'test' });
  await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await session.query('SELECT 1');
  await during?.();
  const report: LargeObjectReport = await copyLargeObjects({
    source: session,
    target,
    rule,
    key,
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
  });
  const client = await cluster.client(name);
  return { report, client, events };
}

/** Of every object of a database: its hash by its oid. */
async function hashes(client: Awaited<ReturnType<typeof cluster.client>>): Promise<Map<number, string>> {
  const { rows } = await client.query<{ oid: number; sha: string }>(
    `SELECT oid, encode(sha256(lo_get(oid)), 'hex') AS sha FROM pg_largeobject_metadata ORDER BY oid`,
  );
  return new Map(rows.map(({ oid, sha }) => [oid, sha]));
}

const expected = () => new Map([...contents].sort(([a], [b]) => a - b).map(([oid, bytes]) => [oid, sha256(bytes)]));

describe('large objects', () => {
  it('that are kept have their oids and contents as of the snapshot, without comments, owners and rights', async () => {
    const { report, client, events } = await copy('keep', async () => {
      const writer = await cluster.client('with_objects');
      await writer.query(`SELECT lo_put(20002, 0, 'changed'); SELECT lo_from_bytea(50000, 'new')`);
    });
    const writer = await cluster.client('with_objects');
    await writer.query(`SELECT lo_unlink(20002); SELECT lo_unlink(50000)`);
    await writer.query('SELECT lo_from_bytea(20002, $1)', [contents.get(20_002)]);
    await writer.query(`COMMENT ON LARGE OBJECT 20002 IS '${secret}'`);

    expect(await hashes(client)).toEqual(expected());
    const bytes = [...contents.values()].reduce((sum, { length }) => sum + length, 0);
    expect(report).toEqual({ objects: contents.size, bytes });
    const { rows } = await client.query(
      `SELECT count(*) FILTER (WHERE lomacl IS NOT NULL)::int AS rights, count(*) FILTER (WHERE pg_get_userbyid(lomowner) <> current_user)::int AS others,
         (SELECT count(*)::int FROM pg_description WHERE classoid = 'pg_largeobject'::regclass) AS comments FROM pg_largeobject_metadata`,
    );
    expect(rows).toEqual([{ rights: 0, others: 0, comments: 0 }]);
    const last = events.filter(({ type }) => type === 'progress').at(-1);
    expect(last).toMatchObject({ done: contents.size, total: contents.size, unit: 'items' });
  });

  it('that are dropped stay as empty objects', async () => {
    const { report, client } = await copy('drop');
    expect(report).toEqual({ objects: contents.size, bytes: 0 });
    const found = await hashes(client);
    expect([...found.keys()]).toEqual([...expected().keys()]);
    expect([...new Set(found.values())]).toEqual([sha256(Buffer.alloc(0))]);
  });

  it('become placeholders of their type, those that a column would get, and nothing of them is left', async () => {
    const { client } = await copy('file');
    const { rows } = await client.query<{ oid: number; content: Buffer }>(
      'SELECT oid, lo_get(oid) AS content FROM pg_largeobject_metadata ORDER BY oid',
    );
    expect(rows.map(({ oid }) => oid)).toEqual([...expected().keys()]);
    const run = makeTransformer({ kind: 'file' }).prepare({
      key: key.domain('file'),
      column: { name: 's.t.c', type: 'bytea', nullable: true, unique: false },
    });
    for (const { oid, content } of rows) {
      const original = contents.get(oid)!;
      expect(detectType(content)).toBe(detectType(original));
      expect(content.includes(secret)).toBe(false);
      const out: Cell[] = [];
      run([`\\x${original.toString('hex')}`], out);
      expect(out[0]).toBe(`\\x${content.toString('hex')}`);
    }
    expect(detectType(rows.find(({ oid }) => oid === 20_006)!.content)).toBe('pdf');
  });

  it('go through little memory', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const held = () => {
      // What was freed in one round is only counted as free after the next.
      collect();
      collect();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const target = await cluster.createDatabase(`copy_${++copies}`);
    await using session = await openSession(source, { applicationName: 'test' });
    await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const before = held();
    let most = 0;
    let ranges = 0;
    // Looks at what is still held whenever a range is asked for.
    const watched: Session = new Proxy(session, {
      get(of, name) {
        if (name !== 'query') return Reflect.get(of, name, of);
        return async (text: string, values?: unknown[], what?: string) => {
          const rows = await of.query(text, values, what);
          if (values?.[0] === 20_006) {
            if (++ranges % 5 === 1) most = Math.max(most, held());
          }
          return rows;
        };
      },
    });
    const signal = new AbortController().signal;
    await copyLargeObjects({ source: watched, target, rule: 'keep', key, emit: () => {}, signal });
    expect(ranges).toBeGreaterThan(19);
    // As text, which is how it comes, the whole of it would be 40 MiB.
    expect(most - before).toBeLessThan(8 * MiB);
  });

  it('end with an error that tells no content when an oid is taken, or one may not be read', async () => {
    const name = `copy_${++copies}`;
    const target = await cluster.createDatabase(name);
    const client = await cluster.client(name);
    await client.query('SELECT lo_create(20002)');
    const signal = new AbortController().signal;
    await using session = await openSession(source, { applicationName: 'test' });
    await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const settings = { target, rule: 'keep', key, emit: () => {}, signal } as const;
    const failed = await copyLargeObjects({ ...settings, source: session }).catch((error) => error);
    expect(isHoldfastError(failed, 'target-failed')).toBe(true);
    expect(`${failed.message}${failed.why}${failed.hint}${JSON.stringify(failed)}`).not.toContain('Dupont');
    // Nothing of the batch is left.
    expect((await hashes(client)).size).toBe(1);

    const admin = await cluster.client('with_objects');
    await admin.query('CREATE ROLE stranger LOGIN');
    await using stranger = await openSession({ ...source, user: 'stranger' }, { applicationName: 'test' });
    await stranger.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const denied = await copyLargeObjects({ ...settings, source: stranger }).catch((error) => error);
    expect(isHoldfastError(denied, 'source-failed')).toBe(true);
  });

  it('are none where there are none', async () => {
    const empty = await cluster.createDatabase('without_objects');
    await using session = await openSession(empty, { applicationName: 'test' });
    const settings = { source: session, target: { ...empty, port: 1 }, rule: 'keep', key } as const;
    const report = await copyLargeObjects({ ...settings, emit: () => {}, signal: new AbortController().signal });
    expect(report).toEqual({ objects: 0, bytes: 0 });
  });
});
