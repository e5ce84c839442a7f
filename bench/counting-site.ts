/** A site that counts what is asked of it. */
import type { Site } from '../src/sites/site.ts';

/** As an object store counts and bills: a listing is one request for each thousand names, and at least one. */
export interface Requests {
  put: number;
  get: number;
  head: number;
  list: number;
  remove: number;
  /** Bytes of the objects that were stored. */
  stored: number;
  /** Bytes read. */
  read: number;
  /** Objects that were stored, and their bytes, by the directory of the source in which they lie. */
  kinds: Record<string, { objects: number; bytes: number }>;
}

const namesInOneListing = 1000;

export function noRequests(): Requests {
  return { put: 0, get: 0, head: 0, list: 0, remove: 0, stored: 0, read: 0, kinds: {} };
}

/** @returns the site, and what was counted since the last time that was asked */
export function countRequests(site: Site): { site: Site; take(): Requests } {
  let counted = noRequests();
  const stored = (name: string, bytes: number) => {
    const kind = /^sources\/[^/]+\/([^/]+)/.exec(name)?.[1] ?? 'root';
    counted.stored += bytes;
    counted.kinds[kind] ??= { objects: 0, bytes: 0 };
    counted.kinds[kind].objects++;
    counted.kinds[kind].bytes += bytes;
  };
  const counting: Site = {
    name: site.name,
    ...(site.capabilities && { capabilities: site.capabilities }),
    async create(name, body, options) {
      counted.put++;
      const result = await site.create(name, body, options);
      const parts = body instanceof Uint8Array ? [body] : body;
      if (result === 'created')
        stored(
          name,
          parts.reduce((sum, { byteLength }) => sum + byteLength, 0),
        );
      return result;
    },
    async replace(name, body) {
      counted.put++;
      await site.replace(name, body);
      stored(name, body.byteLength);
    },
    async read(name, range) {
      counted.get++;
      const bytes = await site.read(name, range);
      counted.read += bytes.length;
      return bytes;
    },
    stat(name) {
      counted.head++;
      return site.stat(name);
    },
    async *list(prefix) {
      let names = 0;
      for await (const object of site.list(prefix)) {
        if (names++ % namesInOneListing === 0) counted.list++;
        yield object;
      }
      if (names === 0) counted.list++;
    },
    ...(site.directories && {
      directories: (prefix: string) => {
        counted.list++;
        return site.directories!(prefix);
      },
    }),
    remove(name) {
      counted.remove++;
      return site.remove(name);
    },
    close: () => site.close(),
  };
  return {
    site: counting,
    take() {
      const taken = counted;
      counted = noRequests();
      return taken;
    },
  };
}
