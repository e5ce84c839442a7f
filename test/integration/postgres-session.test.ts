import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, chown, mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';
import { copyOut } from '../../src/sources/postgres/copy-out.ts';
import { openSession } from '../../src/sources/postgres/session.ts';
import { programOptions } from '../../src/sources/postgres/session-settings.ts';
import { FingerprintSink } from '../../src/sources/postgres/table-copy.ts';
import type { Throwaway } from '../../src/sources/postgres/throwaway.ts';
import { unprivilegedAccount } from '../../src/sources/postgres/unprivileged.ts';
import { startTestCluster } from '../support/postgres.ts';
import { makeBackup } from '../support/postgres-backup.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A CA, and a certificate of it for the name `localhost`. */
async function makeCertificates() {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-tls-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  for (const ca of ['ca', 'other']) {
    openssl(
      ...`req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${ca}`.split(' '),
      '-keyout',
      `${ca}.key`,
      '-out',
      `${ca}.crt`,
    );
  }
  openssl(
    ...'req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout server.key'.split(' '),
    ...'-addext subjectAltName=DNS:localhost -out server.csr'.split(' '),
  );
  openssl(
    ...'x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy'.split(' '),
    '-out',
    'server.crt',
  );
  await chmod(directory, 0o755);
  const account = await unprivilegedAccount();
  for (const file of ['server.key', 'server.crt']) {
    await chmod(join(directory, file), 0o600);
    if (account) await chown(join(directory, file), account.uid, account.gid);
  }
  return directory;
}

let certificates: string;
let server: Throwaway;
let plain: PostgresConnection;

beforeAll(async () => {
  certificates = await makeCertificates();
  const port = await freePort();
  server = await startTestCluster({
    settings: {
      listen_addresses: '127.0.0.1',
      port,
      ssl: 'on',
      ssl_cert_file: join(certificates, 'server.crt'),
      ssl_key_file: join(certificates, 'server.key'),
    },
  });
  plain = { ...server.connection, host: 'localhost', port };
});
afterAll(() => server?.remove());

