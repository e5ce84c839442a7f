/** Parties and their keys, for people. */
import { createHash } from 'node:crypto';
import { type PublicParty, publicLine } from '../../src/crypt/parties.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';

/** Whether a party's identity can be used on this machine. */
export type Presence = 'yes' | 'no' | 'by command' | 'unreadable' | 'other';

export interface ListedParty extends PublicParty {
  role: 'owner' | 'verify' | 'backup';
  /** Undefined: all. */
  sources?: readonly string[] | undefined;
  retired?: boolean;
  distrusted?: boolean;
  presence: Presence;
}

/**
 * What two people read to each other to be sure of a public line: 128 bits of its SHA-256 as eight groups of four hex
 * digits.
 */
export function fingerprint(party: PublicParty): string {
  const digest = createHash('sha256').update(publicLine(party)).digest('hex').slice(0, 32);
  return digest.match(/.{4}/g)!.join(' ');
}

export function partiesTable(parties: readonly ListedParty[], options: { width?: number | undefined; style: Style }) {
  const { style } = options;
  return table<ListedParty>(
    [
      { title: 'NAME', value: ({ name }) => name, cut: 'end' },
      { title: 'ROLE', value: roleText },
      { title: 'SOURCES', value: ({ sources }) => sources?.join(', ') ?? 'all', cut: 'end' },
      {
        title: 'HERE',
        value: ({ presence }) => presence,
        paint: (text, { presence }) => (presence === 'unreadable' || presence === 'other' ? style.yellow(text) : text),
      },
      { title: 'FINGERPRINT', value: fingerprint },
    ],
    parties,
    options,
  );
}

function roleText({ role, retired, distrusted }: ListedParty): string {
  return `${role === 'backup' ? 'host' : role}${distrusted ? ', distrusted' : retired ? ', retired' : ''}`;
}
