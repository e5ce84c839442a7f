import { availableParallelism } from 'node:os';
import { HoldfastError } from '../../../base/errors.ts';
import type { RepositoryAccess } from '../../../repository/access.ts';
import { listSnapshots, type SourceType } from '../../../repository/snapshot.ts';
import { openSource } from '../../../repository/source-record.ts';
import { readToc } from '../../../sources/postgres/archive-toc.ts';
import type { PostgresConnection } from '../../../sources/postgres/connection.ts';
import { openSession } from '../../../sources/postgres/session.ts';
import type { ManifestLine } from '../../../sources/source.ts';
import { openReader } from '../../restore.ts';
import type { ExtraChecks, PlannedCheck, ProofSubject } from '../extra.ts';
import type { VerifyCheck } from '../report.ts';
import { type AmcheckDepth, type AmcheckInput, findAmcheck, runAmcheck } from './amcheck.ts';
import type { Assertion } from './assertion.ts';
import { assertionCheck, checkAssertions } from './assertions.ts';
import { examineConstraints } from './constraints.ts';
import { checkDataAge, checkRestoreTime, type Objectives } from './objectives.ts';
import { type Answer, ask } from './question.ts';
import { withReader } from './reading-role.ts';
import { type Reference, referenceCheck } from './reference.ts';
import { checkReferences, nearestOf, type TreeSnapshot } from './references.ts';

/** What is looked at beside the comparison with the snapshot, as the configuration has it. */
export interface ProofChecks {
  /** `auto`: `quick` where the scratch server and this machine have it. Asked for by name, it must run. */
  amcheck: 'auto' | AmcheckDepth | 'off';
  /** Which foreign keys rows are held against once more. */
  foreignKeys: 'doubtful' | 'all';
  assertions: readonly Assertion[];
  references: readonly Reference[];
  /** Of every source that has none of its own. */
  objectives: Objectives;
  objectivesBySource: ReadonlyMap<string, Objectives>;
}

const constraints = { id: 'constraints-and-indexes', title: 'Constraints and indexes' } as const;
const amcheck = { id: 'amcheck', title: 'Pages of tables and indexes' } as const;

export function extraChecks(settings: ProofChecks): ExtraChecks {
  return new ConfiguredChecks(settings);
}

class ConfiguredChecks implements ExtraChecks {
  readonly #settings: ProofChecks;

  constructor(settings: ProofChecks) {
    this.#settings = settings;
  }

  planned(source: string, type: SourceType): PlannedCheck[] {
    const { restoreTimeMs, dataAgeMs } = this.#objectivesOf(source);
    return [
      ...(type === 'postgres' ? this.#plannedOfDatabase(source) : []),
      ...(restoreTimeMs === undefined ? [] : [{ id: 'restore-time', title: 'Time of the restore' } as const]),
      ...(dataAgeMs === undefined ? [] : [{ id: 'data-age', title: 'Age of the data' } as const]),
    ];
  }

  #plannedOfDatabase(source: string): PlannedCheck[] {
    const { assertions, references, amcheck: mode } = this.#settings;
    return [
      constraints,
      // With `auto` only the scratch server can tell whether there will be one.
      ...(mode === 'quick' || mode === 'full' ? [amcheck] : []),
      ...assertions.filter((each) => each.source === source).map(assertionCheck),
      ...references.filter((each) => each.source === source).map(referenceCheck),
    ];
  }

  async run(subject: ProofSubject): Promise<VerifyCheck[]> {
    const { access, snapshot, source, restoreMs } = subject;
    const objectives = this.#objectivesOf(source.name);
    const checks = snapshot.type === 'postgres' ? await this.#runOnDatabase(subject) : [];
    checks.push(...checkRestoreTime(objectives, restoreMs));
    if (objectives.dataAgeMs !== undefined) {
      const { snapshots } = await listSnapshots(access, source);
      const newest = snapshots.at(-1)?.id === snapshot.id;
      const age = { snapshotTime: Date.parse(snapshot.time), now: access.clock.now(), newest };
      checks.push(...checkDataAge(objectives, age));
    }
    return checks;
  }

  async #runOnDatabase(subject: ProofSubject): Promise<VerifyCheck[]> {
    const { access, snapshot, scratch, manifest, context, env } = subject;
    const { place } = scratch;
    if (place.kind !== 'database' || manifest === undefined) return [];
    const { connection } = place;
    const { clock, signal } = access;
    const { foreignKeys, assertions, references } = this.#settings;
    const source = subject.source.name;
    const checks: VerifyCheck[] = [];
    checks.push(
      await ask({ ...constraints, clock, signal }, async () => {
        const archive = readToc(await context.reader.whole(manifest.archive.stream));
        await using session = await openSession(connection, {
          applicationName: 'holdfast verify',
          signal,
          failure: 'could-not-verify',
        });
        return await examineConstraints({ session, archive, foreignKeys });
      }),
    );
    checks.push(
      ...(await this.#amcheck(
        {
          connection,
          depth: this.#settings.amcheck === 'full' ? 'full' : 'quick',
          jobs: availableParallelism(),
          binaries: place.binaries,
          env,
          signal,
        },
        checks[0]!,
        access,
      )),
    );
    const ownAssertions = assertions.filter((each) => each.source === source);
    const ownReferences = references.filter((each) => each.source === source);
    if (ownAssertions.length + ownReferences.length > 0) {
      const snapshotTime = Date.parse(snapshot.time);
      await withReader(connection, signal, async (reader: PostgresConnection) => {
        const input = { connection: reader, snapshotTime, clock, signal };
        checks.push(...(await checkAssertions(input, ownAssertions)));
        const tree = (name: string) => openTree(access, name, snapshotTime);
        checks.push(...(await checkReferences({ ...input, tree }, ownReferences)));
      });
    }
    return checks;
  }

  /** @param beside gets the note why it was not run, when nobody insists on it */
  async #amcheck(
    input: AmcheckInput,
    beside: VerifyCheck,
    { clock, signal }: RepositoryAccess,
  ): Promise<VerifyCheck[]> {
    const mode = this.#settings.amcheck;
    if (mode === 'off') return [];
    let missing: string | undefined;
    const check = await ask({ ...amcheck, clock, signal }, async (): Promise<Answer> => {
      const tools = await findAmcheck(input);
      if ('program' in tools) return runAmcheck(input, tools.program);
      missing = tools.missing;
      return { verdict: 'could-not-verify', why: missing };
    });
    if (mode !== 'auto' || missing === undefined) return [check];
    beside.why = [beside.why, `pg_amcheck was not run: ${missing}`].filter(Boolean).join(' ');
    return [];
  }

  #objectivesOf(source: string): Objectives {
    return { ...this.#settings.objectives, ...this.#settings.objectivesBySource.get(source) };
  }
}

/** @throws HoldfastError when there is none, or it cannot be read */
async function openTree(access: RepositoryAccess, name: string, time: number): Promise<TreeSnapshot> {
  const source = await openSource(access, name);
  const { snapshots } = await listSnapshots(access, source);
  const snapshot = nearestOf(snapshots, time);
  if (snapshot === undefined || snapshot.type !== 'files') {
    throw new HoldfastError('could-not-verify', `There is no snapshot of a tree called ${name} at this site.`);
  }
  const reader = await openReader(access, { source, snapshot });
  return { time: Date.parse(snapshot.time), lines: () => reader.lines<ManifestLine>() };
}
