/** `holdfast verify`: a full restore in a scratch, compared with what was backed up. */
import { type Command, Option } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import { HoldfastError } from '../src/base/errors.ts';
import type { VerifyReport } from '../src/jobs/verify/report.ts';
import type { VerifyItem, VerifyRequest } from '../src/jobs/verify/request.ts';
import type { ScratchSettings } from '../src/jobs/verify/scratch.ts';
import type { RepositoryAccess } from '../src/repository/access.ts';
import type { Context, Start } from './context.ts';
import { type AccessNeeds, type OpenAccess, openAccess } from './repository-access.ts';
import { badUsage, wholeNumber } from './usage.ts';
import { addOutputFlags, type OutputFlags, prepareOutputs, recordingAt } from './verify-outputs.ts';
import { addStatementFlags, checkStatementFile, type StatementFlags } from './verify-statement.ts';
import { versionOf } from './version.ts';

const help = `
Restores each snapshot in full into a scratch that is thrown away, and compares
everything in it with what was backed up: definitions, every row, sequences,
large objects, roles; every byte and attribute of a tree. Everything is read
from one site; without --site they take turns.

Three verdicts. pass: everything was compared and is equal. fail (exit status
4): something differs, is damaged, or is older than it should be. could not
verify (5): something could not be examined, and nobody knows.

Needs the identity of an owner.

Examples:
  $ holdfast verify -i anna.key
  $ holdfast verify app@2026-11-22 --site vault -i anna.key
  $ holdfast verify app --keep -i anna.key
  $ holdfast verify --scratch server -i anna.key \\
      --scratch-url postgres://postgres@test/
`;

export interface VerifyOptions extends OutputFlags, StatementFlags {
  site?: string;
  scratch?: ScratchSettings['kind'];
  scratchUrl?: string;
  scratchDir?: string;
  keep?: boolean;
  jobs?: number;
  timeout?: number;
  dryRun?: boolean;
  sample?: string;
  seed?: string;
}

/** Adds the command to the program. */
export function addVerify(program: Command, start: Start): void {
  const command = program
    .command('verify')
    .description('prove snapshots: restore them in full, and compare')
    .argument('[snapshot...]', 'such as app or app@2026-11-22 (default: the newest of every source)')
    .option('--site <name>', 'read from this site')
    .addOption(
      new Option('--scratch <kind>', 'what databases are restored into').choices(['local', 'server', 'embedded']),
    )
    .option('--scratch-url <url>', 'of a superuser of the server for --scratch server')
    .option('--scratch-dir <path>', 'where scratch clusters and trees are made')
    .option('--keep', 'leave the scratch for a person, and say how to reach it')
    .option('--jobs <n>', 'how many things to do at the same time', wholeNumber('--jobs', 1))
    .option('--timeout <duration>', 'how long one proof may take, such as 90m')
    .option('--sample <share>', 'compare the rows of a part only, such as 10%: then the verdict is sampled')
    .option('--seed <text>', 'of an earlier sample, to compare the same part again')
    .option('--dry-run', 'show what it would do, and do nothing')
    .addHelpText('after', help)
    .action((addresses: string[], options: VerifyOptions & { timeout?: string }) =>
      start(async (context) => run(context, addresses, { ...options, timeout: await timeoutOf(options.timeout) })),
    );
  addStatementFlags(addOutputFlags(command));
}

async function run(context: Context, addresses: string[], options: VerifyOptions): Promise<ErrorCode | undefined> {
  if (options.offlineStatement ?? options.trust ?? options.trustSha256) return checkStatementFile(context, options);
  const [{ verify }, { verifyText }] = await Promise.all([
    import('../src/jobs/verify/verify.ts'),
    import('./views/verify.ts'),
  ]);
  const { output } = context;
  const { config } = await context.config();
  const outputs = await prepareOutputs(context, options);
  // The proofs are written there.
  const readOnly = options.dryRun ?? false;
  const needs = { host: 'at-hand', sites: 'all', site: options.site, readOnly, olderVersions: true } as const;
  await using opened = await openSites(context, needs);
  const { access } = opened;
  const request = await requestOf(context, access, addresses, options);
  const view = { style: output.style, width: output.width, timeZone: config.rotation.timeZone };
  if (options.dryRun) {
    const [{ planVerify }, { plannedText }] = await Promise.all([
      import('../src/jobs/verify/plan.ts'),
      import('./views/verify.ts'),
    ]);
    const planned = await planVerify(access, request);
    context.finishProgress();
    const document = { dryRun: true, scratch: request.scratch.kind, proofs: planned };
    output.result('verify/1', document, () => plannedText(planned, view));
    return undefined;
  }
  const { past, recorder, request: recording } = await recordingAt(access, request.version);
  const report = await verify(access, { ...request, ...recording });
  context.finishProgress();
  output.result('verify/1', report, () => verifyText(report, view));
  await outputs.write({
    report,
    timeZone: view.timeZone,
    trends: () => past.trends(report.proofs.map(({ source }) => source)),
    statements: recorder.lines,
  });
  return statusOf(context, report) ?? (recorder.incomplete > 0 ? 'partial' : undefined);
}

