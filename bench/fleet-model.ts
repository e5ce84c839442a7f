/** From what a few databases cost to what many do. Pure arithmetic, shown with its formulas. */
import { GiB } from '../src/base/units.ts';
import type { Requests } from './counting-site.ts';
import { table } from './table.ts';

export type RunKind = 'first' | 'unchanged' | 'changed';

/** One database, backed up once. */
export interface UnitRun {
  ms: number;
  /** Bytes of its content as they were read. */
  bytes: number;
  requests: Requests;
}

export interface Measured {
  runs: Record<RunKind, { small: UnitRun; large: UnitRun }>;
  /** Of the large one, after all runs. */
  chunks: number;
  packs: number;
  packBytes: number;
  indexBytes: number;
  /** Bytes of memory of the chunk table, for each chunk in it. */
  tableBytesPerChunk: number;
}

export interface FleetPlan {
  databases: number;
  /** Bytes of content of all of them. */
  bytes: number;
  hosts: number;
  /** Snapshots kept of each. */
  kept: number;
  /** Bytes stored for all of them, as a share of so many full copies. */
  keptShare: number;
  /** Of a million requests; of a terabyte for a month. */
  prices: { put: number; get: number; list: number; storage: number };
  cores: number;
}

const kinds = ['first', 'unchanged', 'changed'] as const;
const kindWords: Record<RunKind, string> = { first: 'first', unchanged: 'unchanged', changed: '1 % changed' };
const requestKinds = ['put', 'get', 'head', 'list', 'remove'] as const;

/** `fixed`: for each database, whatever its size; `perGiB`: for each GiB of content besides. */
interface Line {
  fixed: number;
  perGiB: number;
}

/** The line through the small and the large one; neither part is below nothing. */
function lineOf({ small, large }: { small: UnitRun; large: UnitRun }, of: (run: UnitRun) => number): Line {
  const perGiB = Math.max(0, ((of(large) - of(small)) * GiB) / (large.bytes - small.bytes));
  return { perGiB, fixed: Math.max(0, of(small) - (perGiB * small.bytes) / GiB) };
}

export function fleetText(measured: Measured, plan: FleetPlan): string {
  const { runs } = measured;
  const sizes = `${mega(runs.first.small.bytes)} MB and ${mega(runs.first.large.bytes)} MB of content`;
  return [
    `Measured with ${plan.cores} cores, on databases of ${sizes}, PostgreSQL and site on the same machine:\n`,
    unitTable(measured),
    '',
    objectTable(measured),
    '',
    `For ${group(plan.databases)} databases with ${(plan.bytes / 1e12).toLocaleString('en')} TB of content, ${plan.hosts} hosts, ${plan.kept} snapshots kept:\n`,
    fleetTable(measured, plan),
    '',
  ].join('\n');
}

interface UnitRow {
  what: string;
  line: (kind: RunKind) => Line;
  digits: number;
}

function unitTable({ runs }: Measured): string {
  const row = (what: string, of: (run: UnitRun) => number, digits = 1): UnitRow => ({
    what,
    digits,
    line: (kind) => lineOf(runs[kind], of),
  });
  const words = { put: 'PUT', get: 'GET', head: 'HEAD', list: 'LIST (a thousand names each)', remove: 'DELETE' };
  const rows = [
    ...requestKinds.map((kind) => row(words[kind], ({ requests }) => requests[kind])),
    row('MB stored', ({ requests }) => requests.stored / 1e6),
    row('seconds', ({ ms }) => ms / 1000, 2),
  ];
  return table(
    [
      { title: 'unit', value: ({ what }: UnitRow) => what },
      ...kinds.flatMap((kind) => [
        {
          title: `${kindWords[kind]}: each database`,
          right: true,
          value: ({ line, digits }: UnitRow) => line(kind).fixed.toFixed(digits),
        },
        { title: 'each GiB', right: true, value: ({ line, digits }: UnitRow) => line(kind).perGiB.toFixed(digits) },
      ]),
    ],
    rows,
  );
}

