/** Where a snapshot lies when the site that is read from does not have it. */
import { HoldfastError, isHoldfastError } from '../src/base/errors.ts';
import type { Context } from './context.ts';
import { openAccess } from './repository-access.ts';

/**
 * Does `work` on a snapshot; when the site does not have it, or hides it, and another one that can be reached does, the
 * error names that one.
 *
 * @param readFrom name of the site that `work` reads from
 */
export async function orElsewhere<T>(
  context: Context,
  address: string,
  readFrom: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isHoldfastError(error, 'not-found', 'rollback', 'object-missing', 'object-damaged', 'not-trusted'))
      throw error;
    if ((await context.config()).config.sites.length < 2) throw error;
    const site = await siteThatHasIt(context, address, readFrom);
    if (site === undefined) throw error;
    throw new HoldfastError(error.code, error.message, {
      ...(error.why !== undefined && { why: error.why }),
      hint: `The site "${site}" has it: --site ${site}`,
      cause: error,
    });
  }
}

/** Nothing that goes wrong here may hide the error that it is about. */
async function siteThatHasIt(context: Context, address: string, readFrom: string): Promise<string | undefined> {
  const { siteWithSnapshot } = await import('../src/jobs/snapshots.ts');
  try {
    await using opened = await openAccess(context, { host: 'optional', sites: 'all', readOnly: true });
    return await siteWithSnapshot(opened.access, address, readFrom);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return undefined;
  }
}
