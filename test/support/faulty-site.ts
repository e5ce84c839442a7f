import { HoldfastError } from '../../src/base/errors.ts';
import type { Site } from '../../src/sites/site.ts';

export type SiteOperation = 'create' | 'replace' | 'read' | 'stat' | 'list' | 'remove';

/** Called before each operation; what it throws, the operation throws; what it waits for, the operation waits for. */
export type Fault = (operation: SiteOperation, name: string) => void | Promise<void>;

/** A site whose operations can be made to fail. */
export class FaultySite implements Site {
  readonly inner: Site;
  fault: Fault | undefined;
  /** Operations that were begun. */
  readonly calls: { operation: SiteOperation; name: string }[] = [];

  constructor(inner: Site, fault?: Fault) {
    this.inner = inner;
    this.fault = fault;
  }

  get name(): string {
    return this.inner.name;
  }

  async create(...args: Parameters<Site['create']>) {
    await this.#before('create', args[0]);
    return this.inner.create(...args);
  }

  async replace(...args: Parameters<Site['replace']>) {
    await this.#before('replace', args[0]);
    return this.inner.replace(...args);
  }

  async read(...args: Parameters<Site['read']>) {
    await this.#before('read', args[0]);
    return this.inner.read(...args);
  }

  async stat(name: string) {
    await this.#before('stat', name);
    return this.inner.stat(name);
  }

  async *list(prefix: string) {
    await this.#before('list', prefix);
    yield* this.inner.list(prefix);
  }

  async remove(name: string) {
    await this.#before('remove', name);
    return this.inner.remove(name);
  }

  close() {
    return this.inner.close();
  }

  async #before(operation: SiteOperation, name: string): Promise<void> {
    this.calls.push({ operation, name });
    await this.fault?.(operation, name);
  }
}

/** A site that cannot be reached, for some operations or for all. */
export function unreachable(
  site: string,
  when: (operation: SiteOperation, name: string) => boolean = () => true,
): Fault {
  return (operation, name) => {
    if (when(operation, name)) throw new HoldfastError('site-unavailable', `The site "${site}" cannot be reached.`);
  };
}
