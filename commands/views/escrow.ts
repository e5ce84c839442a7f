/** The escrow sheet: what lies in a safe, for somebody who has never heard of Holdfast. */
import qrcode from 'qrcode-terminal';
import { isoTime } from '../../src/base/clock.ts';
import type { Party } from '../../src/crypt/parties.ts';
import { publicLine } from '../../src/crypt/parties.ts';
import { fingerprint } from './keys.ts';

export interface EscrowSheetParts {
  /** Whose identity it carries. */
  party: Party;
  facts: { repository: string; trustSha256: string; recoverScriptSha256: string };
  sites: { name: string; type: string; path: string; operator: string; country: string }[];
  /** Milliseconds since the epoch. */
  time: number;
  /** Paper is light with dark ink; most terminals are the other way round, and a code must be dark on light. */
  medium: 'paper' | 'terminal';
}

export async function escrowSheet({ party, facts, sites, time, medium }: EscrowSheetParts): Promise<string> {
  const line = '='.repeat(72);
  return [
    line,
    `HOLDFAST ESCROW SHEET of ${party.name}`.toUpperCase(),
    'Whoever has this sheet can open every backup of this owner. Keep it locked away.',
    line,
    '',
    `made            ${isoTime(time)}`,
    `repository      ${facts.repository}`,
    `owner           ${party.name}, fingerprint ${fingerprint(party)}`,
    '',
    '1. Where the copies lie',
    '',
    ...sites.map((site) => `   ${site.name} (${site.type}): ${site.path}\n   run by ${site.operator}, ${site.country}`),
    '',
    '2. What must be found there: the SHA-256 of two files',
    '',
    `   ${facts.trustSha256}  trust.json`,
    `   ${facts.recoverScriptSha256}  recover.sh`,
    '',
    '   If trust.json has another one, trust/<that hash> beside it is the file that is meant.',
    '',
    '3. How to begin, with everything of one site copied to the directory SITE',
    '',
    '   sha256sum SITE/trust.json SITE/recover.sh   # compare with 2 before anything of it is run',
    `   bash SITE/recover.sh --site SITE --identity ${party.name}.key \\`,
    `     --trust-sha256 ${facts.trustSha256} --list`,
    '',
    '   RECOVERY.md, beside it, tells the rest. It needs age, zstd, jq, openssl and coreutils.',
    '',
    `4. The identity: type these lines into the file ${party.name}.key, or read the code below`,
    '',
    `# name: ${party.name}`,
    `# created: ${party.created}`,
    `# public: ${publicLine(party)}`,
    `# holdfast-signing-key: ${party.signingKey}`,
    party.identity,
    '',
    'The last line, which is the one that opens backups, as a QR code:',
    '',
    await qr(party.identity, medium),
    'The hash of trust.json as a QR code:',
    '',
    await qr(facts.trustSha256.toUpperCase(), medium),
    '',
  ].join('\n');
}

const negative: Record<string, string> = { '█': ' ', ' ': '█', '▀': '▄', '▄': '▀' };

/** The first row draws only the light edge, whose negative would be a line of ink. */
function inInk(code: string): string {
  const rows = code.split('\n').slice(1);
  return rows.join('\n').replace(/[█▀▄ ]/g, (block) => negative[block]!);
}

/** Upper-case letters and digits make the smallest code. Level M survives a fold or a stain. */
function qr(text: string, medium: EscrowSheetParts['medium']): Promise<string> {
  qrcode.setErrorLevel('M');
  return new Promise((resolve) => {
    qrcode.generate(text, { small: true }, (code) => {
      const drawn = medium === 'terminal' ? code : inInk(code);
      resolve(
        drawn
          .split('\n')
          .map((row) => `    ${row}`.trimEnd())
          .join('\n'),
      );
    });
  });
}
