/** `holdfast status`: is everything as it should be? */
import type { Command } from 'commander';
import type { Config } from '../config/schema.ts';
import type { ErrorCode } from '../src/base/errors.ts';
import type { HookStatus } from '../src/jobs/status-report.ts';
import type { Context, Start } from './context.ts';
import { openAccess } from './repository-access.ts';

const help = `
Sources, sites and jobs, with what is late, missing or failing at the top. What
runs did is what this machine remembers; snapshots and proofs are what the sites
show. A site that does not answer within ten seconds is left out and told of.
Writes nothing to the sites, and needs no owner.

The status is 0 whatever it tells; with --fail it is 3 when there is a problem.

Examples:
  $ holdfast status
  $ holdfast status --fail --json
  $ holdfast status --offline
`;

interface Options {
  offline?: boolean;
  fail?: boolean;
}

/** Milliseconds for one request to a site: somebody is waiting. */
const patienceMs = 10_000;

/** Adds the command to the program. */
export function addStatus(program: Command, start: Start): void {
  program
    .command('status')
    .description('what is late, missing or failing, and how old the last success is')
    .option('--offline', 'ask no site: only what this machine remembers')
    .option('--fail', 'end with 3 when there is a problem; for monitoring')
    .addHelpText('after', help)
    .action((options: Options) => start((context) => show(context, options)));
}

async function show(context: Context, options: Options): Promise<ErrorCode | undefined> {
  const [{ status }, { namesInRepository }, { statusText, statusDocument }, { config }] = await Promise.all([
    import('../src/jobs/status.ts'),
    import('./source-settings.ts'),
    import('./views/status.ts'),
    context.config(),
  ]);
  const offline = options.offline ?? false;
  const { maxAge, maxProofAge, maxUnread } = config.status;
  const needs = { sites: 'all', readOnly: true, orNone: true, patienceMs } as const;
  await using opened = offline
    ? await withoutSites(context)
    : await openAccess(context, { ...needs, host: 'at-hand', olderVersions: false });
  const { access } = opened;
  const report = await status(access, {
    sources: async (asked) => (asked ? namesInRepository(access, config, []) : config.sources.map(({ name }) => name)),
    sites: config.sites,
    jobs: Object.entries(config.jobs).map(([name, { schedule, backup }]) => ({ name, schedule, backup })),
    timeZone: config.rotation.timeZone,
    hooks: await hooksOf(context, config),
    limits: {
      ...(maxAge !== undefined && { maxAgeMs: maxAge }),
      maxProofAgeMs: maxProofAge,
      maxUnreadMs: maxUnread,
    },
    offline,
  });
  context.finishProgress();
  const { width, style } = context.output;
  const view = { width, style, timeZone: config.rotation.timeZone, verbose: context.flags.verbose };
  context.output.result('status/1', statusDocument(report), () => statusText(report, view));
  return options.fail && !report.healthy ? 'partial' : undefined;
}

/** Needs neither keys nor secrets. */
async function withoutSites(context: Context) {
  const [{ config }, { accessTo }, { Trust }, { RunSites }, { partiesOf }, { brokenSite }, { HoldfastError }] =
    await Promise.all([
      context.config(),
      import('../src/repository/access.ts'),
      import('../src/repository/trust.ts'),
      import('../src/repository/run-sites.ts'),
      import('../config/trust-parties.ts'),
      import('../src/sites/broken.ts'),
      import('../src/base/errors.ts'),
    ]);
  const error = new HoldfastError('site-unavailable', 'The sites were not asked.');
  const { clock, emit, signal } = context;
  const access = accessTo(
    {
      trust: new Trust(config.repository, partiesOf(config)),
      identities: [],
      dedupWith: [],
      stateDirectory: config.state,
      clock,
      emit,
      signal,
    },
    new RunSites(
      config.sites.map(({ name }) => brokenSite(name, error)),
      { clock },
    ),
  );
  return { access, [Symbol.asyncDispose]: async () => {} };
}

async function hooksOf(context: Context, { notify }: Config): Promise<HookStatus[]> {
  const { notifyRecordsOf } = await import('./notifying.ts');
  const records = await notifyRecordsOf(context);
  return Promise.all(
    notify.map(async ({ name, type }) => {
      const last = await records.read(name);
      return { hook: name, type, ...(last && { last }) };
    }),
  );
}
