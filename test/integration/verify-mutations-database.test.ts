import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Assertion } from '../../src/jobs/verify/checks/assertion.ts';
import type { RestoredScratch, VerifyHooks } from '../../src/jobs/verify/extra.ts';
import type { CheckId, SnapshotProof } from '../../src/jobs/verify/report.ts';
import type { OpenScratch } from '../../src/jobs/verify/scratch.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import type { KnownSnapshot } from '../../src/repository/snapshot.ts';
import type { TableLine } from '../../src/sources/postgres/manifest.ts';
import type { ManifestLine } from '../../src/sources/source.ts';
import { forgeManifest } from '../support/forged-snapshot.ts';
import { useCluster } from '../support/postgres.ts';
import { parties, RepositoryFixture } from '../support/repository-fixture.ts';
import { forEveryRun } from '../support/thorough.ts';
import {
  databaseDamages,
  globalsDamages,
  harmless,
  isOfEveryRun,
  ledger,
  ledgerProperties,
  ledgerRoles,
  roleDamages,
} from '../support/verify-mutations.ts';
import {
  backUp,
  expectGreen,
  expectRed,
  mark,
  notGreen,
  ownerAccess,
  type ProofWish,
  prove,
} from '../support/verify-proof.ts';

/** Each damage of a restored database alone, through the whole proof: red, by the right check, without a value of a row. */

const cluster = useCluster();
const fixture = new RepositoryFixture();
let access: RepositoryAccess;
let restored: RestoredScratch;
let admin: pg.Client;
const directory = join(fixture.directory, 'scratch');

beforeAll(async () => {
  // Servers run as another account.
  chmodSync(fixture.directory, 0o711);
  admin = await cluster.client();
  await admin.query(ledgerRoles);
  const connection = await cluster.createDatabase('ledger');
  const client = await cluster.client('ledger');
  await client.query(ledger);
  await setProperties('ledger');
  await client.end();
  await fixture.init();
  await backUp(await fixture.access(), { type: 'postgres', name: 'ledger', connection, excludeTables: [] });
  await backUp(await fixture.access(), { type: 'postgres-globals', name: 'globals', connection, passwords: true });
  access = await ownerAccess(fixture);
});
afterAll(() => rmSync(fixture.directory, { recursive: true }));

let turn: Promise<unknown> = Promise.resolve();

/** One after the other: tests run side by side, and a connection does one thing at a time. */
function asAdmin(sql: string): Promise<unknown> {
  const done = turn.then(() => admin.query(sql));
  turn = done.catch(() => {});
  return done;
}

async function setProperties(name: string): Promise<void> {
  await asAdmin(ledgerProperties.join(';').replaceAll('$database', pg.escapeIdentifier(name)));
}

