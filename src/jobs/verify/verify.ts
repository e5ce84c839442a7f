/**
 * `holdfast verify`: restores snapshots in full into a scratch, and compares what came out with what was backed up. Whatever
 * was not compared never counts as equal, and whatever kept it from being compared is told.
 */
import { isoTime } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { giveBackFreedBuffers } from '../../base/memory.ts';
import { accessAt, type RepositoryAccess, sitesOf } from '../../repository/access.ts';
import type { Site } from '../../sites/site.ts';
import { CheckList, plannedChecks } from './check-list.ts';
import { reportedError } from './errors.ts';
import { proveSnapshot } from './prove.ts';
import { type SnapshotProof, type VerifyReport, worst } from './report.ts';
import type { ProvenSubject, VerifyItem, VerifyRequest } from './request.ts';
import { removeLeakedScratches } from './scratch-directory.ts';
import { rememberTurn, siteInTurn } from './site-turns.ts';

/**
 * Proves one snapshot after the other. What cannot be proven says why in its proof, and does not keep the next from being
 * looked at.
 *
 * @throws HoldfastError `usage`; the signal's reason when interrupted
 */
export async function verify(access: RepositoryAccess, request: VerifyRequest): Promise<VerifyReport> {
  giveBackFreedBuffers();
  const { clock } = access;
  const [started, from] = [isoTime(clock.now()), clock.monotonic()];
  await removeLeakedScratches(request.scratch.directory, access.emit, clock.now());
  const proofs: SnapshotProof[] = [];
  for (const item of request.items) {
    access.signal.throwIfAborted();
    const { live, all } = sitesOf(access);
    // Where all are lost, the proof says so.
    const sites = live.length > 0 ? live : all;
    const site = (await request.chooseSite?.(item.source, sites)) ?? (await siteInTurn(access, item.source, sites));
    proofs.push(await verifySnapshot(access, site, item, request));
  }
  return {
    verdict: worst(proofs.map(({ verdict }) => verdict)),
    started,
    durationMs: clock.monotonic() - from,
    version: request.version,
    proofs,
  };
}

/** Proves one snapshot from one site, within its time. @throws as `verify` */
export async function verifySnapshot(
  access: RepositoryAccess,
  site: Site,
  item: VerifyItem,
  request: VerifyRequest,
): Promise<SnapshotProof> {
  const { clock, emit } = access;
  const { source, type } = item;
  emit({ type: 'step', text: `Verifying ${item.address} from ${site.name}` });
  const from = clock.monotonic();
  const proof: SnapshotProof = {
    source,
    type,
    site: { name: site.name, ...request.siteFacts?.[site.name] },
    verdict: 'could-not-verify',
    started: isoTime(clock.now()),
    ended: '',
    durationMs: 0,
    checks: [],
    contents: [],
    readBytes: 0,
    packs: 0,
    objectives: request.objectives?.(source) ?? {},
    ...(request.sample && { sample: { share: request.sample.share, seed: request.sample.seed } }),
  };
  const checks = new CheckList(plannedChecks(type), clock);
  const time = startTimer(access, request.limits.timeMs);
  const atSite = accessAt({ ...surroundings(access), signal: time.signal }, site);
  const subject: ProvenSubject = { access: accessAt(access, site) };
  try {
    const others = sitesOf(access).live.filter((other) => other !== site);
    await proveSnapshot({ access: atSite, others, item, request, proof, checks, subject });
  } catch (error) {
    access.signal.throwIfAborted();
    if (error instanceof HoldfastError && error.code === 'usage') throw error;
    proof.error = reportedError(time.signal.aborted ? time.signal.reason : error);
    if (!(error instanceof HoldfastError)) emit({ type: 'warning', source, text: placeOf(error) });
  } finally {
    time.end();
  }
  const { error } = proof;
  proof.checks = checks.finish(
    error ? `Not examined: ${[error.message, error.why].filter(Boolean).join(' ')}` : 'Not examined.',
  );
  proof.verdict = worst([
    ...proof.checks.map(({ verdict }) => verdict),
    ...(error ? (['could-not-verify'] as const) : []),
  ]);
  proof.ended = isoTime(clock.now());
  proof.durationMs = clock.monotonic() - from;
  await rememberTurn(access, source, site);
  await request.proved?.(proof, subject);
  return proof;
}

/** One by one: to spread an access would ask for its site. */
function surroundings({ trust, host, identities, dedupWith, stateDirectory, clock, emit, signal }: RepositoryAccess) {
  return { trust, ...(host && { host }), identities, dedupWith, stateDirectory, clock, emit, signal };
}

/** A signal that ends with the access's, or when the time is over. */
function startTimer({ clock, signal }: RepositoryAccess, timeMs: number): { signal: AbortSignal; end(): void } {
  const [stop, over] = [new AbortController(), new AbortController()];
  clock.sleep(timeMs, over.signal).then(
    () =>
      stop.abort(
        new HoldfastError('could-not-verify', 'The proof took longer than it may: timeout.', {
          why: `It has ${Math.round(timeMs / 1000)} seconds.`,
          hint: 'Give it more: --timeout, or verify.limits.time in the configuration.',
        }),
      ),
    () => {},
  );
  return { signal: AbortSignal.any([signal, stop.signal]), end: () => over.abort() };
}

/** Where our own program failed, without the text of the error, which could quote a value. */
function placeOf(error: unknown): string {
  const frame =
    error instanceof Error ? (error.stack ?? '').split('\n').find((line) => /^\s+at /.test(line)) : undefined;
  const name = error instanceof Error ? error.name : typeof error;
  return `The program itself failed (${name}${frame ? ` ${frame.trim()}` : ''}): please report it.`;
}
