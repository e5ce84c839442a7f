import { closed } from '../disk-errors.ts';
import type { SftpSession } from './session.ts';

/** Operations at a time on one connection: each has files open on the server, and requests in memory here. */
const operationsEach = 16;

interface Slot {
  session: SftpSession | undefined;
  opening: Promise<SftpSession> | undefined;
  busy: number;
}

/** A fixed number of connections, each opened when it is first needed, and again after it broke. */
export class SessionPool {
  readonly #site: string;
  readonly #open: () => Promise<SftpSession>;
  readonly #slots: Slot[];
  readonly #waiting: (() => void)[] = [];
  #closed = false;

  constructor(site: string, connections: number, open: () => Promise<SftpSession>) {
    this.#site = site;
    this.#open = open;
    this.#slots = Array.from({ length: connections }, () => ({ session: undefined, opening: undefined, busy: 0 }));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Runs `work` on the connection with the least to do. */
  async use<T>(work: (session: SftpSession) => Promise<T>): Promise<T> {
    const slot = await this.#take();
    try {
      return await work(await this.#session(slot));
    } finally {
      slot.busy--;
      this.#waiting.shift()?.();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#slots.map(({ session }) => session?.end()));
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #take(): Promise<Slot> {
    for (;;) {
      if (this.#closed) throw closed(this.#site);
      const slot = this.#slots.reduce((least, other) => (other.busy < least.busy ? other : least));
      if (slot.busy < operationsEach) {
        slot.busy++;
        return slot;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async #session(slot: Slot): Promise<SftpSession> {
    if (slot.session && !slot.session.lost) return slot.session;
    // Of several that find it broken, the first opens the next.
    slot.opening ??= this.#open().finally(() => {
      slot.opening = undefined;
    });
    slot.session = await slot.opening;
    if (this.#closed) {
      await slot.session.end();
      throw closed(this.#site);
    }
    return slot.session;
  }
}
