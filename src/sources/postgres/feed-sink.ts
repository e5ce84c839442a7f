import type { Lanes } from '../../repository/lanes.ts';
import type { StoredStream } from '../../repository/stored-stream.ts';
import { type FeedInput, feedTask } from './backup-tasks.ts';
import type { CopySink } from './copy-out.ts';
import { LaneFeed } from './lane-feed.ts';

/** `rowKey`: 16 bytes, hex; takes the fingerprint of rows too. `part`: the stream is a part of one. */
export type FeedOptions = Pick<FeedInput, 'rowKey' | 'part'>;

/**
 * Stores, through a lane, a stream that the main thread reads. A lane is asked for only once there is enough to send or
 * the stream is whole, so that none waits for a slow sender.
 */
export class FeedSink implements CopySink {
  readonly #lanes: Lanes;
  readonly #options: FeedOptions;
  #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  #length = 0;
  #feed: LaneFeed | undefined;
  #stored: Promise<StoredStream> | undefined;

  constructor(lanes: Lanes, options: FeedOptions = {}) {
    this.#lanes = lanes;
    this.#options = options;
  }

  space(): Buffer {
    return this.#buffer.subarray(this.#length);
  }

  async filled(length: number): Promise<void> {
    this.#length += length;
    if (this.#length < this.#buffer.length) return;
    if (this.#buffer.length < largestBuffer) {
      const larger = Buffer.allocUnsafeSlow(this.#buffer.length * 2);
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    } else await this.#send();
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const space = this.space();
      const part = bytes.subarray(at, at + space.length);
      space.set(part);
      at += part.length;
      await this.filled(part.length);
    }
  }

  async #send(): Promise<void> {
    if (this.#feed === undefined) {
      this.#feed = new LaneFeed();
      const port = this.#feed.remote;
      const input: FeedInput = { port, ...this.#options };
      // A port is moved by the same list as buffers.
      const transfer = [port as unknown as ArrayBuffer];
      this.#stored = this.#lanes.run<StoredStream>(feedTask, input, { transfer });
      this.#stored.catch(() => this.#feed?.close());
    }
    await this.#feed.write(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
  }

  /** The stream is whole. @throws HoldfastError */
  async end(): Promise<StoredStream> {
    await this.#send();
    this.#feed!.end();
    return this.#stored!;
  }

  /** The stream will never be whole. */
  fail(): void {
    this.#feed?.fail();
  }
}

const largestBuffer = 4 * 1024 * 1024;
