import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';

/**
 * Gives the memory of `bytes` back now, if nothing else lies in it; they are empty afterwards.
 *
 * Buffers of tens of kilobytes that are left to the collector make it run for every 64 MiB that passed through: in a
 * restore that was half of all work. Of a kilobyte each, as ciphers make them by the thousand, they still cost twice as much
 * there; what is smaller is not worth the call.
 */
export function free(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength && bytes.byteLength >= 512) {
    buffer.transfer(0);
  }
}

/** How many want the heap for young objects small. */
let heldSmall = 0;

/**
 * Keeps the heaps for young objects as small as they are, until disposed of. For work that reads large catalogs: V8 would let
 * such a heap grow to three times 16 MiB, and with it what is promoted before its time. Planning the pruning of a terabyte takes a
 * quarter less memory with it, and no longer. There is no such switch for one thread; work that makes rows pass by goes without.
 */
export function smallYoungHeap(): Disposable {
  heldSmall++;
  setFlagsFromString('--semi-space-growth-factor=1');
  return {
    [Symbol.dispose]() {
      if (--heldSmall === 0) setFlagsFromString('--semi-space-growth-factor=2');
    },
  };
}

let asked = false;

/**
 * Has the C library give buffers of 128 KiB and more back to the system as soon as they are freed. By itself it raises that
 * limit to 32 MiB once it has seen such a buffer go, and keeps what it has: a proof of 1 GB then takes 90 MB more.
 *
 * Once is enough for a process; where the library knows no such thing nothing happens.
 */
export function giveBackFreedBuffers(): void {
  if (asked) return;
  asked = true;
  // Of malloc.h of the GNU C library.
  const mmapThreshold = -3;
  try {
    koffi().load(null).func('int mallopt(int parameter, int value)')(mmapThreshold, 128 * 1024);
  } catch {}
}

const koffi = () => createRequire(import.meta.url)('koffi') as typeof import('koffi');

/**
 * Asks the system for large pages under memory that is read and written here and there: of small ones it has more than a
 * processor keeps the addresses of, and each such access then waits for up to four others. Nothing happens where the system knows none.
 */
export function inLargePages({ buffer }: { readonly buffer: ArrayBufferLike }): void {
  // Of sys/mman.h of Linux.
  const advice = 14;
  const page = 4096n;
  if (process.platform !== 'linux' || buffer.byteLength < 4 * 1024 * 1024) return;
  try {
    const { address, load } = koffi();
    const bytes = new Uint8Array(buffer);
    const from = Number((page - (address(bytes) % page)) % page);
    const length = Math.floor((bytes.length - from) / Number(page)) * Number(page);
    load(null).func('int madvise(void *address, size_t length, int advice)')(bytes.subarray(from), length, advice);
  } catch {}
}
