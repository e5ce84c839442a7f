/**
 * Values of COPY in binary format as the text that PostgreSQL writes of them, and back. Text types need nothing of it.
 *
 * Source: the `…_send` and `…_recv` functions of each type, whose formats have not changed since PostgreSQL 9.
 */
import type { BinaryCells } from './binary-codec.ts';
import { date, moment } from './binary-dates.ts';
import { network } from './binary-network.ts';
import { uuid, whole } from './binary-numbers.ts';
import type { ByteColumn } from './byte-column.ts';

export type { BinaryCells };

/**
 * Kinds that write values of these types as PostgreSQL does. What others make, such as a constant of the lock file, may be
 * anything that the type reads, and only the server knows that.
 */
export const canonicalKinds: ReadonlySet<string> = new Set('id uuid ip birth-date date-shift null shuffle'.split(' '));

/**
 * By the name of the type, as `format_type` writes it; undefined for types that nothing is known of. `text` stands for all
 * whose binary form is their text.
 */
export function binaryCellsOf(type: string): BinaryCells | 'text' | undefined {
  if (texts.has(type)) return 'text';
  return codecs[type];
}

const texts = new Set(['text', 'character varying', 'character', 'bpchar', 'name', 'citext', 'json']);

/** Says of which cells a byte is beyond ASCII. */
export function markWide({ view, from, to, wide, count }: ByteColumn): void {
  for (let i = 0; i < count; i++) {
    const end = to[i]!;
    let at = from[i]!;
    let seen = 0;
    for (; at <= end - 4; at += 4) seen |= view.getInt32(at, true);
    for (; at < end; at++) seen |= view.getUint8(at);
    wide[i] = (seen & 0x80808080) === 0 ? 0 : 1;
  }
}

/** A version, and the text. */
const jsonb: BinaryCells = {
  read(raw, into) {
    markWide(raw);
    const { count, bytes, view, from, to, wide } = raw;
    into.lieIn({ bytes, view }, count);
    for (let i = 0; i < count; i++) {
      const end = to[i]!;
      if (end >= 0 && bytes[from[i]!] !== 1)
        throw new RangeError('a binary value is no jsonb of a version that is known');
      into.from[i] = from[i]! + 1;
      into.to[i] = end;
      into.wide[i] = wide[i]!;
    }
  },
  write(made, into) {
    const { count, bytes, from, to } = made;
    into.begin(count);
    for (let i = 0; i < count; i++) {
      const end = to[i]!;
      if (end < 0) {
        into.nothing();
        continue;
      }
      into.reserve(end - from[i]! + 1);
      into.bytes[into.at++] = 1;
      into.at += bytes.copy(into.bytes, into.at, from[i]!, end);
      into.end();
    }
  },
};

const codecs: Readonly<Record<string, BinaryCells>> = {
  date,
  'timestamp without time zone': moment(''),
  'timestamp with time zone': moment('+00'),
  smallint: whole(2),
  integer: whole(4),
  bigint: whole(8),
  uuid,
  inet: network(false),
  cidr: network(true),
  jsonb,
};
