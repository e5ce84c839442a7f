import { HoldfastError } from '../base/errors.ts';
import { blockCipher } from './prf.ts';

/** NIST SP 800-38G revision 1: below a million values FF1 gives no security, and is refused. */
export const minimumDomain = 1_000_000n;

/**
 * FF1 (NIST SP 800-38G) for any radix and length, one value at a time: plain, and held against the published vectors.
 * The batched form (binary-ff1.ts) is held against this one, and is what columns use.
 */
export class Ff1 {
  readonly #cipher;
  readonly #radix: bigint;
  readonly #tweak: Uint8Array;

  /** @param key 16, 24 or 32 bytes */
  constructor(key: Uint8Array, radix: number, tweak: Uint8Array = new Uint8Array(0)) {
    this.#cipher = blockCipher(key);
    this.#radix = BigInt(radix);
    this.#tweak = tweak;
  }

  /** The permutation of the numbers below radix^length. */
  encrypt(value: bigint, length: number): bigint {
    return this.#rounds(value, length, false);
  }

  decrypt(value: bigint, length: number): bigint {
    return this.#rounds(value, length, true);
  }

  #rounds(value: bigint, length: number, backwards: boolean): bigint {
    const radix = this.#radix;
    if (radix ** BigInt(length) < minimumDomain) throw smallDomain();
    const u = length >> 1;
    const v = length - u;
    const sizes = [radix ** BigInt(u), radix ** BigInt(v)] as const;
    const b = Math.ceil((sizes[1] - 1n).toString(2).length / 8);
    const d = 4 * Math.ceil(b / 4) + 4;
    const t = this.#tweak.length;
    const head = Buffer.alloc(16);
    head.set([1, 2, 1]);
    head.writeUIntBE(Number(radix), 3, 3);
    head.set([10, u & 0xff], 6);
    head.writeUInt32BE(length, 8);
    head.writeUInt32BE(t, 12);
    const body = Buffer.alloc(Math.ceil((t + b + 1) / 16) * 16);
    body.set(this.#tweak);
    const divisor = sizes[1];
    let [a, c] = [value / divisor, value % divisor];
    for (let step = 0; step < 10; step++) {
      const round = backwards ? 9 - step : step;
      const size = sizes[round & 1]!;
      const half = backwards ? a : c;
      body[body.length - b - 1] = round;
      body.write(half.toString(16).padStart(2 * b, '0'), body.length - b, 'hex');
      const y = this.#expand(Buffer.concat([head, body]), d);
      if (backwards) [a, c] = [(((c - y) % size) + size) % size, a];
      else [a, c] = [c, (a + y) % size];
    }
    return a * divisor + c;
  }

  /** CBC-MAC of the blocks, lengthened to `d` bytes as the standard's step 6.iii says. */
  #expand(input: Buffer, d: number): bigint {
    let mac: Buffer = Buffer.alloc(16);
    for (let at = 0; at < input.length; at += 16) mac = this.#cipher.update(xor(mac, input.subarray(at, at + 16)));
    const parts = [mac];
    for (let j = 1; j * 16 < d; j++) {
      const counter = Buffer.alloc(16);
      counter.writeUInt32BE(j, 12);
      parts.push(this.#cipher.update(xor(mac, counter)));
    }
    return BigInt(`0x${Buffer.concat(parts).toString('hex', 0, d)}`);
  }
}

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((byte, k) => byte ^ b[k]!));
}

export function smallDomain(): HoldfastError {
  return new HoldfastError('config', 'There are too few values for a format-preserving permutation.', {
    why: `FF1 needs at least ${minimumDomain} possible values.`,
    hint: 'Set `small: shuffle` to allow a keyed shuffle of so few values, or choose another transformer.',
  });
}