function objectTable(measured: Measured): string {
  const { chunks, packs, packBytes, indexBytes, tableBytesPerChunk, runs } = measured;
  const first = lineOf(runs.first, ({ requests }) => requests.kinds.packs?.objects ?? 0);
  return table(
    [
      { title: 'unit', value: ([what]: readonly [string, string]) => what },
      { title: 'figure', right: true, value: ([, figure]: readonly [string, string]) => figure },
    ],
    [
      ['objects of a first backup: packs for each GiB', first.perGiB.toFixed(1)],
      ['bytes of a pack, on average', group(packBytes / packs)],
      ['chunks in a pack, on average', (chunks / packs).toFixed(0)],
      ['bytes of index objects for each chunk', (indexBytes / chunks).toFixed(1)],
      ['bytes of memory for each chunk of a source', tableBytesPerChunk.toFixed(1)],
    ],
  );
}

function fleetTable(measured: Measured, plan: FleetPlan): string {
  const { runs, chunks, packs, packBytes, indexBytes, tableBytesPerChunk } = measured;
  const { databases, hosts, kept, keptShare, prices } = plan;
  const gib = plan.bytes / GiB;
  const of = (kind: RunKind, figure: (run: UnitRun) => number) => {
    const { fixed, perGiB } = lineOf(runs[kind], figure);
    return databases * fixed + gib * perGiB;
  };
  const request = (kind: RunKind, name: (typeof requestKinds)[number]) => of(kind, ({ requests }) => requests[name]);
  const cost = (kind: RunKind) =>
    (request(kind, 'put') * prices.put +
      request(kind, 'list') * prices.list +
      (request(kind, 'get') + request(kind, 'head')) * prices.get) /
    1e6;
  const firstStored = of('first', ({ requests }) => requests.stored);
  const stored = firstStored * kept * keptShare;
  const packsKept = stored / (packBytes / packs);
  const chunksKept = packsKept * (chunks / packs);
  const perRun = (kind: RunKind, objects: string) => of(kind, ({ requests }) => requests.kinds[objects]?.objects ?? 0);
  const small = databases * kept + databases * kept * (perRun('changed', 'index') / databases);
  const hours = (kind: RunKind) => of(kind, ({ ms }) => ms) / 3_600_000 / hosts;
  const row = (what: string, figure: string, formula: string) => [what, figure, formula] as const;
  const runRows = kinds.flatMap((kind) => [
    row(
      `${kindWords[kind]} run: PUT / GET + HEAD / LIST`,
      [request(kind, 'put'), request(kind, 'get') + request(kind, 'head'), request(kind, 'list')]
        .map(group)
        .join(' / '),
      'databases × each database + GiB × each GiB',
    ),
    row(`${kindWords[kind]} run: requests, at the example prices`, cost(kind).toFixed(2), 'requests × price'),
    row(`${kindWords[kind]} run: hours`, hours(kind).toFixed(1), 'seconds / hosts'),
  ]);
  return table(
    [
      { title: 'what', value: ([what]: readonly [string, string, string]) => what },
      { title: 'figure', right: true, value: ([, figure]) => figure },
      { title: 'how', value: ([, , formula]) => formula },
    ],
    [
      ...runRows,
      row('stored after the first run, TB', (firstStored / 1e12).toFixed(2), 'MB stored of a first run'),
      row(
        `stored with ${kept} kept, TB`,
        (stored / 1e12).toFixed(2),
        `first run × ${kept} × ${keptShare} (share of full copies)`,
      ),
      row('packs', group(packsKept), 'stored / bytes of a pack'),
      row('snapshots and index objects', group(small), 'databases × kept × (1 + index objects of a run)'),
      row('index objects, GB', ((chunksKept * indexBytes) / chunks / 1e9).toFixed(1), 'chunks × bytes of index'),
      row('storage a month, at the example price', ((stored / 1e12) * prices.storage).toFixed(2), 'TB × price'),
      row(
        'memory for chunks of an average database, MB',
        (((chunksKept / databases) * tableBytesPerChunk) / 1e6).toFixed(1),
        'its chunks × bytes of memory; one source at a time',
      ),
      row(
        'memory for chunks, were all one source, MB',
        ((chunksKept * tableBytesPerChunk) / 1e6).toFixed(0),
        'for comparison: no source is like that',
      ),
    ],
  );
}

function group(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

function mega(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 100e6 ? 1 : 0);
}
