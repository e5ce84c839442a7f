/** What a verification would do, looked up without restoring anything. */
import { HoldfastError, type PlainError } from '../../base/errors.ts';
import { accessAt, type RepositoryAccess, sitesOf } from '../../repository/access.ts';
import { locateSnapshot } from './authenticity.ts';
import { reportedError } from './errors.ts';
import type { VerifyItem, VerifyRequest } from './request.ts';
import { siteInTurn } from './site-turns.ts';

export interface PlannedProof extends VerifyItem {
  site: string;
  snapshot?: { id: string; sequence: number; time: string };
  totals?: Record<string, number>;
  /** Why nothing could be proven. */
  error?: PlainError;
}

/** @throws HoldfastError `usage`; the signal's reason when interrupted */
export async function planVerify(
  access: RepositoryAccess,
  { items, chooseSite }: Pick<VerifyRequest, 'items' | 'chooseSite'>,
): Promise<PlannedProof[]> {
  const planned: PlannedProof[] = [];
  for (const item of items) {
    const { live } = sitesOf(access);
    const site = (await chooseSite?.(item.source, live)) ?? (await siteInTurn(access, item.source, live));
    try {
      const { snapshot } = await locateSnapshot(accessAt(access, site), [], item.address);
      const found = snapshot && {
        snapshot: { id: snapshot.id, sequence: snapshot.sequence, time: snapshot.time },
        totals: snapshot.totals,
      };
      planned.push({ ...item, site: site.name, ...found });
    } catch (error) {
      access.signal.throwIfAborted();
      if (!(error instanceof HoldfastError) || error.code === 'usage') throw error;
      planned.push({ ...item, site: site.name, error: reportedError(error) });
    }
  }
  return planned;
}
