import { delimiter } from 'node:path';
import { execa } from 'execa';
import { HoldfastError } from '../../../base/errors.ts';
import { listBinaries } from '../../../sources/postgres/binaries.ts';
import { libpqEnvironment, type PostgresConnection } from '../../../sources/postgres/connection.ts';
import { openSession, type Session } from '../../../sources/postgres/session.ts';
import { programOptions } from '../../../sources/postgres/session-settings.ts';
import type { Check } from '../../../sources/source.ts';
import type { Answer } from './question.ts';

/**
 * What pg_amcheck says of the heap and the B-trees of a restored database. A row that can be read is not a page that is sound:
 * this looks below the rows.
 */

/**
 * `quick`: every page of tables and TOAST, and the order of every B-tree. `full`: also that every row is in its indexes, and
 * that every level of a B-tree fits the one above; that reads everything several times.
 */
export type AmcheckDepth = 'quick' | 'full';

export interface AmcheckInput {
  /** To the restored database, as a superuser. */
  connection: PostgresConnection;
  depth: AmcheckDepth;
  /** Relations looked at at the same time. */
  jobs: number;
  /** Directory of the server's own programs, where to look first. */
  binaries?: string | undefined;
  /** Only its PATH is read, to find the program. */
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
}

/** Missing parts are no failure of the database; `why` says what is missing. */
export type AmcheckTools = { program: string } | { missing: string };

const applicationName = 'holdfast verify';
/** Findings that a report names; the figures count all. */
const namedFindings = 50;

/** Whether the server and this machine have what it takes. @throws HoldfastError when the server cannot be asked */
export async function findAmcheck({ connection, binaries, env, signal }: AmcheckInput): Promise<AmcheckTools> {
  await using session = await openSession(connection, { applicationName, signal, failure: 'could-not-verify' });
  const major = Math.floor(session.serverVersion / 10_000);
  if (major < 14) return { missing: `PostgreSQL ${major} is too old for pg_amcheck.` };
  if (!session.superuser) return { missing: 'It takes a superuser of the scratch server.' };
  const [row] = await session.query<{ available: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'amcheck') AS available`,
    [],
    'Could not look for the extension amcheck.',
  );
  if (!row!.available)
    return { missing: 'The scratch server does not have the extension amcheck (package postgresql-contrib).' };
  const found = await listBinaries({
    programs: ['pg_amcheck'],
    path: [binaries, env.PATH].filter(Boolean).join(delimiter),
  });
  const best = found.find((each) => each.major === major) ?? found.findLast((each) => each.major > major);
  if (best === undefined)
    return {
      missing: `pg_amcheck ${major} is not installed (package postgresql-client-${major}, or postgresql-${major}).`,
    };
  return { program: `${best.directory}/pg_amcheck` };
}

/**
 * Runs it. The extension is put in for that time, and taken out again.
 *
 * @throws HoldfastError `could-not-verify` when it does not run to its end; the signal's reason when aborted
 */
export async function runAmcheck(input: AmcheckInput, program: string): Promise<Answer> {
  const { connection, depth, jobs, signal } = input;
  await using session = await openSession(connection, { applicationName, signal, failure: 'could-not-verify' });
  const relations = await countRelations(session);
  await using _ = await withExtension(session);
  const child = await execa(
    program,
    [
      '--no-password',
      `--jobs=${jobs}`,
      ...(depth === 'full' ? ['--heapallindexed', '--parent-check'] : []),
      // A connection string, so that the database's name is taken for nothing else.
      `dbname='${connection.database.replace(/[\\']/g, '\\$&')}'`,
    ],
    {
      extendEnv: false,
      env: {
        ...(input.env.PATH === undefined ? {} : { PATH: input.env.PATH }),
        ...libpqEnvironment(session.connection),
        PGAPPNAME: applicationName,
        PGOPTIONS: programOptions(session.serverVersion, session.encoding),
        LC_ALL: 'C',
      },
      stdin: 'ignore',
      reject: false,
      cancelSignal: signal,
      forceKillAfterDelay: 1_000,
      stripFinalNewline: false,
      maxBuffer: 16 * 1024 * 1024,
    },
  );
  signal.throwIfAborted();
  const all = readReport(child.stdout, connection.database);
  // 0: nothing found; 2: something; anything else: it did not come to its end, whatever it had found until then.
  const ended = child.exitCode === 0 || child.exitCode === 2;
  if (!ended && all.length === 0) throw didNotRun(child.exitCode);
  if (child.exitCode === 2 && all.length === 0) {
    all.push({ kind: 'relation', object: 'the database', verdict: 'differs', detail: 'It reports corruption.' });
  }
  const findings = all.slice(0, namedFindings);
  const unfinished = ended ? undefined : 'pg_amcheck ended before its end; there may be more.';
  const more = all.length > findings.length ? `The first ${findings.length} of ${all.length} are named.` : undefined;
  const broken = new Set(all.map(({ object }) => object)).size;
  const why =
    all.length === 0
      ? undefined
      : [`pg_amcheck reports corruption of ${broken === 1 ? all[0]!.object : `${broken} relations`}.`, more, unfinished]
          .filter(Boolean)
          .join(' ');
  return {
    equal: ended ? Math.max(0, relations - broken) : 0,
    figures: { relations, reports: all.length },
    findings,
    why,
  };
}

