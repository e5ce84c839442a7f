import { HoldfastError } from '../../base/errors.ts';
import { writeBase32 } from '../base32.ts';
import { atLeast, halves } from '../binary-ff1.ts';
import { ByteColumn } from '../byte-column.ts';
import { writeRegrouped } from '../byte-groups.ts';
import { onStrings } from '../byte-runs.ts';
import { ByteWords } from '../byte-words.ts';
import { exact, folded, keyedColumn } from '../canonical.ts';
import { userAgents } from '../dictionaries/words.ts';
import { hexDigits, hexValues } from '../hex-digits.ts';
import { noMask, parseIp, plainSix, writeFour, writeSix } from '../ip-text.ts';
import { FourAddresses } from '../kernels/four-addresses.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { Permutation } from '../permutation.ts';
import { PrefixKeeping } from '../prefix-keeping.ts';
import { Prf, pick } from '../prf.ts';
import { assertFits, assertType, fitted, type Guarantee, type Transformer, unfitValue } from '../transformer.ts';
import { extensionOf, isPlainHttp, pathEnd, readHosts } from '../url-text.ts';

const bijective = (maxLength: number | undefined, canonical: string): Guarantee => ({
  uniqueness: 'bijective',
  maxLength,
  nulls: 'kept',
  empty: 'kept',
  canonical,
  reversible: false,
});

/**
 * IP addresses, each family a permutation of its own. With `prefix: keep` two addresses that share their first n bits
 * share the first n bits of their pseudonyms too (Xu, Fan, Ammar and Moon, "Prefix-preserving IP address anonymization",
 * 2002): networks stay networks, and whoever knows some pairs knows the networks of their neighbours.
 */
export function ip(options: Options): Transformer {
  const prefix = options.choice('prefix', ['hide', 'keep'], 'hide');
  options.done();
  return {
    kind: 'ip',
    companions: [],
    guarantee(column) {
      assertType('ip', column, 'inet', 'cidr', 'text');
      if (column.type === 'cidr' && prefix !== 'keep')
        throw new HoldfastError('config', `\`ip\` with \`prefix: hide\` does not go with ${column.name}.`, {
          why: 'The column holds networks.',
          hint: 'Set `prefix: keep`.',
        });
      assertFits('ip', 43, column);
      return bijective(43, 'the address in its shortest form, and the length of its network');
    },
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      this.guarantee(column);
      const families = prefix === 'keep' ? keepingFamilies(key) : hidingFamilies(key);
      const networks = column.type === 'cidr';
      const fours = new FourAddresses();
      let sixes = new Uint32Array(0);
      /** Of the cells that are no plain IPv4 addresses, in order: the length of the network, and whether it is IPv6. */
      let masks = new Uint8Array(0);
      let long = new Uint8Array(0);
      return (cells, out) => {
        const { bytes, from, to, count } = cells;
        const { plain, rest } = fours.read(cells);
        if (masks.length < rest.length) {
          sixes = new Uint32Array(rest.length * 4);
          masks = new Uint8Array(rest.length);
          long = new Uint8Array(rest.length);
        }
        // Odd ones of IPv4 come behind the plain ones.
        let [four, six] = [plain, 0];
        for (const [k, i] of rest.entries()) {
          long[k] = 1;
          const mask = plainSix(bytes, from[i]!, to[i]!, sixes, six * 4);
          if (mask >= 0) {
            masks[k] = mask;
            six++;
            continue;
          }
          const parsed = parseIp(cells.cellAt(i)!);
          if (parsed === undefined) throw unfitValue('ip', column, 'It is not an IP address.');
          masks[k] = parsed.mask ?? noMask;
          if (parsed.family === 4) {
            long[k] = 0;
            fours.values[four++] = Number(parsed.value);
          } else {
            for (let w = 0; w < 4; w++)
              sixes[six * 4 + w] = Number(BigInt.asUintN(32, parsed.value >> BigInt(96 - 32 * w)));
            six++;
          }
        }
        families.four(fours.values, four);
        families.six(sixes, six);
        let k = 0;
        four = plain;
        six = 0;
        fours.write(count, networks, out, () => {
          const mask = masks[k]!;
          out.reserve(43);
          if (long[k++] === 1) {
            const place = six++ * 4;
            // Networks have no bits beyond their length.
            if (networks) for (let w = 0; w < 4; w++) sixes[place + w]! &= leadingBits(mask - 32 * w);
            out.at = writeSix(out.bytes, out.at, sixes, place, mask);
          } else {
            const address = fours.values[four++]!;
            out.at = writeFour(out.bytes, out.at, networks ? (address & leadingBits(mask)) >>> 0 : address, mask);
          }
          out.end();
        });
      };
    },
  };
}

