/** Addresses of networks in binary format. */
import { type BinaryCells, codec, noValue } from './binary-codec.ts';
import type { ByteColumn } from './byte-column.ts';
import { noMask, parseIp, plainSix, writeFour, writeSix } from './ip-text.ts';

/** The address family as PostgreSQL numbers it, on every system. */
const six = 3;
const words = new Uint32Array(4);

/**
 * Family, length of the network, whether it is a `cidr`, bytes of the address, the address. A `cidr` is always written with the
 * length of its network.
 */
export function network(isCidr: boolean): BinaryCells {
  return codec(
    43,
    { read: 'readNetworks', write: 'writeNetworks', option: isCidr ? 1 : 0 },
    {
      read({ bytes, view }, from, to, into) {
        if (to - from !== 20 || bytes[from] !== six) throw new RangeError('a binary value is no address');
        const mask = bytes[from + 1]!;
        for (let k = 0; k < 4; k++) words[k] = view.getUint32(from + 4 + 4 * k);
        into.at = writeIpv6(into, mask === 128 && !isCidr ? noMask : mask);
      },
      write({ bytes }, from, to, into) {
        const { view, at } = into;
        let mask = plainSix(bytes, from, to, words, 0);
        if (mask >= 0) for (let k = 0; k < 4; k++) view.setUint32(at + 4 + 4 * k, words[k]!);
        else {
          const parsed = parseIp(bytes.toString('latin1', from, to));
          if (parsed?.family !== 6) throw noValue('address');
          view.setBigUint64(at + 4, parsed.value >> 64n);
          view.setBigUint64(at + 12, parsed.value & 0xffff_ffff_ffff_ffffn);
          mask = parsed.mask ?? noMask;
        }
        into.bytes[at] = six;
        into.bytes[at + 1] = mask === noMask ? 128 : mask;
        into.bytes[at + 2] = isCidr ? 1 : 0;
        into.bytes[at + 3] = 16;
        into.at = at + 20;
      },
    },
  );
}

/** As PostgreSQL writes the address in `words`: an IPv4 one at its end stays one. */
function writeIpv6(into: ByteColumn, mask: number): number {
  const mapped = words[0] === 0 && words[1] === 0 && (words[2] === 0xffff || (words[2] === 0 && words[3]! > 0xffff));
  if (!mapped) return writeSix(into.bytes, into.at, words, 0, mask);
  const head = words[2] === 0 ? '::' : '::ffff:';
  const at = into.at + into.bytes.write(head, into.at, 'latin1');
  return writeFour(into.bytes, at, words[3]!, mask);
}
