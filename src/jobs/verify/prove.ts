/** The course of one proof: which snapshot, its objects, the restore and the comparison, what else is asked, the rest of its objects. */
import { availableParallelism } from 'node:os';
import { HoldfastError } from '../../base/errors.ts';
import { accessAt, type RepositoryAccess } from '../../repository/access.ts';
import type { IgnoredObject } from '../../repository/ignored-object.ts';
import { readAhead } from '../../repository/read-ahead.ts';
import { SnapshotReader } from '../../repository/snapshot-reader.ts';
import type { Site } from '../../sites/site.ts';
import type { Check } from '../../sources/source.ts';
import { withReading } from '../restore.ts';
import { damagedAmong, locateSnapshot } from './authenticity.ts';
import { type CheckList, plannedChecks, verdictOfFindings } from './check-list.ts';
import { reportedError, sentencesOf, verdictOfError } from './errors.ts';
import type { ProofWork } from './proof-work.ts';
import type { SnapshotProof } from './report.ts';
import type { ProvenSubject, VerifyItem, VerifyRequest } from './request.ts';
import { readWholePacks, type WholePacks } from './whole-packs.ts';

export interface ProofCourse {
  /** To the one site; its signal ends with the time of the proof. */
  access: RepositoryAccess;
  /** Other sites, which are asked for newer snapshots and nothing else. */
  others: readonly Site[];
  item: VerifyItem;
  request: VerifyRequest;
  /** Filled in, but for its checks and verdict. */
  proof: SnapshotProof;
  checks: CheckList;
  subject: ProvenSubject;
}

/** Packs that are read at the same time after the restore. */
const packsUnderWay = 4;

/** Checks that run statements of the configuration. */
const ownQueries = /^(assertion|references):/;

/** @throws HoldfastError what ends it before its end; the signal's reason */
export async function proveSnapshot(course: ProofCourse): Promise<void> {
  const { proof, checks, request, item } = course;
  const packs = readWholePacks(course.access.site, course.request.jobs ?? availableParallelism());
  const access = accessAt(course.access, packs.site);
  try {
    const { clock } = access;
    const from = clock.monotonic();
    const located = await locateSnapshot(access, course.others, item.address).catch((error) => {
      answerError(course, 'authenticity', error, clock.monotonic() - from);
      throw error;
    });
    checks.answer('authenticity', { ...located.answer, durationMs: clock.monotonic() - from });
    const { source, snapshot } = located;
    course.subject.source = source;
    if (snapshot === undefined) {
      throw new HoldfastError('rollback', `The site "${access.site.name}" shows no snapshot of ${item.address}.`);
    }
    course.subject.snapshot = snapshot;
    const { id, sequence, time, signer, manifest, type } = snapshot;
    proof.snapshot = { id, sequence, time, signer };
    proof.type = type;
    proof.manifestSha256 = manifest.sha256;
    checks.plan(plannedChecks(type));
    if (request.extra) checks.plan(request.extra.planned(source.name, type));
    await proveObjects({ ...course, access }, packs);
  } finally {
    proof.readBytes = packs.readBytes;
  }
}

function answerError(
  { checks }: ProofCourse,
  id: 'authenticity' | 'objects' | 'restore',
  error: unknown,
  durationMs: number,
): void {
  if (!(error instanceof HoldfastError) || error.code === 'usage') return;
  checks.answer(id, { verdict: verdictOfError(error), durationMs, why: sentencesOf(error) });
}

async function proveObjects(course: ProofCourse, packs: WholePacks): Promise<void> {
  const { access, proof, subject } = course;
  const { clock, signal } = access;
  const from = clock.monotonic();
  const ignored: IgnoredObject[] = [];
  const reader = await SnapshotReader.open(access, subject.source!, subject.snapshot!, (object) =>
    ignored.push(object),
  ).catch((error) => {
    if (!signal.aborted) answerError(course, 'objects', error, clock.monotonic() - from);
    throw error;
  });
  proof.packs = reader.packs.size;
  const opening = clock.monotonic() - from;
  let failure: { error: unknown } | undefined;
  try {
    await withReading(access, reader, course.request.jobs, (context) => proveContents(course, { context }));
  } catch (error) {
    signal.throwIfAborted();
    if (!course.checks.isAnswered('restore')) answerError(course, 'restore', error, 0);
    failure = { error };
  }
  // Also where there was nothing to restore with: that every object is there can be said all the same.
  const again = clock.monotonic();
  const findings = [...(await damagedAmong(access, ignored)), ...(await examineRest(course, reader, packs))];
  const bytes = [...reader.packs.values()].reduce((sum, size) => sum + size, 0);
  course.checks.answer('objects', {
    verdict: verdictOfFindings(findings),
    durationMs: opening + clock.monotonic() - again,
    equal: packs.authentic.size,
    figures: { packs: reader.packs.size, bytes },
    findings,
  });
  if (failure) throw failure.error;
}

/** Reads the packs that the restore had no need of, and tells of all that are not what their names say. */
async function examineRest(course: ProofCourse, reader: SnapshotReader, packs: WholePacks): Promise<Check[]> {
  const { access, subject } = course;
  const { layout } = subject.source!;
  const findings: Check[] = [];
  const tell = (pack: string, verdict: Check['verdict'], detail: string) =>
    findings.push({ kind: 'object', object: layout.pack(pack), verdict, detail });
  const examined = readAhead(reader.packs.keys(), packsUnderWay, async (pack) => {
    access.signal.throwIfAborted();
    try {
      await packs.examine(layout.pack(pack));
    } catch (error) {
      access.signal.throwIfAborted();
      if (!(error instanceof HoldfastError)) throw error;
      tell(pack, verdictOfError(error) === 'fail' ? 'differs' : 'could-not-compare', sentencesOf(error));
    }
  });
  for await (const _ of examined);
  for (const pack of packs.damaged.keys()) tell(pack, 'differs', 'Its bytes do not hash to its name.');
  return findings;
}

async function proveContents(course: ProofCourse, { context }: Pick<ProofWork, 'context'>): Promise<void> {
  const { access, checks, proof, request, subject } = course;
  const { source, snapshot } = { source: subject.source!, snapshot: subject.snapshot! };
  const { scratch, limits, jobs, keep = false, env, hooks = {}, sample, extra } = request;
  const work: ProofWork = {
    access,
    source,
    snapshot,
    context,
    checks,
    proof,
    scratch,
    limits,
    jobs,
    keep,
    queried: keep || (extra?.planned(source.name, snapshot.type) ?? []).some(({ id }) => ownQueries.test(id)),
    env,
    hooks,
    ...(sample && { chooseTables: sample.choose }),
    async others(open, more) {
      if (extra === undefined) return;
      const restoreMs = proof.restoreMs ?? 0;
      try {
        const made = await extra.run({ access, source, snapshot, scratch: open, context, restoreMs, env, ...more });
        for (const check of made) checks.add(check);
      } catch (error) {
        context.signal.throwIfAborted();
        if (!(error instanceof HoldfastError)) throw error;
        proof.error = reportedError(error);
      }
    },
  };
  switch (snapshot.type) {
    case 'postgres': {
      const { proveDatabase } = await import('./prove-database.ts');
      return proveDatabase(work);
    }
    case 'postgres-globals': {
      const { proveGlobals } = await import('./prove-globals.ts');
      return proveGlobals(work);
    }
    case 'files': {
      const { proveFiles } = await import('./prove-files.ts');
      return proveFiles(work);
    }
    case 'command': {
      const { proveOutput } = await import('./prove-output.ts');
      return proveOutput(work);
    }
  }
}
