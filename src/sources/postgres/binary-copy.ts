import { createHash, type Hash } from 'node:crypto';

/** What PostgreSQL writes before the first row of a binary COPY. */
const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');

export interface LargeObjectContent {
  oid: number;
  /** Bytes. */
  size: number;
  /** Hex. */
  sha256: string;
}

/**
 * Follows a binary COPY of (oid, bytea) as it passes and takes each object's size and SHA-256. Pieces may be cut
 * anywhere; nothing of them is kept.
 */
export class LargeObjectDigests {
  readonly objects: LargeObjectContent[] = [];
  /** Small fixed-size parts (headers, lengths, oids) are gathered here. */
  readonly #part = Buffer.alloc(32);
  #partBytes = 0;
  #wanted = signature.length + 8;
  #state: 'header' | 'extension' | 'fields' | 'oid' | 'length' | 'content' | 'end' = 'header';
  /** Bytes still to come of the header's extension, or of the object under way. */
  #left = 0;
  #oid = 0;
  #size = 0;
  #hash: Hash | undefined;

  /** @throws Error when it is no such COPY */
  update(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'end') throw new Error('the binary COPY goes on after its end');
      if (this.#state === 'content' || this.#state === 'extension') {
        const length = Math.min(this.#left, bytes.length - at);
        this.#hash?.update(bytes.subarray(at, at + length));
        at += length;
        this.#left -= length;
        if (this.#left === 0) this.#ended();
        continue;
      }
      const length = Math.min(this.#wanted - this.#partBytes, bytes.length - at);
      this.#part.set(bytes.subarray(at, at + length), this.#partBytes);
      at += length;
      this.#partBytes += length;
      if (this.#partBytes === this.#wanted) this.#read();
    }
  }

  /** @throws Error when the COPY is not whole */
  end(): LargeObjectContent[] {
    if (this.#state !== 'end') throw new Error('the binary COPY ends too early');
    return this.objects;
  }

  /** A part is whole: what it says, and what comes next. */
  #read(): void {
    const part = this.#part;
    this.#partBytes = 0;
    switch (this.#state) {
      case 'header':
        if (!part.subarray(0, signature.length).equals(signature)) throw new Error('not a binary COPY');
        this.#left = part.readInt32BE(signature.length + 4);
        if (this.#left > 0) this.#state = 'extension';
        else this.#next('fields', 2);
        break;
      case 'fields': {
        const fields = part.readInt16BE(0);
        if (fields === -1) this.#state = 'end';
        else if (fields === 2) this.#next('oid', 8);
        else throw new Error('a row of the binary COPY has not two fields');
        break;
      }
      case 'oid':
        if (part.readInt32BE(0) !== 4) throw new Error('the first field is not an oid');
        this.#oid = part.readUInt32BE(4);
        this.#next('length', 4);
        break;
      case 'length':
        this.#size = part.readInt32BE(0);
        if (this.#size < 0) throw new Error('a large object is null');
        this.#left = this.#size;
        this.#hash = createHash('sha256');
        this.#state = 'content';
        if (this.#left === 0) this.#ended();
        break;
    }
  }

  #next(state: 'fields' | 'oid' | 'length', wanted: number): void {
    this.#state = state;
    this.#wanted = wanted;
  }

  #ended(): void {
    if (this.#hash) this.objects.push({ oid: this.#oid, size: this.#size, sha256: this.#hash.digest('hex') });
    this.#hash = undefined;
    this.#next('fields', 2);
  }
}

/** Bytes of a header without extension, which is all that PostgreSQL writes, and of the trailer. */
const headerBytes = signature.length + 8;
const trailerBytes = 2;

/** What is left of a binary COPY when its header, its trailer or both are taken away, piece by piece. */
export class BinaryMiddle {
  readonly #keepTrailer: boolean;
  #headerLeft: number;
  /** The last bytes so far: they may be the trailer. */
  #held = Buffer.alloc(0);

  constructor(keep: { header: boolean; trailer: boolean }) {
    this.#headerLeft = keep.header ? 0 : headerBytes;
    this.#keepTrailer = keep.trailer;
  }

  /** The bytes that may go on now: views of `bytes`, and copies. */
  *take(bytes: Buffer): Generator<Buffer, void, undefined> {
    const skipped = Math.min(this.#headerLeft, bytes.length);
    this.#headerLeft -= skipped;
    const rest = bytes.subarray(skipped);
    if (this.#keepTrailer) {
      if (rest.length > 0) yield rest;
      return;
    }
    const all = this.#held.length + rest.length;
    const out = all - trailerBytes;
    if (out <= 0) {
      this.#held = Buffer.concat([this.#held, rest]);
      return;
    }
    const before = this.#held;
    const fromHeld = Math.min(out, before.length);
    this.#held = Buffer.concat([before.subarray(fromHeld), rest]).subarray(-trailerBytes);
    if (fromHeld > 0) yield before.subarray(0, fromHeld);
    if (out > fromHeld) yield rest.subarray(0, out - fromHeld);
  }
}
