import { isHoldfastError } from '../base/errors.ts';
import { accessAt, type RepositoryAccess, sitesOf } from '../repository/access.ts';
import { type OpenedSource, type Opening, openSource } from '../repository/source-record.ts';

/**
 * Opens a source from whichever live site has its keys whole.
 *
 * @throws HoldfastError `not-found` when no site has a backup of it; otherwise what the first site gave that has one:
 *   `wrong-key`, `not-trusted`, `object-missing`
 */
export async function openAnywhere(access: RepositoryAccess, name: string, opening?: Opening): Promise<OpenedSource> {
  let failure: unknown;
  for (const site of sitesOf(access).live) {
    try {
      return await openSource(accessAt(access, site), name, opening);
    } catch (error) {
      if (!isHoldfastError(error, 'not-trusted', 'object-damaged', 'object-missing', 'not-found', 'wrong-key')) {
        throw error;
      }
      if (failure === undefined || isHoldfastError(failure, 'not-found')) failure = error;
    }
  }
  throw failure;
}
