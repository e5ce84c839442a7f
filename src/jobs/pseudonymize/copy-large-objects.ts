/** Large objects of a pseudonymized copy. They keep their oids, which columns hold; owners, rights and comments stay behind. */
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import type { Emit } from '../../base/events.ts';
import { MiB } from '../../base/units.ts';
import { detectionBytes, detectType } from '../../pseudonyms/files/detect.ts';
import { fileDomain, fileSeed, placeholder } from '../../pseudonyms/files/placeholder.ts';
import type { PseudonymKey } from '../../pseudonyms/keys.ts';
import type { PostgresConnection } from '../../sources/postgres/connection.ts';
import { openSession, type Session } from '../../sources/postgres/session.ts';

/**
 * What becomes of their content: it stays, it goes, or a valid file of the same type takes its place. Also of those that go an
 * object stays, with nothing in it: an application that opens it finds it empty and not an error.
 */
export type LargeObjectRule = 'keep' | 'drop' | 'file';

export interface LargeObjectSettings {
  /** In the transaction that holds the snapshot. */
  source: Session;
  /** The database of the copy, in which none of the oids is taken. */
  target: PostgresConnection;
  rule: LargeObjectRule;
  /** Of this copy. */
  key: PseudonymKey;
  emit: Emit;
  signal: AbortSignal;
}

export interface LargeObjectReport {
  objects: number;
  /** Of contents written. */
  bytes: number;
}

/** Objects that are read in one statement, and made in one transaction. */
const batchObjects = 64;
/** Bytes of one range of a large one. In memory there are few times as many, and a whole batch at most `batchObjects` × 64 KiB. */
const rangeBytes = 1 * MiB;

const what = {
  list: 'Could not list the large objects.',
  read: 'Could not read the large objects.',
  write: 'Could not make the large objects in the copy.',
};

/**
 * Copies all large objects. What was made before an error stays in the target, which is the caller's to remove.
 *
 * @throws HoldfastError `source-failed`, also when this role may not read one; `target-failed`
 */
export async function copyLargeObjects(settings: LargeObjectSettings): Promise<LargeObjectReport> {
  const { source, rule, key, emit, signal } = settings;
  const report: LargeObjectReport = { objects: 0, bytes: 0 };
  const [count] = await source.query<{ total: string }>(
    'SELECT count(*)::text AS total FROM pg_catalog.pg_largeobject_metadata',
    [],
    what.list,
  );
  const total = Number(count!.total);
  if (total === 0) return report;
  await using target = await openSession(settings.target, {
    applicationName: 'holdfast pseudonymize',
    failure: 'target-failed',
    signal,
  });
  const seedOf = fileSeed(key.domain(fileDomain));
  emit({ type: 'step', text: 'Copying large objects' });
  for (let after = -1; ; ) {
    signal.throwIfAborted();
    const heads = await readHeads(source, after, rule);
    if (heads.length === 0) break;
    const small: { oid: number; content: Buffer }[] = [];
    const large: { oid: number; head: Buffer }[] = [];
    for (const { oid, head } of heads) {
      if (rule === 'keep' && head.length === detectionBytes) large.push({ oid, head });
      else if (rule === 'keep') small.push({ oid, content: head });
      else if (rule === 'file' && head.length > 0)
        small.push({ oid, content: placeholder(detectType(head), { seed: seedOf(head) }) });
      else small.push({ oid, content: Buffer.alloc(0) });
    }
    await target.run('BEGIN', what.write);
    report.bytes += await make(target, small);
    for (const { oid, head } of large) report.bytes += await copyInRanges(settings, target, oid, head);
    await target.run('COMMIT', what.write);
    report.objects += heads.length;
    after = heads.at(-1)!.oid;
    emit({ type: 'progress', activity: 'Copying large objects', done: report.objects, total, unit: 'items' });
  }
  if (report.objects !== total)
    throw new HoldfastError('source-failed', 'The large objects changed while they were read.', {
      why: `There were ${total}, and ${report.objects} came.`,
      hint: 'Run it again.',
    });
  return report;
}

/** The next objects by oid, each with its beginning; that is empty where the rule does not look at it. */
async function readHeads(
  source: Session,
  after: number,
  rule: LargeObjectRule,
): Promise<{ oid: number; head: Buffer }[]> {
  const head = rule === 'drop' ? `''::pg_catalog.bytea` : `pg_catalog.lo_get(oid, 0, ${detectionBytes})`;
  // OFFSET 0 keeps lo_get above the limit, so that no object is read twice.
  return source.query<{ oid: number; head: Buffer }>(
    `SELECT oid, ${head} AS head
     FROM (SELECT oid FROM pg_catalog.pg_largeobject_metadata WHERE oid::pg_catalog.int8 > $1 ORDER BY oid LIMIT ${batchObjects} OFFSET 0) AS o
     ORDER BY oid`,
    [after],
    what.read,
  );
}

async function make(target: Session, objects: readonly { oid: number; content: Buffer }[]): Promise<number> {
  if (objects.length === 0) return 0;
  const calls = objects.map((_, i) => `pg_catalog.lo_from_bytea($${2 * i + 1}, $${2 * i + 2})`);
  const values = objects.flatMap(({ oid, content }) => [oid, content]);
  await write(target, `SELECT ${calls.join(', ')}`, values);
  return objects.reduce((sum, { content }) => sum + content.length, 0);
}

async function copyInRanges(
  { source, signal }: LargeObjectSettings,
  target: Session,
  oid: number,
  head: Buffer,
): Promise<number> {
  await make(target, [{ oid, content: head }]);
  for (let at = head.length; ; ) {
    signal.throwIfAborted();
    const [row] = await source.query<{ content: Buffer }>(
      'SELECT pg_catalog.lo_get($1, $2, $3) AS content',
      [oid, at, rangeBytes],
      what.read,
    );
    const { content } = row!;
    if (content.length > 0) await write(target, 'SELECT pg_catalog.lo_put($1, $2, $3)', [oid, at, content]);
    at += content.length;
    if (content.length < rangeBytes) return at;
  }
}

/** An error tells nothing of the content: pg attaches no parameters, and the server's message names an oid at most. */
async function write(target: Session, statement: string, values: unknown[]): Promise<void> {
  try {
    await target.query(statement, values, what.write);
  } catch (error) {
    if (isHoldfastError(error, 'target-failed')) await target.run('ROLLBACK').catch(() => {});
    throw error;
  }
}
