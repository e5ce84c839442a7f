/** Reports as verifications give them: a quiet week, and one in which everything happens. */

import { sha256Hex } from '../../src/crypt/secrets.ts';
import type { ContentProof, SnapshotProof, VerifyCheck, VerifyReport } from '../../src/jobs/verify/report.ts';
import { worst } from '../../src/jobs/verify/report.ts';
import type { TrendPoint } from '../../src/jobs/verify/results/page-charts.ts';

const dayMs = 86_400_000;
const begun = Date.parse('2026-11-29T05:00:00Z');
const at = (ms: number) => new Date(begun + ms).toISOString();

export function checkOf(id: VerifyCheck['id'], title: string, more: Partial<VerifyCheck> = {}): VerifyCheck {
  return { id, title, verdict: 'pass', durationMs: 830, equal: 0, figures: {}, findings: [], ...more };
}

export function tables(count: number, of: (number: number) => Partial<ContentProof> = () => ({})): ContentProof[] {
  const names = [
    'people',
    'invoices',
    'invoice_lines',
    'documents',
    'audit_events',
    'contracts',
    'addresses',
    'sessions',
  ];
  return Array.from({ length: count }, (_, number): ContentProof => {
    const print = sha256Hex(`table ${number}`);
    const name = `app.${names[number % names.length]}${number < names.length ? '' : `_${Math.floor(number / names.length)}`}`;
    const rows = (number * 7_919) % 1_300_000;
    return {
      object: name,
      rows,
      bytes: rows * 97 + 12,
      method: 'sha256',
      source: print,
      restored: print,
      ...of(number),
    };
  });
}

export const databaseProof: SnapshotProof = {
  source: 'app',
  type: 'postgres',
  snapshot: { id: sha256Hex('snapshot'), sequence: 412, time: at(-3_600_000), signer: 'web1' },
  site: { name: 'vault', operator: 'Example Object Storage SAS', country: 'FR' },
  verdict: 'pass',
  started: at(0),
  ended: at(421_000),
  durationMs: 421_000,
  restoreMs: 262_000,
  scratch: { kind: 'local', version: '15.14' },
  checks: [
    checkOf('authenticity', 'The newest snapshot, signed by who may', { durationMs: 240, figures: { snapshots: 43 } }),
    checkOf('objects', 'Every object there and authentic', {
      durationMs: 31_200,
      equal: 64,
      figures: { packs: 64, bytes: 912_680_550 },
    }),
    checkOf('restore', 'Restored in full', {
      durationMs: 262_000,
      figures: { tables: 42, rows: 8_112_904, bytes: 2_100_334_119 },
    }),
    checkOf('schema', 'Every definition', { equal: 611, figures: { entries: 611 } }),
    checkOf('tables', 'Rows of every table', {
      durationMs: 88_000,
      equal: 42,
      figures: { tables: 42, rows: 8_112_904 },
    }),
    checkOf('sequences', 'Every sequence', { equal: 31 }),
    checkOf('large-objects', 'Every large object', { equal: 18, figures: { largeObjects: 18, bytes: 44_030_112 } }),
    checkOf('constraints-and-indexes', 'Every constraint and index', {
      equal: 240,
      figures: { constraints: 129, indexes: 111 },
    }),
    checkOf('assertion:an invoice has lines', 'An invoice has lines', { durationMs: 1_900, equal: 1 }),
    checkOf('restore-time', 'Restored in the time promised', { durationMs: 0, figures: { restoreMs: 262_000 } }),
  ],
  contents: tables(42),
  readBytes: 912_680_550,
  packs: 64,
  manifestSha256: sha256Hex('manifest'),
  objectives: { restoreTimeMs: 600_000, dataAgeMs: dayMs },
  verifier: 'prover',
  statement: { sha256: sha256Hex('statement'), sites: ['near', 'vault'] },
};

export const treeProof: SnapshotProof = {
  ...databaseProof,
  source: 'documents',
  type: 'files',
  snapshot: { id: sha256Hex('tree'), sequence: 398, time: at(-3_500_000), signer: 'web1' },
  site: { name: 'near', operator: 'Example Ltd', country: 'DE' },
  restoreMs: 75_000,
  scratch: { kind: 'directory' },
  checks: [
    checkOf('authenticity', 'The newest snapshot, signed by who may', { durationMs: 180 }),
    checkOf('objects', 'Every object there and authentic', { equal: 58, figures: { packs: 58, bytes: 812_000_000 } }),
    checkOf('restore', 'Restored in full', { durationMs: 75_000, figures: { files: 21_044 } }),
    checkOf('files', 'Every entry of the tree', {
      durationMs: 12_000,
      equal: 22_310,
      figures: { files: 21_044, directories: 1_266 },
    }),
  ],
  contents: [
    {
      object: '.',
      rows: 22_310,
      bytes: 890_112_003,
      method: 'entries-sha256',
      source: sha256Hex('t'),
      restored: sha256Hex('t'),
    },
  ],
  objectives: {},
};

export const failedProof: SnapshotProof = {
  ...databaseProof,
  source: 'crm',
  verdict: 'fail',
  checks: [
    ...databaseProof.checks.slice(0, 4),
    checkOf('tables', 'Rows of every table', {
      verdict: 'fail',
      equal: 40,
      figures: { tables: 42 },
      findings: [
        {
          kind: 'table',
          object: 'app.people',
          verdict: 'differs',
          detail: '812,300 rows came back, and 812,302 were backed up.',
        },
        {
          kind: 'table',
          object: 'app.sessions',
          verdict: 'could-not-compare',
          detail: 'It is unlogged, and the backup was made on a standby.',
        },
      ],
      why: 'app.people: 812,300 rows came back, and 812,302 were backed up. And 1 more.',
    }),
    checkOf('amcheck', 'The structure of heap and indexes', {
      verdict: 'could-not-verify',
      durationMs: 12,
      why: 'The extension amcheck is not installed on the scratch server.',
    }),
    checkOf('restore-time', 'Restored in the time promised', {
      verdict: 'fail',
      durationMs: 0,
      why: 'It took 14 min 2 s; promised are 10 min 0 s.',
    }),
  ],
  restoreMs: 842_000,
  contents: tables(42, (number) => (number === 0 ? { restored: sha256Hex('another') } : {})),
};

export function reportOf(proofs: SnapshotProof[]): VerifyReport {
  return {
    verdict: worst(proofs.map(({ verdict }) => verdict)),
    started: at(0),
    durationMs: 812_000,
    version: '0.3.0',
    proofs,
  };
}

/** Weekly proofs of two sites in turn, with a bad one among them. */
export const history = new Map<string, TrendPoint[]>(
  ['app', 'crm', 'documents'].map((source) => [
    source,
    Array.from(
      { length: 30 },
      (_, week): TrendPoint => ({
        ended: at(-(week + 1) * 7 * dayMs),
        verdict: week === 9 ? 'fail' : week === 17 ? 'could-not-verify' : 'pass',
        site: week % 2 === 0 ? 'near' : 'vault',
        ...(week !== 17 && { restoreMs: 250_000 - week * 4_000 + ((week * 37) % 11) * 5_000 }),
      }),
    ),
  ]),
);
