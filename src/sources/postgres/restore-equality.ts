import { HoldfastError } from '../../base/errors.ts';
import type { Check, RestoreContext, Shortfall } from '../source.ts';
import { type CompareSettings, compareDatabase } from './compare.ts';

/** Properties that a database gets with its name, so that it does not have them while it is compared. */
const comeWithName: ReadonlySet<string> = new Set([
  'owner',
  'comment',
  'connection limit',
  'template mark',
  'permission to connect',
  'privileges',
  'settings',
  'security labels',
]);
/** Of the cluster: a restore leaves roles that exist as they are. */
const notOurs: ReadonlySet<string> = new Set(['role', 'membership']);
/** Differences that an error names. */
const named = 10;

/**
 * Compares a database that was built with the snapshot.
 *
 * @param finalName of the error: what the database is not put in the place of
 * @param shortfalls of the restore: what could not be restored as it was is a difference, too
 * @throws HoldfastError `verification-failed` when anything differs, `could-not-verify` when anything could not be compared
 */
export async function assertEqualToSnapshot(
  context: RestoreContext,
  settings: CompareSettings,
  finalName: string,
  shortfalls: readonly Shortfall[],
): Promise<void> {
  const comparison = await compareDatabase(context, settings);
  const checks = [
    ...shortfalls
      .filter(({ degrades }) => degrades)
      .map(({ object, reason }): Check => ({ kind: 'restore', object, verdict: 'differs', detail: reason })),
    ...comparison.checks.filter(
      ({ kind, object }) => !notOurs.has(kind) && (kind !== 'database' || !comeWithName.has(object)),
    ),
  ];
  if (checks.length === 0) return;
  const differing = checks.filter(({ verdict }) => verdict === 'differs');
  const all = differing.length > 0 ? differing : checks;
  const texts = all.slice(0, named).map(({ object, detail }) => `${object}: ${detail ?? 'It is another.'}`);
  if (all.length > named) texts.push(`And ${all.length - named} more.`);
  throw new HoldfastError(
    differing.length > 0 ? 'verification-failed' : 'could-not-verify',
    differing.length > 0
      ? `The restored database differs from the snapshot, so it did not become ${JSON.stringify(finalName)}.`
      : `The restored database could not be compared with the snapshot, so it did not become ${JSON.stringify(finalName)}.`,
    {
      why: texts.join(' '),
      hint: 'It was dropped, and nothing else was changed. To look at it, restore without --swap under another name.',
    },
  );
}
