import { memberName } from '../../repository/source-name.ts';
import { listDatabases } from '../../sources/postgres/cluster-databases.ts';
import type { BackupSettings, ClusterSettings } from '../source-settings.ts';
import { examineCommand } from './command.ts';
import { examineFiles } from './files.ts';
import { examine, type Finding, type Findings } from './finding.ts';
import { examineGlobals, examinePostgres, type PostgresSurroundings } from './postgres.ts';

/** A source as the repository knows it: each database of a cluster is one. */
export interface StoredSource {
  name: string;
  /** Bytes that a backup reads; undefined when that could not be found out. */
  size?: number | undefined;
}

export interface ExaminedSource {
  findings: Finding[];
  stored: StoredSource[];
}

/** @param settingsOf gets the password too, and may fail: that is a finding */
export async function examineSource(
  name: string,
  settingsOf: () => Promise<BackupSettings>,
  around: PostgresSurroundings,
): Promise<ExaminedSource> {
  const examined: ExaminedSource = { findings: [], stored: [] };
  const own = await examine(
    'sources',
    name,
    async (findings) => {
      const settings = await settingsOf();
      if (settings.type === 'postgres-cluster') await examineCluster(settings, around, findings, examined);
      else if (settings.type === 'files') examined.stored.push({ name, size: examineFiles(settings, findings) });
      else if (settings.type === 'command') await examineCommand(settings, around.environment, findings);
      else {
        const examinePart =
          settings.type === 'postgres' ? examinePostgres(settings, around) : examineGlobals(settings, around);
        const { findings: found, size } = await examinePart;
        examined.findings.push(...found);
        examined.stored.push({ name, size });
      }
    },
    around.signal,
  );
  examined.findings.push(...own);
  if (examined.stored.length === 0) examined.stored.push({ name });
  return examined;
}

async function examineCluster(
  settings: ClusterSettings,
  around: PostgresSurroundings,
  findings: Findings,
  into: ExaminedSource,
): Promise<void> {
  const { name, connection, databases, excludeDatabases: exclude, excludeTables, only } = settings;
  const listed = await listDatabases(connection, { databases, exclude }, around.signal);
  const wanted = only ? listed.chosen.filter((one) => only.includes(one.name)) : listed.chosen;
  for (const pattern of listed.unused) findings.warn(`The pattern ${pattern} fits no database.`);
  for (const database of listed.missing) findings.problem(`The server has no database ${JSON.stringify(database)}.`);
  findings.ok(`Its server has ${wanted.length} databases to back up.`);
  for (const { name: database, obstacle } of wanted) {
    const source = memberName(name, database);
    if (obstacle) {
      const { reason: why, hint } = obstacle;
      findings.problem(`The database ${database} cannot be backed up.`, { why, hint });
      continue;
    }
    const { findings: found, size } = await examinePostgres(
      { name: source, type: 'postgres', connection: { ...connection, database }, excludeTables, sharedExcludes: true },
      around,
    );
    into.findings.push(...found);
    into.stored.push({ name: source, size });
  }
}
