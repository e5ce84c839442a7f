import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import type { RestoreContext, Shortfall } from '../source.ts';
import { type ArchivePlan, planArchive, reachesOutside } from './archive-plan.ts';
import type { Selection } from './archive-selection.ts';
import { describeEntry, type RestorePlace } from './archive-statements.ts';
import type { ArchiveToc, TocEntry } from './archive-toc.ts';
import type { PostgresConnection } from './connection.ts';
import { quoteQualified } from './quote.ts';
import { putChecksBack, takeChecks } from './restore-checks.ts';
import { worthRetrying } from './restore-errors.ts';
import { type ExtensionPlan, planExtensions } from './restore-extensions.ts';
import { analyzeTables, setSequences, viewsOfForeignTables } from './restore-finishing.ts';
import { entryJobs, type RowJobs, type RowsManifest, rowJobs } from './restore-jobs.ts';
import { type Job, runPersistently } from './restore-schedule.ts';
import { RestoreSessions } from './restore-sessions.ts';
import { restoreLeaveTask } from './restore-tasks.ts';

export interface BuildSettings {
  /** To a database just made from template0, or one in which nothing is in the way. */
  connection: PostgresConnection;
  place: RestorePlace;
  manifest: RowsManifest;
  toc: ArchiveToc;
  selection: Selection;
  /** How many things are done at the same time. */
  places: number;
  /** Definitions only: no rows, values of sequences, large objects. */
  withoutRows?: boolean;
  /** Nothing through which the database could act on other servers. */
  isolated?: boolean;
  /** Gather statistics of this schema only; `false`: none. */
  analyze?: { schema: string } | false;
  /** Rows from elsewhere than the repository; those of the manifest's tables when undefined. */
  rows?: (sessions: RestoreSessions, plan: ArchivePlan) => RowJobs;
}

/** What a build needs of its surroundings; the repository only where rows come from there. */
export type BuildContext = Pick<RestoreContext, 'lanes' | 'emit' | 'signal'>;

export interface BuildOutcome {
  totals: { tables: number; rows: number; bytes: number; sequences: number; largeObjects: number };
  shortfalls: Shortfall[];
}

/**
 * Fills a database: definitions, rows, what is built on rows, what acts on rows, privileges, and last what could act on
 * the restore itself. No session of ours is left in it.
 *
 * @throws HoldfastError `target-failed` naming the object; what reading the repository throws
 */
export async function buildDatabase(context: BuildContext, settings: BuildSettings): Promise<BuildOutcome> {
  await using sessions = new RestoreSessions(settings.connection, settings.place, context.signal);
  try {
    return await new Build(context, settings, sessions).run();
  } finally {
    // Lanes outlive us, and a session in the database would keep it from being renamed or dropped.
    if (!context.signal.aborted) await context.lanes.runInEach(restoreLeaveTask, settings.connection);
  }
}

class Build {
  readonly #context: BuildContext;
  readonly #settings: BuildSettings;
  readonly #sessions: RestoreSessions;
  readonly #plan: ArchivePlan;
  readonly #shortfalls: Shortfall[] = [];
  /** What jobs failed of that are tried again later. */
  readonly #said = new Map<string, unknown>();

  constructor(context: BuildContext, settings: BuildSettings, sessions: RestoreSessions) {
    this.#context = context;
    this.#settings = settings;
    this.#sessions = sessions;
    this.#plan = planArchive(settings.toc, (entry) => settings.selection.entry(entry));
  }

  async run(): Promise<BuildOutcome> {
    const { settings, plan } = { settings: this.#settings, plan: this.#plan };
    this.#step('Restoring definitions');
    const extensions = await this.#startDatabase();
    await this.#inOrder(this.#outsideRemoved(plan.before), extensions);
    // Newer snapshots have the labels of the database among its properties.
    for (const entry of settings.manifest.database.securityLabels === undefined ? plan.omitted : []) {
      this.#shortfalls.push({
        object: describeEntry(entry),
        reason: 'It is about the database itself.',
        degrades: true,
      });
    }

