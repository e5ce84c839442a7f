import { createHash } from 'node:crypto';
import type { Clock } from '../../../base/clock.ts';
import { HoldfastError, isHoldfastError } from '../../../base/errors.ts';
import { formatDuration } from '../../../base/units.ts';
import { fromPathText } from '../../../sources/files/byte-text.ts';
import { entriesOf } from '../../../sources/files/entries.ts';
import type { PostgresConnection } from '../../../sources/postgres/connection.ts';
import { copyIn } from '../../../sources/postgres/copy-in.ts';
import { openSession, type Session } from '../../../sources/postgres/session.ts';
import type { Check, ManifestLine } from '../../../sources/source.ts';
import type { VerifyCheck } from '../report.ts';
import { type Answer, ask } from './question.ts';
import { type Reference, referenceCheck, rowsQuery } from './reference.ts';
import { statementProblem } from './statement-problem.ts';

/**
 * Holds rows that name files against the snapshot of a tree. The list of files goes into the scratch database and is compared
 * there: no path and no hash of a row ever leaves the server.
 */

/** The snapshot of a tree that belongs to that of the database. */
export interface TreeSnapshot {
  /** Milliseconds since the epoch. */
  time: number;
  /** Its manifest, which names every file with its size and SHA-256. */
  lines(): AsyncIterable<ManifestLine>;
}

export interface ReferencesInput {
  /** To the restored database. */
  connection: PostgresConnection;
  /** When the database's snapshot was made; milliseconds since the epoch. */
  snapshotTime: number;
  /** Opens the snapshot of a tree that is nearest in time. */
  tree(source: string): Promise<TreeSnapshot>;
  clock: Clock;
  signal: AbortSignal;
}

/** The one that is nearest in time, of equally near ones the later; undefined of none. */
export function nearestOf<Snapshot extends { time: string }>(
  snapshots: readonly Snapshot[],
  time: number,
): Snapshot | undefined {
  const distance = (snapshot: Snapshot) => Math.abs(Date.parse(snapshot.time) - time);
  return snapshots.reduce<Snapshot | undefined>(
    (best, each) => (best === undefined || distance(each) <= distance(best) ? each : best),
    undefined,
  );
}

/** One check for each, one after the other. @throws the signal's reason when aborted */
export async function checkReferences(
  input: ReferencesInput,
  references: readonly Reference[],
): Promise<VerifyCheck[]> {
  const checks: VerifyCheck[] = [];
  for (const reference of references) {
    checks.push(await ask({ ...referenceCheck(reference), ...input }, () => examine(input, reference)));
  }
  return checks;
}

async function examine(input: ReferencesInput, reference: Reference): Promise<Answer> {
  const { connection, snapshotTime, signal } = input;
  const tree = await input.tree(reference.files);
  await using session = await openSession(connection, {
    applicationName: 'holdfast verify',
    signal,
    failure: 'could-not-verify',
  });
  const root = await loadFiles(session, tree);
  let counts: Counts;
  try {
    counts = await compareRows(session, reference, root);
  } catch (error) {
    signal.throwIfAborted();
    if (isHoldfastError(error)) throw error;
    return statementProblem(error, reference.timeoutMs);
  }
  return answerOf(reference, counts, tree.time - snapshotTime);
}

const filesTable = 'pg_temp.holdfast_files';
const emptySha256 = createHash('sha256').digest('hex');

/** Fills a temporary table: path and SHA-256 of each regular file. @returns the directory of the tree */
async function loadFiles(session: Session, tree: TreeSnapshot): Promise<Buffer> {
  await session.run(
    `CREATE TEMPORARY TABLE holdfast_files (path bytea, sha256 text, first bytea)`,
    'Could not make a temporary table for the list of files.',
  );
  let root: Buffer | undefined;
  try {
    await copyIn(
      session,
      `COPY ${filesTable} FROM STDIN`,
      copyText(tree, (path) => {
        root = path;
      }),
    );
  } catch (error) {
    throw session.fail(error, 'Could not load the list of files into the scratch database.');
  }
  // All but the first of a set of hard links refer to it.
  await session.run(
    `UPDATE ${filesTable} f SET sha256 = g.sha256 FROM ${filesTable} g WHERE g.path = f.first AND f.first IS NOT NULL;
     CREATE UNIQUE INDEX ON ${filesTable} (path); ANALYZE ${filesTable}`,
    'Could not load the list of files into the scratch database.',
  );
  return root ?? Buffer.alloc(0);
}

