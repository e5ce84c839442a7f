/**
 * Leads pseudonyms of one column back to what they stand for. Reversible kinds are computed; for others every value of the
 * column is transformed and compared. Each call is written down, and is on the disk, before anything is told.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { isoTime } from '../../base/clock.ts';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { readFacts } from '../../pseudonyms/column-facts.ts';
import { domainOf, rawRule } from '../../pseudonyms/copy/table-transform.ts';
import { readCatalog, tableName } from '../../pseudonyms/discovery-catalog.ts';
import type { PseudonymKey } from '../../pseudonyms/keys.ts';
import type { ColumnEntry, Lock } from '../../pseudonyms/lock.ts';
import { makeTransformer } from '../../pseudonyms/registry.ts';
import type { Cell, ColumnFacts, Transformer } from '../../pseudonyms/transformer.ts';
import { syncDirectory } from '../../sites/durable-files.ts';
import { quoteIdentifier } from '../../sources/postgres/quote.ts';
import { openSession, type Session } from '../../sources/postgres/session.ts';
import { type ClassifySettings, readLock } from './classify.ts';

export interface RevealSettings extends ClassifySettings {
  key: PseudonymKey;
  /** `app.people.email`, as the lock file names it. */
  column: string;
  pseudonyms: readonly string[];
  /** Why somebody needs to know; written down. */
  reason: string;
  /** Who asks: name of the account. */
  account: string;
  host: string;
  /** The journal; made when it is missing. */
  journal: string;
  clock: Clock;
}

export interface Revealed {
  pseudonym: string;
  /** Empty when nothing has it. Several: the kind is lossy. */
  originals: string[];
}

/** One line of the journal. It holds neither pseudonyms nor originals. */
export interface RevealRecord {
  time: string;
  account: string;
  host: string;
  source: string;
  column: string;
  count: number;
  reason: string;
  key: string;
  /** SHA-256 of the line before, hex; empty for the first. Two calls at the same moment follow the same line. */
  before: string;
}

/** Originals that are told for one pseudonym, at most: a lossy kind may have millions. */
const mostOriginals = 20;
const batchRows = 4096;

/**
 * @throws HoldfastError `usage` for a column that is not there or is kept; `failed` when it cannot be written down; what
 *   reading the database throws
 */
export async function reveal(settings: RevealSettings): Promise<Revealed[]> {
  const { connection, signal, key, pseudonyms } = settings;
  const lock = await readLock(settings);
  await using session = await openSession(connection, { applicationName: 'holdfast pseudonymize', signal });
  await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const found = await columnNamed(session, lock, settings);
  await record(settings);
  const { transformer, facts, domain } = found;
  if (transformer.reveal !== undefined) {
    const out: Cell[] = new Array(pseudonyms.length);
    transformer.reveal({ key: key.domain(domain), column: facts })(pseudonyms, out);
    return pseudonyms.map((pseudonym, at) => ({ pseudonym, originals: out[at] === null ? [] : [out[at]!] }));
  }
  // Awaited here, before the session closes.
  return await searched(session, settings, found);
}

interface RuledColumn {
  schema: string;
  table: string;
  column: string;
  facts: ColumnFacts;
  transformer: Transformer;
  domain: string;
}

async function columnNamed(session: Session, lock: Lock, settings: RevealSettings): Promise<RuledColumn> {
  const catalog = await readCatalog(session);
  const facts = await readFacts(session, catalog);
  for (const table of catalog.tables) {
    const name = tableName(table);
    for (const { name: column } of table.columns) {
      if (`${name}.${column}` !== settings.column) continue;
      const entry: ColumnEntry | undefined = lock.tables.get(name)?.get(column);
      if (entry === undefined || entry.rule.kind === 'keep' || entry.rule.kind === 'truncate') {
        throw new HoldfastError('usage', `The column ${settings.column} has no pseudonyms.`, {
          why: entry === undefined ? 'The lock file has no rule for it.' : `Its rule is \`${entry.rule.kind}\`.`,
        });
      }
      return {
        schema: table.schema,
        table: table.name,
        column,
        facts: facts.get(name)!.get(column)!,
        transformer: makeTransformer(rawRule(entry)),
        domain: domainOf(entry.rule, name, column),
      };
    }
  }
  throw new HoldfastError('usage', `The database has no column ${settings.column}.`, {
    hint: 'Write it as the lock file does: schema.table.column.',
  });
}

/** Transforms every value of the column. Rules that look at other columns' pseudonyms have no originals of their own. */
async function searched(
  session: Session,
  { key, pseudonyms, emit }: RevealSettings,
  { schema, table, column, facts, transformer, domain }: RuledColumn,
): Promise<Revealed[]> {
  const others = transformer.companions.map((companion) => companion.column);
  if (transformer.companions.some(({ value }) => value === 'pseudonym')) {
    throw new HoldfastError('usage', `\`${transformer.kind}\` is made of other columns.`, {
      hint: 'Reveal those.',
    });
  }
  const found = new Map<string, Set<string>>(pseudonyms.map((pseudonym) => [pseudonym, new Set()]));
  const run = transformer.prepare({ key: key.domain(domain), column: facts });
  const list = [column, ...others].map((name) => `${quoteIdentifier(name)}::text`).join(', ');
  const from = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
  emit({ type: 'step', text: 'Looking through the column' });
  await session.run(
    `DECLARE holdfast_reveal NO SCROLL CURSOR FOR SELECT ARRAY[${list}] AS cells FROM ${from} WHERE ${quoteIdentifier(column)} IS NOT NULL`,
    'Could not read the column.',
  );
  for (;;) {
    const rows = await session.query<{ cells: Cell[] }>(
      `FETCH ${batchRows} FROM holdfast_reveal`,
      [],
      'Could not read the column.',
    );
    if (rows.length === 0) break;
    const cells = rows.map((row) => row.cells[0]!);
    const out: Cell[] = new Array(rows.length);
    run(
      cells,
      out,
      others.map((_, at) => rows.map((row) => row.cells[at + 1]!)),
    );
    for (const [at, pseudonym] of out.entries()) {
      const originals = pseudonym === null ? undefined : found.get(pseudonym);
      if (originals !== undefined && originals.size < mostOriginals) originals.add(cells[at]!);
    }
  }
  return [...found].map(([pseudonym, originals]) => ({ pseudonym, originals: [...originals] }));
}

/** Appends to the journal. @throws HoldfastError `failed`; then nothing may be told */
async function record(settings: RevealSettings): Promise<void> {
  const { journal, clock, account, host, source, column, pseudonyms, reason, key } = settings;
  try {
    await using handle = await open(journal, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o600);
    const text = await handle.readFile('utf8');
    const last = text.trimEnd().split('\n').at(-1) ?? '';
    const line: RevealRecord = {
      time: isoTime(clock.now()),
      account,
      host,
      source,
      column,
      count: pseudonyms.length,
      reason,
      key: key.fingerprint,
      before: last === '' ? '' : createHash('sha256').update(last).digest('hex'),
    };
    await handle.appendFile(`${text === '' || text.endsWith('\n') ? '' : '\n'}${JSON.stringify(line)}\n`);
    await handle.sync();
    await syncDirectory(dirname(journal));
  } catch (error) {
    throw new HoldfastError('failed', 'It could not be written down that pseudonyms are revealed.', {
      why: `${journal} cannot be written: ${systemCode(error) ?? 'unknown'}. Nothing was revealed.`,
      cause: error,
    });
  }
}

/** Where the journal is. @param state directory of the state */
export function revealJournal(state: string): string {
  return join(state, 'reveals.jsonl');
}