    const rows = settings.rows?.(this.#sessions, plan) ?? rowJobs(this.#context, this.#sessions, settings, plan);
    let unfinished: Job[] = [];
    if (settings.withoutRows !== true) {
      await this.#sessions.use(({ session }) => setSequences(session, rows.sequences));
      this.#step('Restoring rows');
      const checks = settings.selection.whole ? [] : await this.#sessions.use(({ session }) => takeChecks(session));
      const outcome = await runPersistently(rows.jobs, settings.places, fatal, this.#said);
      unfinished = [...outcome.failed.map(({ job }) => job), ...outcome.blocked];
      if (checks.length > 0) {
        this.#shortfalls.push(...(await this.#sessions.use(({ session }) => putChecksBack(session, checks))));
      }
    }
    this.#step('Building what depends on rows');
    const later = settings.withoutRows === true ? [...plan.withTable.values()].flat() : [];
    await this.#all([...unfinished, ...entryJobs(this.#sessions, [...later, ...plan.afterRows], plan.byId)]);
    await this.#all(entryJobs(this.#sessions, plan.after, plan.byId, rows.rowCounts));
    await this.#inOrder(plan.privileges, extensions);
    if (settings.withoutRows !== true) {
      await this.#inOrder(plan.largeObjects, extensions);
      await this.#refresh();
      await this.#gatherStatistics(settings.analyze);
    }
    await this.#inOrder(this.#outsideRemoved(plan.last), extensions);
    const nothing = { rows: 0, bytes: 0, sequences: 0, largeObjects: 0 };
    const totals = settings.withoutRows === true ? { ...rows.totals, ...nothing } : rows.totals;
    return { totals, shortfalls: this.#shortfalls };
  }

  #step(text: string): void {
    this.#context.signal.throwIfAborted();
    this.#context.emit({ type: 'step', text });
  }

  /** What template0 has and the source had not; and the plan for extensions. */
  async #startDatabase(): Promise<ExtensionPlan> {
    const { manifest, selection } = this.#settings;
    return this.#sessions.use(async ({ session }) => {
      const { database } = manifest;
      const wanted = new Set(this.#plan.before.filter(({ desc }) => desc === 'EXTENSION').map(({ tag }) => tag));
      const plan = await planExtensions(
        session,
        database.extensions.filter(({ name }) => wanted.has(name)),
      );
      this.#shortfalls.push(...plan.shortfalls);
      if (!database.hasPublicSchema) await session.run('DROP SCHEMA IF EXISTS public');
      if (selection.whole && !database.extensions.some(({ name }) => name === 'plpgsql')) {
        await session.run('DROP EXTENSION IF EXISTS plpgsql');
      }
      return plan;
    });
  }

  #outsideRemoved(entries: TocEntry[]): TocEntry[] {
    return this.#settings.isolated === true ? entries.filter((entry) => !reachesOutside(entry)) : entries;
  }

  async #inOrder(entries: readonly TocEntry[], { statements }: ExtensionPlan): Promise<void> {
    await this.#sessions.use(async (runner) => {
      for (const entry of entries) {
        this.#context.signal.throwIfAborted();
        const instead = entry.desc === 'EXTENSION' ? statements.get(entry.tag) : undefined;
        if (instead === undefined) await runner.run(entry);
        else await runner.runInstead(entry, instead);
      }
    });
  }

  /** @throws the first error that stays after trying again */
  async #all(jobs: readonly Job[]): Promise<void> {
    const { failed, blocked } = await runPersistently(jobs, this.#settings.places, fatal, this.#said);
    if (failed.length > 0) throw this.#settings.selection.whole ? failed[0]!.error : ofPart(failed[0]!.error);
    if (blocked.length > 0) {
      throw new HoldfastError('internal', 'Parts of the restore wait for each other.', {
        why: blocked.map(({ id }) => id).join(', '),
      });
    }
  }

  async #gatherStatistics(of: BuildSettings['analyze']): Promise<void> {
    if (of === false) return;
    this.#step('Gathering statistics');
    this.#shortfalls.push(...(await analyzeTables(this.#sessions, this.#settings.places, of?.schema)));
  }

  async #refresh(): Promise<void> {
    const { refreshes } = this.#plan;
    if (refreshes.length === 0) return;
    this.#step('Refreshing materialized views');
    await this.#sessions.use(async (runner) => {
      const foreign = await viewsOfForeignTables(runner.session);
      for (const entry of refreshes) {
        this.#context.signal.throwIfAborted();
        if (!foreign.has(quoteQualified(entry.namespace, entry.tag))) {
          await runner.run(entry);
          continue;
        }
        this.#shortfalls.push({
          object: `materialized view ${entry.namespace}.${entry.tag}`,
          reason: 'It reads a foreign table and was left empty: a restore connects to no other server.',
          degrades: true,
        });
      }
    });
  }
}

function fatal(error: unknown): boolean {
  return !worthRetrying(error);
}

function ofPart(error: unknown): unknown {
  if (!isHoldfastError(error, 'target-failed')) return error;
  const { message, why, cause } = error;
  return new HoldfastError('target-failed', message, {
    why: `${why ?? ''} Does it name something that is no part of what is restored?`.trim(),
    hint: 'Restore the whole schema with --schema, or the whole database.',
    cause,
  });
}