const batchBytes = 256 * 1024;

async function* copyText(tree: TreeSnapshot, atRoot: (path: Buffer) => void): AsyncGenerator<Buffer> {
  const bytea = (path: string) => `\\\\x${Buffer.from(path, 'latin1').toString('hex')}`;
  let text = '';
  const entries = entriesOf(tree.lines(), ({ path }) => atRoot(Buffer.from(fromPathText(path), 'latin1')));
  for await (const { path, line } of entries) {
    if (line.kind !== 'file') continue;
    const first = line.hardLinkOf === undefined ? '\\N' : bytea(fromPathText(line.hardLinkOf));
    const sha256 = line.stream?.sha256 ?? (line.hardLinkOf === undefined ? emptySha256 : '\\N');
    text += `${bytea(path)}\t${sha256}\t${first}\n`;
    if (text.length < batchBytes) continue;
    yield Buffer.from(text, 'latin1');
    text = '';
  }
  if (text !== '') yield Buffer.from(text, 'latin1');
}

interface Counts {
  rows: number;
  /** Of all rows, those that name no file; whose file is not there; whose file has another hash. */
  withoutPath: number;
  missing: number;
  otherHash: number;
  /** Of those whose file is there: no hash to compare, and one that is none. */
  withoutHash: number;
  unreadableHash: number;
  hasHashes: boolean;
}

/** @throws whatever the server throws */
async function compareRows(session: Session, reference: Reference, root: Buffer): Promise<Counts> {
  await session.client.query(
    `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = ${Math.ceil(reference.timeoutMs)};
     SET LOCAL work_mem = '64MB'`,
  );
  // As one prepared statement, so that a query cannot be several; then what it has for columns is known without running it.
  const sql = rowsQuery(reference.rows).replace(/;\s*$/, '');
  const fields = await session.client.query({ text: `SELECT * FROM (${sql}\n) q LIMIT 0`, queryMode: 'extended' } as {
    text: string;
  });
  const count = fields.fields.length;
  if (count < 1 || count > 2) {
    throw new HoldfastError('could-not-verify', `The query has ${count} columns.`, {
      why: 'Expected are the path, and beside it the SHA-256 if there is one.',
    });
  }
  const hasHashes = count === 2;
  // `\x…` as text, hex, base64, with a prefix or not; a bytea column comes as `\x…`.
  const { rows } = await session.client.query<Record<keyof Omit<Counts, 'hasHashes'>, string>>({
    text: `
    WITH named AS (
      SELECT q.path, ${hasHashes ? `btrim(q.hash::text)` : 'NULL::text'} AS hash
      FROM (${sql}\n) q (path${hasHashes ? ', hash' : ''})
    ), keyed AS (
      SELECT path IS NULL AS nothing, hash, ${keyExpression(reference, root, fields.fields[0]!.dataTypeID)} AS key FROM named
    ), stated AS (
      SELECT nothing, key, hash, CASE
        WHEN lower(hash) ~ '^(sha-?256[:=-])?(\\\\x)?[0-9a-f]{64}$' THEN right(lower(hash), 64)
        WHEN hash ~ '^(sha-?256[:=-])?[A-Za-z0-9+/]{43}=$' THEN encode(decode(right(hash, 44), 'base64'), 'hex') END AS sha256
      FROM keyed
    )
    SELECT count(*)::text AS "rows",
           count(*) FILTER (WHERE nothing)::text AS "withoutPath",
           count(*) FILTER (WHERE NOT nothing AND f.path IS NULL)::text AS "missing",
           count(*) FILTER (WHERE f.path IS NOT NULL AND s.sha256 <> f.sha256)::text AS "otherHash",
           count(*) FILTER (WHERE f.path IS NOT NULL AND s.hash IS NULL)::text AS "withoutHash",
           count(*) FILTER (WHERE f.path IS NOT NULL AND s.hash IS NOT NULL AND s.sha256 IS NULL)::text AS "unreadableHash"
    FROM stated s LEFT JOIN ${filesTable} f ON f.path = s.key`,
  });
  const found = rows[0]!;
  return {
    rows: Number(found.rows),
    withoutPath: Number(found.withoutPath),
    missing: Number(found.missing),
    otherHash: Number(found.otherHash),
    withoutHash: hasHashes ? Number(found.withoutHash) : 0,
    unreadableHash: Number(found.unreadableHash),
    hasHashes,
  };
}

