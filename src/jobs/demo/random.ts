import { createCipheriv, createHash } from 'node:crypto';

/**
 * Pseudo-random numbers that are the same for a seed on every machine: xoshiro128** of Blackman and Vigna, "Scrambled
 * Linear Pseudorandom Number Generators" (2021). For made-up data only, never for keys.
 */
export class Random {
  readonly #state: Uint32Array;

  /** Streams of different seeds have nothing in common, however alike the seeds look. */
  constructor(seed: string) {
    const digest = createHash('sha256').update(seed).digest();
    this.#state = Uint32Array.from([0, 4, 8, 12], (at) => digest.readUInt32LE(at));
  }

  /** 0 to 2^32 - 1 */
  next(): number {
    const s = this.#state;
    const scrambled = Math.imul(s[1]!, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** 0 to 1, 1 not included */
  share(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** 0 to `limit` - 1; `limit` below 2^32 */
  below(limit: number): number {
    return Math.floor(this.share() * limit);
  }

  /** `low` to `high`, both included */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability * 0x1_0000_0000;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** As `pick`, the first ones much more often, as words in texts are. */
  favour<T>(list: readonly T[]): T {
    const x = this.share();
    return list[Math.floor(x * x * x * list.length)]!;
  }

  /** `length` hexadecimal digits */
  hex(length: number): string {
    let text = '';
    for (; text.length < length; ) {
      const bits = this.next();
      text += fourDigits[bits >>> 16]! + fourDigits[bits & 0xffff]!;
    }
    return text.length === length ? text : text.slice(0, length);
  }

  /** A UUID of version 4. */
  uuid(): string {
    const hex = this.hex(32);
    const variant = '89ab'[this.below(4)];
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
  }
}

/** `0000` to `ffff`: identifiers are a large part of what is made. */
const fourDigits: readonly string[] = Array.from({ length: 0x1_0000 }, (_, i) => i.toString(16).padStart(4, '0'));

/** `length` bytes that do not compress, the same for a seed. */
export function incompressible(seed: string, length: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('chacha20', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}
