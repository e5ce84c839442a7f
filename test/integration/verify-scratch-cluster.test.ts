import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { DatabasePlace } from '../../src/jobs/verify/scratch.ts';
import { openClusterScratch } from '../../src/jobs/verify/scratch-cluster.ts';

/** The cluster that databases are restored into: quick, and with nothing of it in what is restored. */

it('compresses long values with lz4, but for columns that say how', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-scratch-cluster-'));
  // The server's account must be able to pass.
  chmodSync(directory, 0o711);
  try {
    await using scratch = await openClusterScratch(
      {
        settings: { kind: 'local', directory },
        env: process.env,
        clock: systemClock,
        signal: new AbortController().signal,
      },
      { serverVersion: 150_000, encoding: 'UTF8', superuser: 'postgres', database: 'restored' },
    );
    const { admin } = scratch.place as DatabasePlace;
    const client = new pg.Client({ ...admin });
    await client.connect();
    try {
      await client.query(`CREATE TABLE papers (plain text, told text COMPRESSION pglz);
        INSERT INTO papers SELECT repeat('holdfast ', 1000), repeat('holdfast ', 1000)`);
      const { rows } = await client.query(
        'SELECT pg_column_compression(plain) AS plain, pg_column_compression(told) AS told FROM papers',
      );
      expect(rows).toEqual([{ plain: 'lz4', told: 'pglz' }]);
      // A definition that differed from the source's would be a finding.
      const { rows: columns } = await client.query(
        `SELECT attname::text AS name, attcompression AS compression FROM pg_attribute
         WHERE attrelid = 'papers'::regclass AND attnum > 0 ORDER BY attnum`,
      );
      expect(columns).toEqual([
        { name: 'plain', compression: '' },
        { name: 'told', compression: 'p' },
      ]);
    } finally {
      await client.end();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
