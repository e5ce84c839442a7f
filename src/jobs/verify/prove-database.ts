/** A database: restored in full into a scratch, and everything in it compared with the snapshot. */
import { access as accessible, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import {
  type ComparisonPart,
  compareDatabase,
  comparisonParts,
  type DatabaseComparison,
  partOf,
} from '../../sources/postgres/compare.ts';
import type { ComparedTable } from '../../sources/postgres/compare-tables.ts';
import { type PostgresManifest, readManifest } from '../../sources/postgres/manifest-read.ts';
import { quoteIdentifier, quoteLiteral } from '../../sources/postgres/quote.ts';
import { restorePostgres } from '../../sources/postgres/restore.ts';
import { checkPreconditions } from '../../sources/postgres/restore-preconditions.ts';
import { openSession } from '../../sources/postgres/session.ts';
import type { Check } from '../../sources/source.ts';
import { bootstrapOf, matchBootstrap } from './bootstrap-role.ts';
import { type Answer, verdictOfFindings } from './check-list.ts';
import { keptAtEnd, type ProofWork, restoreScratch, scratchNeeds } from './proof-work.ts';
import type { CheckId, ContentProof } from './report.ts';
import type { DatabasePlace, OpenScratch } from './scratch.ts';
import { openClusterScratch } from './scratch-cluster.ts';
import { assertRoom, databaseBytes } from './scratch-room.ts';
import { openServerScratch, type ServerScratch } from './scratch-server.ts';

const applicationName = 'holdfast verify';

/** @throws HoldfastError what keeps the scratch from being made; the signal's reason */
export async function proveDatabase(work: ProofWork): Promise<void> {
  const { context, scratch: settings, limits, proof } = work;
  const manifest = await readManifest(context.lines());
  assertCounted(work, manifest);
  const bytes = databaseBytes(manifest);
  // How much a server elsewhere has free, nobody here can tell.
  if (settings.kind !== 'server') await assertRoom(settings.directory, bytes, limits.bytes);
  await using scratch = await openScratch(work, manifest);
  proof.scratch = scratch.report;
  const place = scratch.place as DatabasePlace;
  const spaces = await prepareServer(place, manifest, { signal: work.context.signal });
  const mine = 'rolesBefore' in scratch ? (scratch as ServerScratch) : undefined;
  if (mine) mine.made = manifest.database.roles.map(({ name }) => name);
  const { admin, connection, serverMajor } = place;
  const sameMajor = serverMajor === Math.floor(manifest.database.serverVersion / 10_000);
  const restored = await restoreScratch(work, scratch, {
    sameMajor,
    standard: () =>
      restorePostgres(context, {
        admin,
        database: connection.database,
        tables: [],
        schemas: [],
        jobs: work.jobs,
        isolated: true,
        withoutStatistics: !work.queried,
        maps: { tablespaces: spaces.lacking },
      }),
  });
  if (restored === undefined) return;
  await using _kept = keptAtEnd(work, scratch);
  if (settings.kind !== 'server' && !work.hooks.scratch) {
    await using session = await openSession(admin, {
      applicationName,
      failure: 'target-failed',
      signal: context.signal,
    });
    await matchBootstrap(session, manifest.database, admin.user);
  }
  const comparison = await compareDatabase(context, {
    connection,
    env: work.env,
    pgDump: await ownDump(place),
    isolated: true,
    maps: { tablespaces: spaces.lacking },
    chooseTables: work.chooseTables,
  });
  answerAll(work, manifest, comparison, [...spaces.findings], mine?.rolesBefore);
  await work.others(scratch, { manifest });
}

function openScratch(work: ProofWork, { database }: PostgresManifest): Promise<OpenScratch> {
  if (work.hooks.scratch) return work.hooks.scratch();
  if (work.scratch.kind === 'server') return openServerScratch(scratchNeeds(work), work.context.emit);
  return openClusterScratch(scratchNeeds(work), {
    serverVersion: database.serverVersion,
    encoding: database.encoding,
    superuser: bootstrapOf(database),
    database: 'restored',
  });
}

export interface Spaces {
  /** Tablespaces that the scratch cannot have → the default one. */
  lacking: Map<string, string>;
  findings: Check[];
}

/**
 * Looks at all that would stop the restore, and makes the tablespaces of the snapshot where that can be done.
 *
 * @param options `exact`: whether another version of an extension is lacking too, and not only told by the restore
 * @throws HoldfastError `target-failed` naming what is lacking
 */
export async function prepareServer(
  place: DatabasePlace,
  { database }: Pick<PostgresManifest, 'database'>,
  { signal, exact = true }: { signal: AbortSignal; exact?: boolean },
): Promise<Spaces> {
  await using session = await openSession(place.admin, { applicationName, failure: 'target-failed', signal });
  await checkPreconditions(session, {
    database,
    extensions: database.extensions,
    tablespaces: [],
    named: { roles: [], tablespaces: [] },
    exact,
  });
  const spaces: Spaces = { lacking: new Map(), findings: [] };
  for (const { name } of database.tablespaces) {
    if (place.tablespaces !== undefined) {
      const path = quoteLiteral(await place.tablespaces(name));
      await session.run(`CREATE TABLESPACE ${quoteIdentifier(name)} LOCATION ${path}`);
      continue;
    }
    const [there] = await session.query('SELECT FROM pg_catalog.pg_tablespace WHERE spcname = $1', [name]);
    if (there !== undefined) continue;
    spaces.lacking.set(name, '');
    const detail = 'The scratch server has no such tablespace; what lay in it was restored into the default one.';
    spaces.findings.push({ kind: 'tablespace', object: name, verdict: 'could-not-compare', detail });
  }
  return spaces;
}

/** The pg_dump that came with the server, so that the two know the same. */
async function ownDump({ binaries }: DatabasePlace): Promise<string | undefined> {
  if (binaries === undefined) return undefined;
  const program = join(binaries, 'pg_dump');
  return accessible(program, constants.X_OK).then(
    () => program,
    () => undefined,
  );
}

const checkOf: Record<ComparisonPart, CheckId> = {
  schema: 'schema',
  table: 'tables',
  sequence: 'sequences',
  'large-object': 'large-objects',
  database: 'database',
  role: 'roles',
};

function answerAll(
  work: ProofWork,
  manifest: PostgresManifest,
  comparison: DatabaseComparison,
  more: readonly Check[],
  rolesBefore: ReadonlySet<string> | undefined,
): void {
  const { checks, proof, chooseTables } = work;
  const found = Map.groupBy(
    [...more, ...comparison.checks].map((check) => ofServer(check, rolesBefore)),
    partOf,
  );
  for (const part of comparisonParts) {
    const findings = found.get(part) ?? [];
    const { equal = 0, durationMs = 0 } = comparison.parts.get(part) ?? {};
    if (part === 'table') findings.push(...uncompared(work, manifest, comparison));
    const expected = expectedOf(manifest)[part];
    if (!comparison.parts.has(part) && findings.length === 0) {
      findings.push({ kind: part, object: 'all', verdict: 'could-not-compare', detail: 'It was not compared.' });
    }
    // Equal is only what was compared: as many as the snapshot has, whatever the scratch has.
    if (expected !== undefined && equal + findings.length < expected) {
      const detail = `Of ${expected} only ${equal + findings.length} were compared.`;
      findings.push({ kind: part, object: 'all', verdict: 'could-not-compare', detail });
    }
    const answer: Answer = { verdict: verdictOfFindings(findings), durationMs, equal, findings };
    if (part === 'table')
      Object.assign(answer, tablesAnswer(answer, manifest, comparison.tables, chooseTables !== undefined));
    if (part === 'sequence') answer.figures = { sequences: manifest.sequences.length };
    if (part === 'large-object') answer.figures = { largeObjects: manifest.largeObjects?.objects.length ?? 0 };
    checks.answer(checkOf[part], answer);
  }
  proof.contents.push(...comparison.tables.map(contentOf));
}

/** The figures that a snapshot is signed with are those of its manifest. @throws HoldfastError `object-damaged` */
function assertCounted({ snapshot }: ProofWork, { tables, sequences, largeObjects }: PostgresManifest): void {
  const counted = {
    tables: tables.length,
    sequences: sequences.length,
    largeObjects: largeObjects?.objects.length ?? 0,
  };
  for (const [what, count] of Object.entries(counted)) {
    const told = snapshot.totals[what];
    if (told === undefined || told === count) continue;
    throw new HoldfastError('object-damaged', `Snapshot ${snapshot.id} contradicts itself.`, {
      why: `It counts ${told} ${what}, and its manifest has ${count}.`,
    });
  }
}

/** How many comparisons of a part there must be at least. */
function expectedOf(manifest: PostgresManifest): Partial<Record<ComparisonPart, number>> {
  return {
    sequence: manifest.sequences.length,
    'large-object': manifest.largeObjects?.objects.length ?? 0,
    role: manifest.database.roles.length,
  };
}

/** Tables of the manifest that nothing was said of: then the comparison itself is wrong. */
function uncompared(work: ProofWork, manifest: PostgresManifest, comparison: DatabaseComparison): Check[] {
  const wanted = (work.chooseTables?.(manifest.tables) ?? manifest.tables).length;
  const seen = comparison.tables.reduce((sum, { lines }) => sum + lines, 0);
  const missing = comparison.checks.filter(({ kind }) => kind === 'table').length;
  // A missing table has a check of its own and no fingerprint.
  if (seen + missing >= wanted) return [];
  const detail = `The snapshot has ${wanted} tables to compare, and ${seen} were.`;
  return [{ kind: 'table', object: 'all tables', verdict: 'could-not-compare', detail }];
}

function tablesAnswer(
  { verdict, findings = [] }: Answer,
  manifest: PostgresManifest,
  tables: readonly ComparedTable[],
  isSample: boolean,
): Partial<Answer> {
  const sum = (of: (table: ComparedTable) => number) => tables.reduce((total, table) => total + of(table), 0);
  const compared = sum(({ lines }) => lines);
  const figures = { tables: compared, rows: sum(({ rows }) => rows ?? 0), bytes: sum(({ bytes }) => bytes) };
  if (!isSample || verdict !== 'pass') return { figures, findings };
  const all = manifest.tables.length;
  // Whoever asked for a part was not promised everything, also where the part happened to be all.
  return { figures: { ...figures, of: all }, verdict: 'sampled', why: `${compared} of ${all} tables were compared.` };
}

/** Roles of a server that somebody runs are as they are: nothing is wrong with the snapshot because of it. */
function ofServer(check: Check, rolesBefore: ReadonlySet<string> | undefined): Check {
  if (rolesBefore === undefined || check.verdict !== 'differs') return check;
  const theirs = check.kind === 'membership' || (check.kind === 'role' && rolesBefore.has(check.object));
  if (!theirs) return check;
  const detail = `${check.detail ?? ''} The scratch server has roles of its own, which were left as they are.`.trim();
  return { ...check, verdict: 'could-not-compare', detail };
}

const methods = { sha256: 'sha256', parts: 'parts-sha256', sum: 'row-sum' } as const;

function contentOf({ object, rows, bytes, method, expected, found }: ComparedTable): ContentProof {
  return {
    object,
    ...(rows !== undefined && { rows }),
    bytes,
    source: expected,
    ...(found !== undefined && { restored: found }),
    method: methods[method],
  };
}