/** What a job asks for: the newest snapshots of the named sources, or of all; proofs are signed and stored. */
export async function recordedRequest(
  context: Context,
  access: RepositoryAccess,
  sources: string[],
): Promise<VerifyRequest> {
  const request = await requestOf(context, access, sources, {});
  const { request: recording } = await recordingAt(access, request.version);
  return { ...request, ...recording };
}

/** A site that cannot be reached is nothing that anybody could verify. */
async function openSites(context: Context, needs: AccessNeeds): Promise<OpenAccess> {
  const { isSiteFailure } = await import('../src/repository/run-sites.ts');
  try {
    return await openAccess(context, needs);
  } catch (error) {
    if (!isSiteFailure(error)) throw error;
    const { message, why, hint } = error;
    throw new HoldfastError('could-not-verify', 'Nothing could be verified.', {
      why: [message, why].filter(Boolean).join(' '),
      hint,
      cause: error,
    });
  }
}

async function requestOf(
  context: Context,
  access: RepositoryAccess,
  addresses: string[],
  options: VerifyOptions,
): Promise<VerifyRequest> {
  const [{ config }, { checksRequest }] = await Promise.all([context.config(), import('./proof-checks.ts')]);
  const facts = config.sites.map(({ name, operator, country }) => [name, { operator, country }] as const);
  const { time, size } = config.verify.limits;
  return {
    items: await itemsOf(context, access, addresses),
    siteFacts: Object.fromEntries(facts),
    scratch: await scratchOf(context, options),
    limits: { timeMs: options.timeout ?? time, ...(size !== undefined && { bytes: size }) },
    jobs: options.jobs,
    keep: options.keep,
    env: context.environment,
    version: await versionOf(),
    ...(await checksRequest(config.verify, (secret) => context.secret(secret), options)),
  };
}

/** Snapshots as they were named; without names the newest of every source. */
async function itemsOf(context: Context, access: RepositoryAccess, addresses: string[]): Promise<VerifyItem[]> {
  const { namesInRepository, sourceNamed } = await import('./source-settings.ts');
  const { config } = await context.config();
  const item = (address: string): VerifyItem => {
    const at = address.lastIndexOf('@');
    const source = at < 0 ? address : address.slice(0, at);
    return { address, source, type: sourceNamed(config, source).type };
  };
  const all: VerifyItem[] = [];
  for (const address of new Set(addresses)) {
    if (address.includes('@')) all.push(item(address));
    // Of a cluster each database is a source.
    else all.push(...(await namesInRepository(access, config, [address])).map(item));
  }
  return addresses.length > 0 ? all : (await namesInRepository(access, config, [])).map(item);
}

/** Where snapshots are restored to be looked at. @throws HoldfastError `usage` */
export async function scratchOf(
  context: Context,
  options: Pick<VerifyOptions, 'scratch' | 'scratchUrl' | 'scratchDir'>,
): Promise<ScratchSettings> {
  const [{ config }, { resolve, join }, { defaultScratchDirectory }] = await Promise.all([
    context.config(),
    import('node:path'),
    import('../config/verify.ts'),
  ]);
  const { scratch } = config.verify;
  const kind = options.scratch ?? (options.scratchUrl === undefined ? scratch.kind : 'server');
  if (options.scratchUrl !== undefined && kind !== 'server') throw badUsage('--scratch-url is for --scratch server.');
  const own = join(defaultScratchDirectory, `holdfast-scratch-${process.geteuid?.() ?? 'user'}`);
  const url =
    kind !== 'server' ? undefined : (options.scratchUrl ?? (scratch.url && (await context.secret(scratch.url))));
  return {
    kind,
    directory: options.scratchDir === undefined ? (scratch.directory ?? own) : resolve(context.cwd, options.scratchDir),
    ...(url !== undefined && { admin: await adminOf(context, url) }),
    ...(scratch.binaries !== undefined && { binaries: scratch.binaries }),
    ...(scratch.user !== undefined && { user: scratch.user }),
  };
}

async function adminOf({ environment }: Context, url: string) {
  const [{ readPostgresUrl }, { withPassword }] = await Promise.all([
    import('./postgres-url.ts'),
    import('./source-settings.ts'),
  ]);
  const named = url.replace(/^(postgres(?:ql)?:\/\/[^/?#]*)\/?(?=$|\?)/i, '$1/postgres');
  const { connection, password } = readPostgresUrl(named, '--scratch-url');
  return withPassword(connection, password ?? environment.PGPASSWORD);
}

async function timeoutOf(text: string | undefined): Promise<number | undefined> {
  if (text === undefined) return undefined;
  const { durationForm, parseDuration } = await import('../config/duration.ts');
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw badUsage(`--timeout wants ${durationForm}.`);
}

/** When a key was given, and it is the wrong one for everything, that is what has to be told. */
function statusOf({ flags }: Context, { verdict, proofs }: VerifyReport): ErrorCode | undefined {
  if (verdict === 'fail') return 'verification-failed';
  if (verdict !== 'could-not-verify') return undefined;
  const isWrongKey = proofs.length > 0 && proofs.every(({ error }) => error?.code === 'wrong-key');
  return isWrongKey && flags.identity.length > 0 ? 'wrong-key' : 'could-not-verify';
}