/** A word of which the first `count` bits are set: all from 32 on. */
function leadingBits(count: number): number {
  return count <= 0 ? 0 : count >= 32 ? -1 : -1 << (32 - count);
}

/** Permutes addresses in place; those of IPv6 are four words each. */
interface Families {
  four(values: Float64Array, count: number): void;
  six(words: Uint32Array, count: number): void;
}

function hidingFamilies(key: DomainKey): Families {
  const four = new Permutation(key, 'ip 32', 1n << 32n);
  const six = new Permutation(key, 'ip 128', 1n << 128n);
  let values = halves(0);
  return {
    four: (numbers, count) => four.numbers(numbers, count),
    six(words, count) {
      values = atLeast(values, count);
      const { aHigh, aLow, bHigh, bLow } = values;
      for (let i = 0, k = 0; i < count; i++, k += 4) {
        aHigh[i] = words[k]!;
        aLow[i] = words[k + 1]!;
        bHigh[i] = words[k + 2]!;
        bLow[i] = words[k + 3]!;
      }
      six.halves(values, count);
      for (let i = 0, k = 0; i < count; i++, k += 4) {
        words[k] = aHigh[i]!;
        words[k + 1] = aLow[i]!;
        words[k + 2] = bHigh[i]!;
        words[k + 3] = bLow[i]!;
      }
    },
  };
}

function keepingFamilies(key: DomainKey): Families {
  const four = new PrefixKeeping(key, 32);
  const six = new PrefixKeeping(key, 128);
  return {
    four(values, count) {
      const words = Uint32Array.from(values.subarray(0, count));
      four.run(words, count);
      values.set(words);
    },
    six: (words, count) => six.run(words, count),
  };
}

/** A permutation of the 46 bits of a MAC address that do not say whether it is local or for a group. */
export function mac(options: Options): Transformer {
  options.done();
  return {
    kind: 'mac',
    companions: [],
    guarantee(column) {
      assertType('mac', column, 'macaddr', 'text');
      assertFits('mac', 12, column);
      return bijective(undefined, 'twelve hexadecimal digits in lower case');
    },
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      this.guarantee(column);
      const permutation = new Permutation(key, 'mac', 2n ** 46n);
      const hex = new Uint8Array(12);
      let values = new Float64Array(0);
      let flags = new Uint8Array(0);
      return (cells, out) => {
        const { count, bytes, from, to } = cells;
        if (flags.length < count) {
          values = new Float64Array(count);
          flags = new Uint8Array(count);
        }
        let taken = 0;
        for (let i = 0; i < count; i++) {
          if (to[i]! <= from[i]!) continue;
          let [high, low, digits, bad] = [0, 0, 0, 0];
          for (let k = from[i]!; k < to[i]!; k++) {
            const byte = bytes[k]!;
            if (byte === 0x3a || byte === 0x2d || byte === 0x2e) continue;
            const digit = hexValues[byte]!;
            bad |= digit;
            if (digits < 6) high = (high << 4) | digit;
            else low = (low << 4) | digit;
            digits++;
          }
          if (bad < 0 || digits !== 12) throw unfitValue('mac', column, 'It is not a MAC address.');
          flags[taken] = (high >> 16) & 3;
          values[taken++] = (high >> 18) * 2 ** 40 + (high & 0xffff) * 2 ** 24 + low;
        }
        permutation.numbers(values, taken);
        out.begin(count, 17);
        for (let i = 0, k = 0; i < count; i++) {
          if (to[i]! <= from[i]!) {
            out.keep(cells, i);
            continue;
          }
          const upper = Math.floor(values[k]! / 2 ** 24);
          const low = values[k]! - upper * 2 ** 24;
          const high = ((upper >> 16) << 18) | (flags[k++]! << 16) | (upper & 0xffff);
          for (let d = 0, shift = 20; d < 6; d++, shift -= 4) {
            hex[d] = hexDigits[(high >> shift) & 15]!;
            hex[d + 6] = hexDigits[(low >> shift) & 15]!;
          }
          writeRegrouped(out, cells, i, hex);
        }
      };
    },
  };
}

