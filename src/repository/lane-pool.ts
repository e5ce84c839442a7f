import { type Lanes, type LanesSettings, openLanes, type ReusableLanes } from './lanes.ts';

/** Keeps the lanes of one source for the next. One source works at a time. */
export class LanePool implements AsyncDisposable {
  #idle: { lanes: ReusableLanes; entry: string; signal: AbortSignal | undefined } | undefined;

  /**
   * Runs `work` with lanes, those of the source before where they fit. Lanes in which something failed are not used
   * again: a task that was given up may still be in them.
   */
  async with<T>(settings: LanesSettings, work: (lanes: Lanes) => Promise<T>): Promise<T> {
    const { entry, signal } = settings;
    const lanes = await this.#take(settings);
    let whole = false;
    try {
      const result = await work(lanes);
      whole = true;
      return result;
    } finally {
      if (whole) this.#idle = { lanes, entry: entry.href, signal };
      else await lanes[Symbol.asyncDispose]();
    }
  }

  async #take(settings: LanesSettings): Promise<ReusableLanes> {
    const idle = this.#idle;
    this.#idle = undefined;
    if (!idle) return openLanes(settings);
    const { lanes, entry, signal } = idle;
    if (lanes.count === settings.count && entry === settings.entry.href && signal === settings.signal) {
      lanes.assign(settings);
      return lanes;
    }
    await lanes[Symbol.asyncDispose]();
    return openLanes(settings);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#idle?.lanes[Symbol.asyncDispose]();
    this.#idle = undefined;
  }
}