function didNotRun(status: number | undefined): HoldfastError {
  return new HoldfastError('could-not-verify', 'pg_amcheck did not come to its end.', {
    why: status === undefined ? 'It could not be started, or was ended.' : `It ended with status ${status}.`,
    hint: 'Run it by hand on what `verify --keep` leaves, or set `verify.amcheck: off`.',
  });
}

/** Tables, TOAST and B-trees, the server's own among them. */
async function countRelations(session: Session): Promise<number> {
  const [row] = await session.query<{ count: number }>(
    `SELECT count(*)::int4 AS count FROM pg_class c LEFT JOIN pg_am a ON a.oid = c.relam
     WHERE c.relpersistence <> 't' AND (c.relkind IN ('r', 'm', 't') OR c.relkind = 'i' AND a.amname = 'btree')`,
    [],
    'Could not count the relations.',
  );
  return row!.count;
}

/** Nothing to undo when the database has the extension itself. */
async function withExtension(session: Session): Promise<AsyncDisposable> {
  const nothing = { [Symbol.asyncDispose]: async () => {} };
  const [row] = await session.query<{ there: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'amcheck') AS there`,
  );
  if (row!.there) return nothing;
  // The database's own event triggers have nothing to do with this.
  await session.run(
    'SET session_replication_role = replica; CREATE EXTENSION amcheck SCHEMA pg_catalog',
    'Could not put in the extension amcheck.',
  );
  return {
    [Symbol.asyncDispose]: async () => {
      if (!session.lost) await session.run('DROP EXTENSION amcheck', 'Could not take out the extension amcheck.');
    },
  };
}

/** What amcheck itself says of an index: numbers and names of relations. An error of anything else may quote a row. */
const indexMessages: readonly RegExp[] = [
  /^(item order|high key|cross page item order|down-link lower bound) invariant violated for index "[^"]*"$/,
  /^heap tuple \(\d+,\d+\) from table "[^"]*" lacks matching index tuple within index "[^"]*"$/,
  /^could not find tuple using search from root page in index "[^"]*"$/,
  /^could not read blocks? [\d.]+ in file "[^"]*": read only \d+ of \d+ bytes$/,
  /^invalid page in block \d+ of relation [\w/]+$/,
  /^index "[^"]*" (meta page is corrupt|is corrupted|lacks a main relation fork|contains corrupted page at block \d+|contains unexpected zero page at block \d+)$/,
  /^version mismatch in index "[^"]*": file version \d+, current version \d+, minimal supported version \d+$/,
  /^index tuple size does not equal lp_len in index "[^"]*"$/,
  /^index line pointer in index "[^"]*" points past end of tuple space(?: in index "[^"]*")?$/,
  /^left link\/right link pair in index "[^"]*" not in agreement$/,
  /^circular link chain found in block \d+ of index "[^"]*"$/,
  /^block \d+ (of|is not \w+ in) index "[^"]*"$/,
  /^downlink (or sibling )?link points to deleted block in index "[^"]*"$/,
];

const keptOut = 'It reports an error, whose text is kept out because it could quote a row.';

/**
 * The findings in the output of pg_amcheck: a line that names the place, then indented what is wrong there. Only lines of
 * known forms get in.
 */
export function readReport(text: string, database: string): Check[] {
  const findings: Check[] = [];
  const lines = text.split('\n');
  for (const [at, line] of lines.entries()) {
    const message = (lines[at + 1] ?? '').trim();
    const heap = /^heap table "(.+)"(?:, block (\d+)(?:, offset (\d+)(?:, attribute (\d+))?)?)?:$/.exec(line);
    if (heap !== null) {
      const [, name = '', block, offset, attribute] = heap;
      const numbers = { block, offset, attribute };
      const place = Object.entries(numbers).flatMap(([what, number]) =>
        number === undefined ? [] : `${what} ${number}`,
      );
      findings.push({
        kind: 'heap',
        object: nameIn(database, name),
        verdict: 'differs',
        // verify_heapam runs no code of the database, and says numbers only; an error in its place may be of anything.
        detail: message.startsWith('ERROR:')
          ? known(message)
          : sentence([place.join(', '), message].filter(Boolean).join(': ')),
      });
      continue;
    }
    const index = /^btree index "(.+)":$/.exec(line);
    if (index === null) continue;
    findings.push({ kind: 'index', object: nameIn(database, index[1]!), verdict: 'differs', detail: known(message) });
  }
  return findings;
}

function known(message: string): string {
  const said = message.replace(/^ERROR:\s*/, '');
  return indexMessages.some((form) => form.test(said)) ? sentence(said) : keptOut;
}

function sentence(text: string): string {
  return `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}.`;
}

/** `database.schema.relation` → `schema.relation`. */
function nameIn(database: string, name: string): string {
  return name.startsWith(`${database}.`) ? name.slice(database.length + 1) : name;
}