/** A database of the cluster in the place of a scratch of its own. */
function scratchAt(database: string, binaries = cluster.throwaway.binaries.directory): OpenScratch {
  const at = cluster.connection;
  return {
    report: { kind: 'local' },
    place: { kind: 'database', admin: at, connection: { ...at, database }, serverMajor: 15, binaries },
    notes: [],
    keep: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

const proveIn = (scratch: OpenScratch, { hooks, ...wish }: ProofWish = {}) =>
  prove(
    access,
    { source: 'ledger', type: 'postgres', directory },
    { ...wish, hooks: { ...hooks, scratch: async () => scratch } },
  );

let copies = 0;

/** Proves a copy of what was restored, after this was done to it. */
async function proveDamaged(
  sql: string,
  { binaries, ...wish }: Omit<ProofWish, 'hooks'> & { binaries?: string; source?: string } = {},
): Promise<SnapshotProof> {
  const name = `copy_${++copies}`;
  let failure: { error: unknown } | undefined;
  const restore: VerifyHooks['restore'] = async () => {
    await asAdmin(`CREATE DATABASE ${name} TEMPLATE restored STRATEGY FILE_COPY`);
    await setProperties(name);
    const client = new pg.Client({ ...cluster.connection, database: name });
    await client.connect();
    try {
      await client.query(sql.replaceAll('$database', name));
    } catch (error) {
      failure = { error };
    } finally {
      await client.end();
    }
    return restored;
  };
  try {
    const proof = await proveIn(scratchAt(name, binaries), { ...wish, hooks: { restore } });
    // What was never damaged proves nothing.
    if (failure) throw failure.error;
    return proof;
  } finally {
    await asAdmin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  }
}

it('a snapshot that is restored as it is passes', async () => {
  const restore: VerifyHooks['restore'] = async (standard) => {
    restored = await standard();
    return restored;
  };
  expectGreen(await proveIn(scratchAt('restored'), { hooks: { restore } }));
});

describe('nothing is wrong with', () => {
  it.concurrent.each([{ name: 'a copy', sql: '' }, ...harmless])('$name', async ({ sql }) => {
    expectGreen(await proveDamaged(sql));
  });
});

describe('red is', () => {
  it.concurrent.each(forEveryRun(databaseDamages, isOfEveryRun))('$name', async ({ sql, red }) => {
    expectRed(await proveDamaged(sql), red);
  });
});

describe('of the cluster, red is', () => {
  it.each(roleDamages)('$name', async ({ sql, red, undo }) => {
    try {
      expectRed(await proveDamaged(sql), red);
    } finally {
      await asAdmin(undo!);
    }
  });
});

describe('what a sound database does not fulfil is red:', () => {
  const query = { kind: 'query', source: 'ledger', timeoutMs: 10_000, show: true } as const;
  const table = { schema: 'ledger', table: 'people' };
  const assertions: Assertion[] = [
    {
      ...query,
      name: 'no-row',
      sql: `SELECT name FROM ledger.people WHERE id = -1`,
      expect: { kind: 'equals', value: 1 },
    },
    { ...query, name: 'false', sql: 'SELECT count(*) = 0 FROM ledger.people', expect: { kind: 'equals', value: true } },
    {
      ...query,
      name: 'null',
      sql: 'SELECT note FROM ledger.people WHERE id = 20',
      expect: { kind: 'equals', value: '' },
    },
    {
      ...query,
      name: 'another',
      sql: 'SELECT name FROM ledger.people WHERE id = 20',
      expect: { kind: 'equals', value: 'x' },
    },
    { ...query, name: 'too-few', sql: 'SELECT count(*) FROM ledger.people', expect: { kind: 'between', min: 1000 } },
    { ...query, name: 'too-many', sql: 'SELECT FROM ledger.people', expect: { kind: 'rows', min: 0, max: 2 } },
    {
      kind: 'canary',
      name: 'canary',
      source: 'ledger',
      timeoutMs: 10_000,
      table,
      column: 'name',
      value: async () => `${mark} 99`,
    },
    {
      kind: 'freshness',
      name: 'stale',
      source: 'ledger',
      timeoutMs: 10_000,
      table,
      column: 'day',
      withinMs: 1000,
      show: true,
    },
  ];

  it('assertions, each by itself, and objectives', async () => {
    const objectives = { restoreTimeMs: 0, dataAgeMs: 0 };
    const proof = await proveDamaged('', { checks: { assertions, objectives } });
    expect(proof.verdict).toBe('fail');
    const wanted = [...assertions.map(({ name }) => `assertion:${name}`), 'restore-time', 'data-age'];
    expect(
      proof.checks
        .filter(({ verdict }) => verdict === 'fail')
        .map(({ id }) => id)
        .sort(),
    ).toEqual(wanted.sort());
  });
});

describe('a pg_dump that ends as if all was well,', () => {
  /** A directory of programs whose pg_dump is this script; `real` is the true one. */
  function fakeDump(name: string, script: string): string {
    const path = join(fixture.directory, name);
    mkdirSync(path);
    const real = join(cluster.throwaway.binaries.directory, 'pg_dump');
    const text = `#!/bin/sh\nreal=${real}\n[ "$1" = --version ] && exec $real --version\n${script}\nexit 0\n`;
    writeFileSync(join(path, 'pg_dump'), text, { mode: 0o755 });
    return path;
  }

  it('and leaves out the second half of the definitions, is red', async () => {
    const script = `for a; do shift; [ "$a" = --section=post-data ] || set -- "$@" "$a"; done; $real "$@"`;
    expectRed(await proveDamaged('', { binaries: fakeDump('half', script) }), 'schema');
  });

  it.each([
    ['is cut off', '$real "$@" > $0.out; head -c $(($(wc -c < $0.out) / 2)) $0.out'],
    ['prints nothing', 'echo "pg_dump: error: it failed" >&2'],
  ])('and %s, leaves nobody the wiser', async (name, script) => {
    const proof = await proveDamaged('', { binaries: fakeDump(name.replaceAll(' ', '-'), script) });
    expect(proof.verdict).toBe('could-not-verify');
    expect(notGreen(proof)).toEqual([expect.stringMatching(/^schema could-not-verify/)]);
  });
});

describe('signed by the host, red is', () => {
  type Line = ManifestLine & Partial<TableLine>;
  const ofTable = (name: string, change: (line: TableLine) => void) => (line: Line) => {
    if (line.kind === 'table' && line.name === name) change(line as unknown as TableLine);
    return line;
  };
  const without = (kind: string, name?: string) => (line: Line) =>
    line.kind === kind && (name === undefined || line.name === name) ? undefined : line;
  const less =
    (what: string, by = 1) =>
    ({ totals }: KnownSnapshot) => ({ totals: { ...totals, [what]: totals[what]! - by } });
  let ofPeople: TableLine['stream'];

  interface Forgery {
    name: string;
    red: CheckId;
    change: (line: Line) => ManifestLine | undefined;
    content?: (genuine: KnownSnapshot) => object;
    /** What is restored is what the manifest tells; otherwise what the source had. */
    restores?: true;
  }
  const forgeries: Forgery[] = [
    {
      name: 'two chunks of a table in another order',
      red: 'restore',
      restores: true,
      change: ofTable('bulk', ({ stream }) => stream.chunks!.unshift(...stream.chunks!.splice(1, 1))),
    },
    {
      name: 'another SHA-256 of a table',
      red: 'restore',
      restores: true,
      change: ofTable('people', ({ stream }) => Object.assign(stream, { sha256: '0'.repeat(64) })),
    },
    {
      name: 'a SHA-256 of a table that the restore did not look at',
      red: 'tables',
      change: ofTable('people', ({ stream }) => Object.assign(stream, { sha256: '0'.repeat(64) })),
    },
    {
      name: 'another sum of rows',
      red: 'tables',
      change: ofTable('people', ({ stream }) => Object.assign(stream.rows!, { sum: '0'.repeat(32) })),
    },
    {
      name: 'another number of rows',
      red: 'tables',
      change: ofTable('people', ({ stream }) => Object.assign(stream.rows!, { rows: stream.rows!.rows + 1 })),
    },
    {
      name: 'the rows of another table',
      red: 'tables',
      change: (line) => {
        ofTable('people', ({ stream }) => {
          ofPeople = stream;
        })(line);
        return ofTable('others', (table) => Object.assign(table, { stream: ofPeople }))(line);
      },
    },
    { name: 'a table that its number does not count', red: 'restore', change: without('table', 'bulk') },
    {
      name: 'a table without rows of its own',
      red: 'tables',
      change: without('table', 'bulk'),
      content: less('tables'),
    },
    {
      name: 'a sequence without a value',
      red: 'sequences',
      change: without('sequence', 'counter'),
      content: less('sequences'),
    },
    {
      name: 'no large objects',
      red: 'large-objects',
      change: without('large-objects'),
      content: less('largeObjects', 2),
    },
  ];

  it.each(forgeries)('$name', async ({ red, change, content, restores }) => {
    const host = await fixture.access({ identities: [parties.anna] });
    await forgeManifest(host, 'ledger', change as Parameters<typeof forgeManifest>[2], content);
    const name = `forged_${++copies}`;
    const proof = restores ? await proveIn(scratchAt(name)) : await proveDamaged('');
    await asAdmin(`DROP DATABASE IF EXISTS ${name}`);
    expectRed(proof, red);
  });
});

describe('globals in a cluster of their own', () => {
  const proveGlobals = (sql: string) =>
    prove(
      access,
      { source: 'globals', type: 'postgres-globals', directory },
      {
        hooks: {
          afterRestore: async ({ place }) => {
            if (place.kind !== 'database') throw new Error('globals are restored into a cluster');
            const client = new pg.Client(place.admin);
            await client.connect();
            await client.query(sql);
            await client.end();
          },
        },
      },
    );

  it.concurrent.each(forEveryRun(globalsDamages, (_, at) => at % 2 === 0))('$name', async ({ sql, red }) => {
    const proof = await proveGlobals(sql);
    if (red) expectRed(proof, 'roles');
    else expectGreen(proof);
  });
});
