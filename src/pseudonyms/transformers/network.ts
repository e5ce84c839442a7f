import { HoldfastError } from '../../base/errors.ts';
import { AsciiCells, writeBase32 } from '../ascii-cells.ts';
import { exact, folded, keyed } from '../canonical.ts';
import { userAgents } from '../dictionaries/words.ts';
import { formatIp, parseIp } from '../ip-text.ts';
import type { DomainKey } from '../keys.ts';
import type { Options } from '../options.ts';
import { Permutation } from '../permutation.ts';
import { blockCipher, Prf, pick } from '../prf.ts';
import { assertFits, assertType, fitted, type Guarantee, type Transformer, unfitValue } from '../transformer.ts';
import { regrouped } from './grouped.ts';

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
    prepare({ key, column }) {
      this.guarantee(column);
      const families = {
        4: family(key, 32, prefix === 'keep'),
        6: family(key, 128, prefix === 'keep'),
      };
      return (cells, out) => {
        const groups = {
          4: { where: [] as number[], values: [] as bigint[] },
          6: { where: [] as number[], values: [] as bigint[] },
        };
        const masks: (number | undefined)[] = [];
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i]!;
          out[i] = cell;
          if (!cell) continue;
          const parsed = parseIp(cell);
          if (parsed === undefined) throw unfitValue('ip', column, 'It is not an IP address.');
          masks[i] = parsed.mask;
          groups[parsed.family].where.push(i);
          groups[parsed.family].values.push(parsed.value);
        }
        for (const version of [4, 6] as const) {
          const { where, values } = groups[version];
          families[version](values);
          const bits = version === 4 ? 32 : 128;
          for (let k = 0; k < where.length; k++) {
            const mask = masks[where[k]!];
            const host = column.type === 'cidr' ? BigInt(bits - (mask ?? bits)) : 0n;
            out[where[k]!] = formatIp(version, (values[k]! >> host) << host, mask);
          }
        }
      };
    },
  };
}

function family(key: DomainKey, bits: number, keepPrefix: boolean): (values: bigint[]) => void {
  if (!keepPrefix) {
    const permutation = new Permutation(key, `ip ${bits}`, 1n << BigInt(bits));
    return (values) => permutation.bigints(values, values.length);
  }
  const cipher = blockCipher(key.subkey(`ip prefix ${bits}`));
  const pad = BigInt(`0x${key.subkey(`ip pad ${bits}`).toString('hex', 0, 16)}`);
  return (values) => {
    // For every bit: the bits before it, filled up from the pad; the first bit of the cipher says whether it flips.
    const blocks = Buffer.alloc(values.length * bits * 16);
    const shift = BigInt(128 - bits);
    for (let i = 0, at = 0; i < values.length; i++) {
      const value = values[i]! << shift;
      for (let bit = 0; bit < bits; bit++, at += 16) {
        const below = (1n << BigInt(128 - bit)) - 1n;
        const block = (value & ~below) | (pad & below);
        blocks.writeBigUInt64BE(block >> 64n, at);
        blocks.writeBigUInt64BE(block & 0xffff_ffff_ffff_ffffn, at + 8);
      }
    }
    const sealed = cipher.update(blocks);
    for (let i = 0, at = 0; i < values.length; i++) {
      let flips = 0n;
      for (let bit = 0; bit < bits; bit++, at += 16) flips = (flips << 1n) | BigInt(sealed[at]! >> 7);
      values[i]! ^= flips;
    }
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
    prepare({ key, column }) {
      this.guarantee(column);
      const permutation = new Permutation(key, 'mac', 2n ** 46n);
      return (cells, out) => {
        const where: number[] = [];
        const flags: number[] = [];
        const values = new Float64Array(cells.length);
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i]!;
          out[i] = cell;
          if (!cell) continue;
          const hex = cell.replace(/[:.-]/g, '');
          if (!/^[0-9a-f]{12}$/i.test(hex)) throw unfitValue('mac', column, 'It is not a MAC address.');
          const head = Number.parseInt(hex.slice(0, 2), 16);
          values[where.length] = (head >> 2) * 2 ** 40 + Number.parseInt(hex.slice(2), 16);
          flags.push(head & 3);
          where.push(i);
        }
        permutation.numbers(values, where.length);
        for (let k = 0; k < where.length; k++) {
          const head = Math.floor(values[k]! / 2 ** 40);
          const hex =
            ((head << 2) | flags[k]!).toString(16).padStart(2, '0') +
            (values[k]! - head * 2 ** 40).toString(16).padStart(10, '0');
          out[where[k]!] = regrouped(cells[where[k]!]!, hex);
        }
      };
    },
  };
}

const extension = /\.(?:jpe?g|png|gif|webp|svg|pdf|html?|json|xml|zip|mp[34]|docx?|xlsx?|csv|txt)$/i;

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
    prepare({ key, column }) {
      this.guarantee(column);
      const prf = new Prf(key.subkey('url'));
      const ofHost = new Prf(key.subkey('url host'));
      const written = new AsciiCells();
      return (cells, out) => {
        const hosts = cells.map(
          (cell) => /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:]*)/i.exec(cell ?? '')?.[1] ?? '',
        );
        const words = keyed(prf, exact, cells);
        const labels = keyed(ofHost, folded, hosts);
        written.begin(cells.length, longest);
        for (let i = 0; i < cells.length; i++) {
          const cell = cells[i] ?? '';
          written.text(/^http:/i.test(cell) ? 'http://' : 'https://');
          if (keepHosts.has(hosts[i]!.toLowerCase())) written.text(hosts[i]!.toLowerCase());
          else {
            writeBase32(written, labels, i * 4, 10);
            written.text(`.${domain}`);
          }
          written.text('/');
          writeBase32(written, words, i * 4, 13);
          written.text(extension.exec(cell.replace(/[?#].*$/s, ''))?.[0] ?? '');
          written.end();
        }
        written.into(out, cells);
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
    prepare({ key, column }) {
      this.guarantee(column);
      const prf = new Prf(key.subkey('user agent'));
      return (cells, out) => {
        const words = keyed(prf, exact, cells);
        for (let i = 0; i < cells.length; i++)
          out[i] = cells[i] ? fitted(userAgents[pick(words[i * 4]!, userAgents.length)]!, column.maxLength) : cells[i]!;
      };
    },
  };
}
