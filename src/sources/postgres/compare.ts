import { HoldfastError } from '../../base/errors.ts';
import type { Check, RestoreContext } from '../source.ts';
import { readToc } from './archive-toc.ts';
import { fingerprintLeaveTask } from './backup-tasks.ts';
import { readDatabase, readRoles } from './catalog-database.ts';
import { type Relation, readRelations } from './catalog-relations.ts';
import { compareArchives } from './compare-archive.ts';
import { compareLargeObjects, compareProperties, compareSequences } from './compare-catalog.ts';
import { compareRoles } from './compare-roles.ts';
import { type ComparedTable, compareTables } from './compare-tables.ts';
import { compareUntold } from './compare-untold.ts';
import type { PostgresConnection } from './connection.ts';
import { dumpArchive, type Environment, findDump } from './dump-archive.ts';
import { readLargeObjects } from './large-objects.ts';
import type { TableLine } from './manifest.ts';
import { type PostgresManifest, readManifest } from './manifest-read.ts';
import { likeMapped, mapArchive, mapManifest, type SnapshotMaps } from './mapped-snapshot.ts';
import { displayName, quoteQualified } from './quote.ts';
import { readSequences } from './sequences.ts';
import { openSession, type Session } from './session.ts';

export interface CompareSettings {
  /** To the restored database. */
  connection: PostgresConnection;
  /** Path of the pg_dump to use; found by itself when left out. */
  pgDump?: string | undefined;
  env: Environment;
  /** As it was restored: without what reaches other servers. */
  isolated?: boolean | undefined;
  /** As it was restored: with these in the place of the snapshot's roles and tablespaces. */
  maps?: SnapshotMaps | undefined;
  /** The tables whose rows are compared; all unless given. Whether each is there is looked at in any case. */
  chooseTables?: ((tables: readonly TableLine[]) => readonly TableLine[]) | undefined;
}

export interface Comparison {
  /** Everything that is not equal: what differs, and what could not be compared. */
  checks: Check[];
  /** How many comparisons came out equal. */
  equal: number;
}

/** What the comparison is about, as a proof tells it. */
export const comparisonParts = ['schema', 'table', 'sequence', 'large-object', 'database', 'role'] as const;
export type ComparisonPart = (typeof comparisonParts)[number];

/** Which part a check belongs to, by its kind. */
export function partOf({ kind }: Pick<Check, 'kind'>): ComparisonPart {
  switch (kind) {
    case 'table':
    case 'generated-columns':
      return 'table';
    case 'sequence':
    case 'large-object':
    case 'database':
      return kind;
    case 'role':
    case 'membership':
      return 'role';
    default:
      return 'schema';
  }
}

export interface DatabaseComparison extends Comparison {
  /** Of each part that was compared to its end: what came out equal, and how many milliseconds it took. */
  parts: ReadonlyMap<ComparisonPart, { equal: number; durationMs: number }>;
  /** Of every table whose rows were looked at; a table that is missing has none. */
  tables: ComparedTable[];
}

const lockTimeout = 30_000;

/**
 * Compares a restored database with the snapshot: every object of the schema, the rows of every table, sequences, large
 * objects, the properties of the database. What cannot be compared is told, and is no error of this function.
 *
 * @throws HoldfastError when the snapshot cannot be read, or there is no connection to the database
 */
export async function compareDatabase(context: RestoreContext, settings: CompareSettings): Promise<DatabaseComparison> {
  const { connection } = settings;
  const manifest = mapManifest(await readManifest(context.lines()), settings.maps ?? {});
  const archive = await context.reader.whole(manifest.archive.stream);
  await using session = await openSession(connection, {
    applicationName: 'holdfast compare',
    signal: context.signal,
  });
  const comparer = new Comparer(context, settings, session, manifest);
  try {
    return await comparer.run(archive);
  } finally {
    if (!context.signal.aborted) await context.lanes.runInEach(fingerprintLeaveTask, connection);
  }
}

class Comparer {
  readonly #context: RestoreContext;
  readonly #settings: CompareSettings;
  readonly #session: Session;
  readonly #manifest: PostgresManifest;
  readonly #checks: Check[] = [];
  readonly #parts = new Map<ComparisonPart, { equal: number; durationMs: number }>();
  #tables: ComparedTable[] = [];

  constructor(context: RestoreContext, settings: CompareSettings, session: Session, manifest: PostgresManifest) {
    this.#context = context;
    this.#settings = settings;
    this.#session = session;
    this.#manifest = manifest;
  }

