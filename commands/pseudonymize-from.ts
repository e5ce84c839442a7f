/** Which database is read for a pseudonymized copy: the live one, one that a URL names, or a restored snapshot. */
import { type Command, Option } from 'commander';
import type { ClassifySettings } from '../src/jobs/pseudonymize/classify.ts';
import type { SnapshotInfo } from '../src/jobs/pseudonymize/from-snapshot.ts';
import type { PostgresConnection } from '../src/sources/postgres/connection.ts';
import type { Context } from './context.ts';
import { classifySettings } from './pseudonymize-settings.ts';
import { badUsage } from './usage.ts';

export interface FromFlags {
  from?: string;
  fromUrl?: string;
  site?: string;
  scratchDir?: string;
}

export function addFromFlags(command: Command): Command {
  return command
    .addOption(new Option('--from <snapshot>', 'read a snapshot, such as app@2026-11-22').conflicts(['fromUrl']))
    .option('--site <name>', 'read the snapshot from this site')
    .option('--scratch-dir <path>', 'where the private cluster of a snapshot or an archive is made')
    .option('--from-url <url>', 'read this database, such as the one that `verify --keep` left');
}

/** Finds the database that is copied, and gives it to `work`: the live one, one that a URL names, or a restored snapshot. */
export async function fromWhere<T>(
  context: Context,
  given: string | undefined,
  options: FromFlags & { jobs?: number; dryRun?: boolean },
  work: (classify: ClassifySettings, info?: SnapshotInfo) => Promise<T>,
): Promise<T> {
  const { from, fromUrl } = options;
  if (fromUrl !== undefined) {
    const [{ readPostgresUrl }, { withPassword }] = await Promise.all([
      import('./postgres-url.ts'),
      import('./source-settings.ts'),
    ]);
    const { connection, password = context.environment.PGPASSWORD } = readPostgresUrl(fromUrl, '--from-url');
    return work(await classifySettings(context, given, withPassword(connection, password)));
  }
  if (from === undefined) {
    if (options.site !== undefined) throw badUsage('--site is for --from.');
    return work(await classifySettings(context, given));
  }
  if (given !== undefined) throw badUsage('--from names the source already.', `Leave out ${given}.`);
  if (options.dryRun)
    throw badUsage('--dry-run does not go with --from.', 'Without --from it looks at the live database.');
  const [{ config }, { openAccess }, { withSnapshotDatabase }, { scratchOf }] = await Promise.all([
    context.config(),
    import('./repository-access.ts'),
    import('../src/jobs/pseudonymize/from-snapshot.ts'),
    import('./verify.ts'),
  ]);
  const at = from.lastIndexOf('@');
  const nowhere: PostgresConnection = { host: '', port: 0, user: '', database: '' };
  const classify = await classifySettings(context, at < 0 ? from : from.slice(0, at), nowhere);
  await using opened = await openAccess(context, {
    host: 'at-hand',
    sites: 'all',
    site: options.site,
    readOnly: true,
    olderVersions: true,
  });
  const request = {
    address: from,
    site: options.site,
    scratch: await scratchOf(context, { scratchDir: options.scratchDir }),
    scratchLimit: config.verify.limits.size,
    jobs: options.jobs,
    env: context.environment,
  };
  return await withSnapshotDatabase(opened.access, request, (connection, info) =>
    work({ ...classify, connection }, info),
  );
}
