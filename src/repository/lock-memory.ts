import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { type LocalState, writeDurably } from './local-state.ts';

/**
 * Until when this machine knows objects of a source to be locked at a site: locks are never shortened, so what was true
 * stays true. Losing it costs a request an object.
 */
export class LockMemory {
  readonly #path: string;
  readonly #dates: Map<string, number>;
  #changed = false;

  private constructor(path: string, dates: Map<string, number>) {
    this.#path = path;
    this.#dates = dates;
  }

  static async open(state: LocalState, sourceId: string, site: string): Promise<LockMemory> {
    const path = join(state.directory, 'locks', `${sourceId}-${site}.json`);
    const dates = new Map<string, number>();
    try {
      // Many share a date: date → names.
      const found = Object.entries(JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>);
      for (const [date, names] of found) {
        if (!Number.isSafeInteger(Number(date)) || !Array.isArray(names)) continue;
        for (const name of names) if (typeof name === 'string') dates.set(name, Number(date));
      }
    } catch (error) {
      if (!(error instanceof SyntaxError) && systemCode(error) !== 'ENOENT') throw error;
    }
    return new LockMemory(path, dates);
  }

  /** Milliseconds since 1970; 0 where nothing is known. @param name below the source's prefix, or of the root */
  until(name: string): number {
    return this.#dates.get(name) ?? 0;
  }

  set(name: string, until: number): void {
    if (until <= this.until(name)) return;
    this.#dates.set(name, until);
    this.#changed = true;
  }

  /** @param now what was locked until then is forgotten */
  async save(now: number): Promise<void> {
    if (!this.#changed) return;
    const names = new Map<number, string[]>();
    for (const [name, date] of this.#dates) {
      if (date <= now) continue;
      const same = names.get(date);
      if (same) same.push(name);
      else names.set(date, [name]);
    }
    await writeDurably(this.#path, Buffer.from(`${JSON.stringify(Object.fromEntries(names))}\n`));
    this.#changed = false;
  }
}
