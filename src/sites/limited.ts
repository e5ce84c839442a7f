import type { Clock } from '../base/clock.ts';
import type { Site } from './site.ts';

/**
 * A site whose traffic keeps to a rate: an object goes when what went before it has had its time. What is under way is not
 * slowed down in itself, so a rate far below that of the line means bursts with pauses between them.
 *
 * @param bytesPerSecond for both directions together, above 0
 */
export function limitRate(site: Site, bytesPerSecond: number, clock: Clock): Site {
  /** Monotonic time at which the line is free again. */
  let free = clock.monotonic();
  const closed = new AbortController();
  const charge = (bytes: number) => {
    free = Math.max(free, clock.monotonic()) + (bytes / bytesPerSecond) * 1000;
  };
  const pay = async (bytes: number): Promise<void> => {
    const wait = free - clock.monotonic();
    charge(bytes);
    if (wait > 0) await clock.sleep(wait, closed.signal);
  };
  return {
    name: site.name,
    ...(site.capabilities && { capabilities: site.capabilities }),
    ...(site.versions && { versions: site.versions }),
    ...(site.locks && { locks: site.locks }),
    async create(name, body, options) {
      await pay(lengthOf(body));
      return site.create(name, body, options);
    },
    async replace(name, body, options) {
      await pay(body.byteLength);
      return site.replace(name, body, options);
    },
    async read(name, range) {
      await pay(range?.length ?? 0);
      const bytes = await site.read(name, range);
      // Its size is known only now; the next one waits for it.
      if (!range) charge(bytes.length);
      return bytes;
    },
    stat: (name) => site.stat(name),
    list: (prefix) => site.list(prefix),
    ...(site.directories && { directories: (prefix: string) => site.directories!(prefix) }),
    remove: (name) => site.remove(name),
    ...(site.retain && { retain: (...of: Parameters<NonNullable<Site['retain']>>) => site.retain!(...of) }),
    ...(site.lockedUntil && { lockedUntil: (name: string) => site.lockedUntil!(name) }),
    close() {
      closed.abort(new Error('closed'));
      return site.close();
    },
  };
}

function lengthOf(body: Uint8Array | readonly Uint8Array[]): number {
  return body instanceof Uint8Array ? body.byteLength : body.reduce((sum, part) => sum + part.byteLength, 0);
}
