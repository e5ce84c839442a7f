/** Where a pseudonymized copy goes, and what goes with it. */

import type { CopyTarget, TreeWish } from '../src/jobs/pseudonymize/copy-settings.ts';
import type { Context } from './context.ts';
import { badUsage } from './usage.ts';

export interface TargetFlags {
  to?: string;
  replace?: boolean;
  keepReplaced?: boolean;
}

/** @throws HoldfastError `usage` when nothing says where the copy goes */
export async function targetOf(context: Context, flags: TargetFlags): Promise<CopyTarget> {
  const [{ config }, { readPostgresUrl }, { withPassword }] = await Promise.all([
    context.config(),
    import('./postgres-url.ts'),
    import('./source-settings.ts'),
  ]);
  const { target } = config.pseudonymize;
  const keepReplaced = flags.keepReplaced ?? target?.keepReplaced ?? false;
  const replace = (flags.replace ?? true) && (target?.replace ?? true);
  if (flags.to === undefined && target === undefined) {
    throw badUsage('Nothing says where the copy goes.', 'Set `pseudonymize.target`, or give --to postgres://….');
  }
  const server = await (flags.to === undefined ? configured() : named(flags.to));
  // Not through the database that may have to give up its name.
  const through = server.database === 'postgres' ? 'template1' : 'postgres';
  return { admin: { ...server, database: through }, database: server.database, replace, keepReplaced };

  async function configured() {
    const { connection, password } = target!;
    return withPassword(connection, password && (await context.secret(password)));
  }
  async function named(url: string) {
    const { connection, password = context.environment.PGPASSWORD } = readPostgresUrl(url, '--to');
    return withPassword(connection, password);
  }
}

/** The target without what is secret in it. */
export function shownTarget({ admin, database, replace }: CopyTarget): {
  server: string;
  database: string;
  replace: boolean;
} {
  return { server: `${admin.host}:${admin.port}`, database, replace };
}

/** @throws HoldfastError `config` when a file of `after` cannot be read */
export async function readSql(path: string): Promise<{ name: string; sql: string }> {
  const [{ readFile }, { HoldfastError, systemCode }] = await Promise.all([
    import('node:fs/promises'),
    import('../src/base/errors.ts'),
  ]);
  try {
    return { name: path, sql: await readFile(path, 'utf8') };
  } catch (error) {
    throw new HoldfastError('config', `The file ${path} cannot be read.`, {
      why: `\`pseudonymize.after\` names it; the system says ${systemCode(error) ?? 'nothing'}.`,
      cause: error,
    });
  }
}

/** The trees of `pseudonymize.files`, with absolute paths. */
export async function treesOf(context: Context): Promise<TreeWish[]> {
  const [{ config, directory }, { resolve }] = await Promise.all([context.config(), import('node:path')]);
  return config.pseudonymize.files.map(({ source, target, rules, times }) => {
    const named = config.sources.find(({ name, type }) => name === source && type === 'files');
    const from = named?.type === 'files' ? named.path : resolve(directory, source);
    return { source: from, target: resolve(directory, target), rules, times };
  });
}
