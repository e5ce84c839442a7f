import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { HoldfastError } from '../../base/errors.ts';

/**
 * A stream of bytes from the main thread into a task of a lane: for what only the main thread can read, such as the
 * session that holds the locks, and the output of pg_dump. The receiver says when it has dealt with a piece, so that
 * never more than a few are under way.
 */

type FeedMessage = { bytes: Uint8Array } | { end: true } | { failed: true };

/** Bytes under way before the sender waits. */
const window = 4 * 1024 * 1024;

export class LaneFeed {
  /** Goes to the task, by transfer. */
  readonly remote: MessagePort;
  readonly #port: MessagePort;
  #sent = 0;
  #taken = 0;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.remote = port2;
    port1.on('message', (length: number) => {
      this.#taken += length;
      this.#wake?.();
    });
    port1.on('close', () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  /** Sends a copy of `bytes`; waits while the lane is behind. @throws HoldfastError when the lane has gone */
  async write(bytes: Uint8Array): Promise<void> {
    while (!this.#closed && this.#sent - this.#taken > window) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#closed) throw new HoldfastError('internal', 'The lane that takes a stream has gone.');
    const copy = Uint8Array.from(bytes);
    this.#sent += copy.length;
    this.#port.postMessage({ bytes: copy } satisfies FeedMessage, [copy.buffer]);
  }

  /** The stream is whole. */
  end(): void {
    this.#port.postMessage({ end: true } satisfies FeedMessage);
  }

  /** Nobody takes the stream any more: `write` fails from now on. */
  close(): void {
    this.#port.close();
  }

  /** The stream will never be whole: the task fails. */
  fail(): void {
    this.#port.postMessage({ failed: true } satisfies FeedMessage);
  }
}

/**
 * Takes a feed in the lane, until it ends.
 *
 * @throws HoldfastError when the sender failed or is gone; whatever `take` throws
 */
export async function receiveFeed(port: MessagePort, take: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  const broken = () => new HoldfastError('source-failed', 'A stream ended before it was whole.');
  try {
    await new Promise<void>((resolve, reject) => {
      let tail = Promise.resolve();
      port.on('message', (message: FeedMessage) => {
        if ('bytes' in message) {
          tail = tail.then(async () => {
            await take(message.bytes);
            port.postMessage(message.bytes.length);
          });
          tail.catch(reject);
        } else if ('end' in message) tail.then(resolve, reject);
        else reject(broken());
      });
      port.once('close', () => reject(broken()));
    });
  } finally {
    port.close();
  }
}