  async run(archive: Buffer): Promise<DatabaseComparison> {
    const { emit, signal } = this.#context;
    const manifest = this.#manifest;
    const session = this.#session;
    await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const relations = new Map(
      (await readRelations(session)).map((relation) => [quoteQualified(relation.schema, relation.name), relation]),
    );
    this.#add(compareUntold(relations, manifest, archive));
    emit({ type: 'step', text: 'Comparing rows' });
    // The schema is dumped beside: pg_dump waits for the server's catalogs, the lanes for its tables.
    const schema = this.#guard('schema', 'all definitions', () => this.#compareSchema(archive));
    try {
      await this.#guard('table', 'all tables', () => this.#compareTables(relations));
    } finally {
      await schema;
    }
    signal.throwIfAborted();
    emit({ type: 'step', text: 'Comparing sequences, large objects and properties' });
    await this.#ownPart('sequence', 'all sequences', () => this.#compareSequences(relations));
    await this.#ownPart('large-object', 'all large objects', async () => {
      this.#add(compareLargeObjects(manifest.largeObjects?.objects ?? [], await readLargeObjects(session)));
    });
    await this.#ownPart('database', 'all properties', async () => {
      this.#add(compareProperties(manifest.database, await readDatabase(session)));
    });
    await this.#ownPart('role', 'all roles', async () => {
      const { database } = manifest;
      const roles = await readRoles(
        session,
        database.roles.map(({ name }) => name),
      );
      this.#add(compareRoles(database, roles, new Set(this.#settings.maps?.roles?.values())));
    });
    const equal = [...this.#parts.values()].reduce((sum, part) => sum + part.equal, 0);
    return { checks: this.#checks, equal, parts: this.#parts, tables: this.#tables };
  }

  /** A part that fails as a whole has not been compared; the others are. */
  async #guard(kind: ComparisonPart, object: string, compare: () => Promise<void>): Promise<void> {
    const started = this.#context.clock.monotonic();
    try {
      await compare();
      this.#part(kind).durationMs += this.#context.clock.monotonic() - started;
    } catch (error) {
      this.#context.signal.throwIfAborted();
      if (!(error instanceof HoldfastError)) throw error;
      const detail = [error.message, error.why].filter(Boolean).join(' ');
      this.#checks.push({ kind, object, verdict: 'could-not-compare', detail });
    }
  }

  /** A part that asks this session: an error must not spoil the transaction for the next one. */
  #ownPart(kind: ComparisonPart, object: string, compare: () => Promise<void>): Promise<void> {
    return this.#guard(kind, object, async () => {
      await this.#session.run('SAVEPOINT part');
      try {
        await compare();
      } catch (error) {
        if (!this.#session.lost) await this.#session.run('ROLLBACK TO SAVEPOINT part');
        throw error;
      }
    });
  }

  #part(part: ComparisonPart): { equal: number; durationMs: number } {
    const known = this.#parts.get(part) ?? { equal: 0, durationMs: 0 };
    this.#parts.set(part, known);
    return known;
  }

  #add(checks: readonly Check[]): void {
    for (const check of checks) {
      if (check.verdict === 'equal') this.#part(partOf(check)).equal++;
      else this.#checks.push(check);
    }
  }

  async #compareSchema(archive: Buffer): Promise<void> {
    const { env, pgDump, isolated, maps = {} } = this.#settings;
    const { database } = this.#manifest;
    // A session of its own: this one goes on with other questions, and each keeps its snapshot.
    await using session = await openSession(this.#session.connection, {
      applicationName: 'holdfast compare',
      signal: this.#context.signal,
    });
    const program = await findDump(session.serverVersion, env, pgDump);
    await session.run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const [exported] = await session.query<{ id: string }>('SELECT pg_catalog.pg_export_snapshot() AS id');
    const pieces: Buffer[] = [];
    await dumpArchive(
      session,
      {
        program,
        exportedSnapshot: exported!.id,
        lockTimeout,
        exclude: [],
        environment: env,
        signal: this.#context.signal,
      },
      async (bytes) => void pieces.push(Buffer.from(bytes)),
    );
    const expected = mapArchive(readToc(archive), maps, database);
    const found = likeMapped(readToc(Buffer.concat(pieces)), maps);
    const major = (version: number) => Math.floor(version / 10_000);
    const notes: string[] = [];
    if (major(database.serverVersion) !== major(session.serverVersion)) {
      notes.push(
        `the snapshot is of PostgreSQL ${major(database.serverVersion)}, this is PostgreSQL ${major(session.serverVersion)}`,
      );
    }
    const dumped = Number.parseInt(expected.dumpVersion, 10);
    if (dumped !== program.major)
      notes.push(`the snapshot's schema was written by pg_dump ${dumped}, not ${program.major}`);
    const { checks, equal } = compareArchives(expected, found, {
      isolated: isolated ?? false,
      versions: notes.length === 0 ? undefined : notes.join(' and '),
    });
    this.#checks.push(...checks);
    this.#part('schema').equal += equal;
  }

  async #compareTables(relations: ReadonlyMap<string, Relation>): Promise<void> {
    const missing = this.#manifest.tables.filter(({ schema, name }) => !relations.has(quoteQualified(schema, name)));
    const there = this.#manifest.tables.filter((line) => !missing.includes(line));
    for (const { schema, name } of missing) {
      this.#checks.push({
        kind: 'table',
        object: displayName(schema, name),
        verdict: 'differs',
        detail: 'It is missing.',
      });
    }
    const { connection, chooseTables } = this.#settings;
    const chosen = chooseTables === undefined ? there : chooseTables(there);
    const { checks, equal, tables } = await compareTables(this.#context, connection, chosen);
    this.#checks.push(...checks);
    this.#part('table').equal += equal;
    this.#tables = tables;
  }

  async #compareSequences(relations: ReadonlyMap<string, Relation>): Promise<void> {
    const { sequences } = this.#manifest;
    const relationOf = (line: (typeof sequences)[number]) => relations.get(quoteQualified(line.schema, line.name));
    const unreadable = sequences.filter((line) => relationOf(line)?.kind === 'S' && !relationOf(line)!.readable);
    for (const { schema, name } of unreadable) {
      this.#checks.push({
        kind: 'sequence',
        object: displayName(schema, name),
        verdict: 'could-not-compare',
        detail: 'This role may not read it.',
      });
    }
    const readable = sequences.filter((line) => !unreadable.includes(line));
    const there = readable.filter((line) => relationOf(line)?.kind === 'S');
    this.#add(compareSequences(readable, await readSequences(this.#session, there)));
  }
}
