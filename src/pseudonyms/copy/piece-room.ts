/**
 * Memory of rewritten rows on their way, used again: the system would fill every new piece with zeros, page by page, and take
 * it away again from all threads.
 */
import { free } from '../../base/memory.ts';

const mostSpare = 8;
const unit = 64 * 1024;
/** Larger ones are few. */
const largest = 2 * 1024 * 1024;

const spare: ArrayBuffer[] = [];

/** Room for a piece, whose bytes may be anything. */
export function pieceRoom(length: number): Buffer<ArrayBuffer> {
  const at = spare.findIndex(({ byteLength }) => byteLength >= length);
  if (at >= 0) return Buffer.from(spare.splice(at, 1)[0]!, 0, length);
  // Pieces are seldom of one length.
  const room = Math.ceil((length * 9) / 8 / unit) * unit;
  return length > largest ? Buffer.allocUnsafeSlow(length) : Buffer.from(new ArrayBuffer(room), 0, length);
}

/** Takes back a piece that nobody looks at any more. */
export function giveBackPiece({ buffer }: Uint8Array): void {
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength === 0) return;
  if (spare.length < mostSpare && buffer.byteLength % unit === 0 && buffer.byteLength <= 2 * largest)
    spare.push(buffer);
  else free(new Uint8Array(buffer));
}