const usesTls = async (connection: PostgresConnection): Promise<boolean> => {
  await using session = await openSession(connection, { applicationName: 'test' });
  const [row] = await session.query<{ ssl: boolean }>('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
  return row!.ssl;
};
const certificate = (name: string) => join(certificates, name);

describe('sslmode', () => {
  it('uses TLS by default, and none when told not to', async () => {
    expect(await usesTls(plain)).toBe(true);
    expect(await usesTls({ ...plain, sslmode: 'disable' })).toBe(false);
    expect(await usesTls({ ...plain, sslmode: 'require' })).toBe(true);
  });

  it('verifies the certificate and the name', async () => {
    const verified = { ...plain, sslrootcert: certificate('ca.crt') };
    expect(await usesTls({ ...verified, sslmode: 'verify-full' })).toBe(true);
    expect(await usesTls({ ...verified, host: '127.0.0.1', sslmode: 'verify-ca' })).toBe(true);
    for (const wrong of [
      { host: '127.0.0.1', sslmode: 'verify-full' as const },
      { sslrootcert: certificate('other.crt'), sslmode: 'verify-full' as const },
      { sslrootcert: certificate('other.crt'), sslmode: 'verify-ca' as const },
      // As libpq does once it is given a certificate.
      { sslrootcert: certificate('other.crt'), sslmode: 'require' as const },
    ]) {
      await expect(usesTls({ ...verified, ...wrong }), JSON.stringify(wrong)).rejects.toMatchObject({
        code: 'source-failed',
        message: expect.stringContaining('with TLS'),
        hint: expect.stringContaining('sslrootcert'),
      });
    }
  });

  it('refuses to verify with nothing to verify by', async () => {
    await expect(usesTls({ ...plain, sslmode: 'verify-full' })).rejects.toMatchObject({ code: 'config' });
    const missing = { ...plain, sslmode: 'verify-ca' as const, sslrootcert: '/no/such/file' };
    await expect(usesTls(missing)).rejects.toMatchObject({ code: 'config' });
  });

  it('says that a server has no TLS', async () => {
    const port = await freePort();
    await using bare = await startTestCluster({ settings: { listen_addresses: '127.0.0.1', port } });
    const connection = { ...bare.connection, host: 'localhost', port };
    expect(await usesTls(connection)).toBe(false);
    await expect(usesTls({ ...connection, sslmode: 'require' })).rejects.toMatchObject({
      why: 'The server offers no TLS.',
    });
  });

  it('backs up through TLS, pg_dump too', async () => {
    await using session = await openSession(plain, { applicationName: 'test' });
    await session.run('CREATE TABLE public.t AS SELECT i, md5(i::text) AS v FROM generate_series(1, 50000) i');
    const connection = { ...plain, sslmode: 'verify-full' as const, sslrootcert: certificate('ca.crt') };
    const made = await makeBackup(connection);
    const overTls = made.table('public', 't')!.stream;
    expect(overTls.rows!.rows).toBe(50000);
    const overPlain = (await makeBackup({ ...plain, sslmode: 'disable' })).table('public', 't')!.stream;
    expect(overPlain.sha256).toBe(overTls.sha256);
  });
});

describe('a session', () => {
  it('has the fixed settings whatever the database says', async () => {
    await using session = await openSession(plain, { applicationName: 'test' });
    await session.run(`
      ALTER DATABASE postgres SET datestyle = 'SQL, DMY'; ALTER DATABASE postgres SET row_security = on;
      ALTER DATABASE postgres SET search_path = public; ALTER DATABASE postgres SET statement_timeout = '1s';
      ALTER ROLE postgres SET extra_float_digits = -5; ALTER DATABASE postgres SET bytea_output = escape;
      ALTER DATABASE postgres SET default_transaction_isolation = serializable;
      ALTER DATABASE postgres SET default_transaction_read_only = on`);
    await using fixed = await openSession(plain, { applicationName: 'test' });
    const rows = await fixed.query<{ name: string; setting: string }>(
      `SELECT name, setting FROM pg_settings WHERE name = ANY ($1)`,
      [
        'DateStyle row_security search_path statement_timeout extra_float_digits bytea_output TimeZone lock_timeout'
          .split(' ')
          .concat('default_transaction_isolation', 'default_transaction_read_only', 'idle_session_timeout'),
      ],
    );
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
      DateStyle: expect.stringMatching(/^ISO/),
      row_security: 'off',
      search_path: '',
      statement_timeout: '0',
      extra_float_digits: '3',
      bytea_output: 'hex',
      TimeZone: 'UTC',
      lock_timeout: '0',
      default_transaction_isolation: 'read committed',
      default_transaction_read_only: 'off',
      ...(fixed.serverVersion >= 140_000 && { idle_session_timeout: '0' }),
    });
    expect(programOptions(fixed.serverVersion, 'UTF8')).toContain('-c row_security=off');
    await session.run('ALTER DATABASE postgres RESET ALL; ALTER ROLE postgres RESET ALL');
  });

  it('goes on after an error of a query, and after one in the middle of rows', async () => {
    await using session = await openSession(plain, { applicationName: 'test' });
    await expect(session.query('SELECT FROM nowhere', [], 'Could not look.')).rejects.toMatchObject({
      code: 'source-failed',
      message: 'Could not look.',
    });
    const sink = new FingerprintSink('00'.repeat(16));
    // The server has sent a lot before it meets the zero.
    const failing = copyOut(
      session,
      'COPY (SELECT i, 1 / (60000 - i) FROM generate_series(1, 70000) i) TO STDOUT',
      sink,
    );
    await expect(failing).rejects.toMatchObject({ code: '22012' });
    const again = new FingerprintSink('00'.repeat(16));
    expect(await copyOut(session, 'COPY (SELECT generate_series(1, 3)) TO STDOUT', again)).toBe(3);
    expect(again.digest().sha256).toEqual([createHash('sha256').update('1\n2\n3\n').digest('hex')]);
    expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('uses the code of errors it is given', async () => {
    const connection = { ...plain, database: 'nowhere' };
    await expect(openSession(connection, { applicationName: 'test', failure: 'target-failed' })).rejects.toMatchObject({
      code: 'target-failed',
    });
  });

  it('rejects with the reason when aborted', async () => {
    const stop = new AbortController();
    await using session = await openSession(plain, { applicationName: 'test', signal: stop.signal });
    const sleeping = session.query('SELECT pg_sleep(60)');
    const reason = new Error('stop');
    setTimeout(() => stop.abort(reason), 50);
    await expect(sleeping).rejects.toBe(reason);
    await expect(session.query('SELECT 1')).rejects.toBe(reason);
  });
});
