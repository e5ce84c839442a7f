/** A configuration that works, through the real `init`, and a database and a tree to back up. */
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ThrowawayConnection } from '../../src/sources/postgres/throwaway.ts';
import { holdfast, type Outcome } from './run-holdfast.ts';

export interface WorkingSetup {
  readonly directory: string;
  /** The tree of the source `documents`. */
  readonly tree: string;
  readonly site: string;
  run(...args: string[]): Promise<Outcome>;
  /** As `run`, with an owner's identity. */
  asOwner(...args: string[]): Promise<Outcome>;
  /** The one document of a run that must succeed with `status`. */
  json<T>(args: string[], status?: number): Promise<T>;
}

/** @param connection of the source `app`; none without */
export async function workingSetup(connection?: ThrowawayConnection): Promise<WorkingSetup> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-setup-'));
  const tree = join(directory, 'tree');
  mkdirSync(tree);
  writeFileSync(join(tree, 'first.txt'), 'the first file\n');
  const url = connection && postgresUrl(connection);
  const flags = [
    ...['--site', 'site', '--operator', 'Example Ltd', '--country', 'FR', '--host-name', 'web1'],
    ...['--owner', 'anna', '--owner', 'bert', '--files', 'documents=tree', '--time-zone', 'UTC'],
    ...(url ? ['--postgres', `app=${url}`] : []),
  ];
  const run = (...args: string[]) => holdfast(args, { cwd: directory });
  const asOwner = (...args: string[]) => run('-i', join('owners', 'anna.key'), ...args);
  const made = await run('init', ...flags);
  if (made.status !== 0) throw new Error(`init failed: ${made.stderr}`);
  return {
    directory,
    tree,
    site: join(directory, 'site'),
    run,
    asOwner,
    async json<T>(args: string[], status = 0): Promise<T> {
      const outcome = await asOwner('--json', ...args);
      if (outcome.status !== status) throw new Error(`${args[0]} ended with ${outcome.status}: ${outcome.stderr}`);
      return JSON.parse(outcome.stdout) as T;
    },
  };
}

export function postgresUrl({ host, port, user, database }: ThrowawayConnection): string {
  return `postgres://${user}@/${encodeURIComponent(database)}?host=${encodeURIComponent(host)}&port=${port}`;
}

/** A copy of the site, to come back to. */
export function copySite(setup: WorkingSetup, name: string): string {
  const copy = join(setup.directory, name);
  cpSync(setup.site, copy, { recursive: true });
  return copy;
}