const byteaOid = 17;

/** From a row's path to that of the tree, as bytes. What does not begin as it should leads nowhere, so its file is missing. */
function keyExpression({ strip, prepend }: Reference, root: Buffer, type: number): string {
  // In the session's encoding: UTF-8, or of a database without one the bytes as they are.
  const bytes = type === byteaOid ? 'path' : 'textsend(path::text)';
  const literal = (value: Buffer) => `'\\x${value.toString('hex')}'::bytea`;
  const prefix = strip === undefined ? Buffer.concat([root, Buffer.from('/')]) : Buffer.from(strip);
  const begins = `substring(${bytes} FROM 1 FOR ${prefix.length}) = ${literal(prefix)}`;
  const rest = `substring(${bytes} FROM ${prefix.length + 1})`;
  const otherwise = strip === undefined ? ` ELSE ${bytes}` : '';
  const inside = `CASE WHEN ${begins} THEN ${rest}${otherwise} END`;
  const start = (prepend ?? '').replace(/\/+$/, '');
  return start === '' ? inside : `${literal(Buffer.from(`${start}/`))} || ${inside}`;
}

function answerOf(reference: Reference, counts: Counts, apartMs: number): Answer {
  const { rows, withoutPath, missing, otherHash, withoutHash, unreadableHash, hasHashes } = counts;
  const object = reference.name;
  const findings: Check[] = [];
  const differs = (detail: string) => findings.push({ kind: 'reference', object, verdict: 'differs', detail });
  if (missing > reference.missing) {
    const allowed = reference.missing === 0 ? '' : `; ${reference.missing} may`;
    differs(`${rowsText(missing)} a file that is not in the snapshot of ${reference.files}${allowed}.`);
  }
  if (otherHash > 0) differs(`${rowsText(otherHash)} a file whose content has another SHA-256.`);
  if (unreadableHash > 0) differs(`${rowsText(unreadableHash)} a file, with something beside it that is no SHA-256.`);
  const figures = {
    rows,
    withoutPath,
    missing,
    ...(hasHashes ? { otherHash, withoutHash, unreadableHash } : {}),
    apartMs: Math.abs(apartMs),
  };
  const apart =
    `The snapshot of ${reference.files} was made ` +
    (Math.abs(apartMs) < 1000
      ? 'at the same time.'
      : `${formatDuration(Math.abs(apartMs))} ${apartMs < 0 ? 'before' : 'after'} this one.`);
  const named = rows - withoutPath;
  const equal = Math.max(0, named - missing - otherHash - unreadableHash);
  if (findings.length > 0) {
    return { equal, figures, findings, why: [...findings.map(({ detail }) => detail), apart].join(' ') };
  }
  // Nothing was compared, and nothing is no pass.
  if (named === 0) return { verdict: 'could-not-verify', figures, why: 'No row names a file.' };
  const notes = [
    withoutHash > 0
      ? `${withoutHash === 1 ? 'One row has' : `${withoutHash} rows have`} no SHA-256 beside the path; of ${withoutHash === 1 ? 'it' : 'those'} only that the file is there was compared.`
      : undefined,
    missing > 0 ? `${rowsText(missing)} a file that is not there, which the configuration allows.` : undefined,
  ].filter((note) => note !== undefined);
  return { equal, figures, ...(notes.length > 0 ? { why: [...notes, apart].join(' ') } : {}) };
}

function rowsText(count: number): string {
  return count === 1 ? 'One row names' : `${count} rows name`;
}
