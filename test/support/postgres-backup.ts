import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { RowHash } from '../../src/repository/row-hash.ts';
import type { AnyStream } from '../../src/repository/stored-stream.ts';
import { backupPostgres, type PostgresBackupSettings } from '../../src/sources/postgres/backup.ts';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';
import type { PostgresLine, TableLine } from '../../src/sources/postgres/manifest.ts';
import type { BackupOutcome } from '../../src/sources/source.ts';
import { MemoryRepository } from './memory-repository.ts';

/** A backup into memory, and its manifest by kind. */
export interface MadeBackup {
  repository: MemoryRepository;
  outcome: BackupOutcome;
  lines: PostgresLine[];
  of<Kind extends PostgresLine['kind']>(kind: Kind): Extract<PostgresLine, { kind: Kind }>[];
  table(schema: string, name: string): TableLine | undefined;
  content(stream: AnyStream): Promise<Buffer>;
}

export interface MakeOptions {
  repository?: MemoryRepository;
  lanes?: number;
  signal?: AbortSignal;
}

export async function makeBackup(
  connection: PostgresConnection,
  settings: Partial<PostgresBackupSettings> = {},
  { repository, ...options }: MakeOptions = {},
): Promise<MadeBackup> {
  const repo = repository ?? (await MemoryRepository.open());
  const before = repo.lines.length;
  const outcome = await repo.backup(
    (context) =>
      backupPostgres(context, { name: 'test', connection, excludeTables: [], env: process.env, ...settings }),
    options,
  );
  const lines = repo.lines.slice(before) as PostgresLine[];
  const of: MadeBackup['of'] = (kind) => lines.filter((line) => line.kind === kind) as never;
  return {
    repository: repo,
    outcome,
    lines,
    of,
    table: (schema, name) => of('table').find((line) => line.schema === schema && line.name === name),
    content: (stream) => repo.restore(async ({ reader }) => reader.whole(stream), { lanes: 1 }),
  };
}

/** Written out here once more, so that a change of the program's own list is noticed. */
const settings =
  '-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c extra_float_digits=3 -c bytea_output=hex ' +
  '-c synchronize_seqscans=off -c search_path= -c lc_monetary=C -c client_encoding=UTF8 -c array_nulls=on -c xmloption=content -c quote_all_identifiers=off -c statement_timeout=0';

/** What psql writes for a COPY. */
export async function psqlCopy(connection: PostgresConnection, copy: string): Promise<Buffer> {
  const { stdout } = await promisify(execFile)('psql', ['-qAtX', '-v', 'ON_ERROR_STOP=1', '-c', copy], {
    encoding: 'buffer',
    maxBuffer: 1 << 30,
    env: {
      ...process.env,
      PGHOST: connection.host,
      PGPORT: String(connection.port),
      PGUSER: connection.user,
      PGDATABASE: connection.database,
      PGOPTIONS: settings,
    },
  });
  return stdout;
}

export function fingerprintOf(bytes: Buffer, rowKey: string) {
  const rows = new RowHash(Buffer.from(rowKey, 'hex'));
  rows.update(bytes);
  return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), rows: rows.digest() };
}