/**
 * `https://<10 characters of the host>.example.invalid/<13 characters of the whole>`, with the ending of a known kind of
 * file. Log-in names, paths and queries go. Hosts of `keepHosts` stay.
 */
export function url(options: Options): Transformer {
  const domain = options.text('domain') ?? 'example.invalid';
  const keepHosts = new Set(options.texts('keepHosts').map((host) => host.toLowerCase()));
  options.done();
  const longest = 8 + Math.max(11 + domain.length, ...[...keepHosts].map((host) => host.length)) + 1 + 13 + 5;
  return {
    kind: 'url',
    companions: [],
    guarantee(column) {
      assertType('url', column, 'text');
      assertFits('url', longest, column);
      return {
        uniqueness: { bits: 65 },
        maxLength: longest,
        nulls: 'kept',
        empty: 'kept',
        canonical: 'NFC',
        reversible: false,
      };
    },
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      this.guarantee(column);
      const prf = new Prf(key.subkey('url'));
      const ofHost = new Prf(key.subkey('url host'));
      const hosts = new ByteColumn();
      const scheme = new ByteWords(['https://', 'http://']);
      const ending = new ByteWords([`.${domain}/`, ...[...keepHosts].map((host) => `${host}/`)]);
      const kept = new Map([...keepHosts].map((host, k) => [host, k + 1]));
      const room = 8 + 10 + ending.longest + 13 + 5;
      return (cells, out) => {
        const { count, bytes, from, to } = cells;
        readHosts(cells, hosts);
        const words = keyedColumn(prf, exact, cells);
        const labels = keyedColumn(ofHost, folded, hosts);
        out.begin(count, room);
        for (let i = 0; i < count; i++) {
          const [start, end] = [from[i]!, to[i]!];
          if (end <= start) {
            out.keep(cells, i);
            continue;
          }
          scheme.write(out, isPlainHttp(bytes, start, end) ? 1 : 0);
          const host = kept.size > 0 ? kept.get(hosts.cellAt(i)!.toLowerCase()) : undefined;
          if (host === undefined) writeBase32(out, labels, i * 4, 10);
          ending.write(out, host ?? 0);
          writeBase32(out, words, i * 4, 13);
          const last = pathEnd(bytes, start, end);
          const target = out.bytes;
          let at = out.at;
          for (let k = extensionOf(bytes, start, last); k < last; k++) target[at++] = bytes[k]!;
          out.at = at;
          out.end(ending.wide[host ?? 0]);
        }
      };
    },
  };
}

/** One of a few common browsers. */
export function userAgent(options: Options): Transformer {
  options.done();
  return {
    kind: 'user-agent',
    companions: [],
    guarantee(column) {
      assertType('user-agent', column, 'text');
      return {
        uniqueness: 'lossy',
        maxLength: Math.min(140, column.maxLength ?? 140),
        nulls: 'kept',
        empty: 'kept',
        canonical: 'NFC',
        reversible: false,
      };
    },
    prepare(context) {
      return onStrings(this.prepareBytes!(context));
    },
    prepareBytes({ key, column }) {
      this.guarantee(column);
      const prf = new Prf(key.subkey('user agent'));
      const list = new ByteWords(userAgents.map((agent) => fitted(agent, column.maxLength)));
      return (cells, out) => {
        const words = keyedColumn(prf, exact, cells);
        out.begin(cells.count, list.longest);
        for (let i = 0; i < cells.count; i++) {
          if (cells.isEmpty(i)) {
            out.keep(cells, i);
            continue;
          }
          list.write(out, pick(words[i * 4]!, list.count));
          out.end();
        }
      };
    },
  };
}
