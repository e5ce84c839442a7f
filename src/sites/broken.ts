import type { HoldfastError } from '../base/errors.ts';
import type { Site } from './site.ts';

/** Stands for a site that could not be opened: whatever is asked of it fails for that reason. */
export function brokenSite(name: string, error: HoldfastError): Site {
  const fail = () => Promise.reject(error);
  return {
    name,
    create: fail,
    replace: fail,
    read: fail,
    stat: fail,
    // biome-ignore lint/correctness/useYield: it fails before the first
    async *list() {
      throw error;
    },
    remove: fail,
    close: () => Promise.resolve(),
  };
}
