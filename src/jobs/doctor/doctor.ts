import { stat } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import type { Emit } from '../../base/events.ts';
import type { RepositoryAccess } from '../../repository/access.ts';
import { rootObjects } from '../../repository/layout.ts';
import { readSourceRecord } from '../../repository/source-record.ts';
import type { Trust } from '../../repository/trust.ts';
import type { Site } from '../../sites/site.ts';
import { assertRepository } from '../init.ts';
import type { BackupSettings, Environment } from '../source-settings.ts';
import { examine, type Finding, type Findings, type Section } from './finding.ts';
import { examineLock } from './lock.ts';
import { examineAnswers, examineNumber, examineSeparation } from './owners.ts';
import { examineCopies, type SiteFacts } from './policy.ts';
import { freeBytes, judgeRoom } from './room.ts';
import { examineSecret, type KnownSecret } from './secrets.ts';
import { probeSite } from './site.ts';
import { examineSource, type StoredSource } from './source.ts';
import { examineTools } from './tools.ts';

export interface DoctorRequest {
  /** Path of the configuration, which has been read and found right. */
  configuration: string;
  /** `process.version` */
  nodeVersion: string;
  environment: Environment;
  stateDirectory: string;
  trust: Trust;
  secrets: readonly KnownSecret[];
  /** Whether this machine has the key of a host. */
  isBackupHost: boolean;
  identities: readonly { owner: string; place: string }[];
  /** `settings` gets the password, and may fail. */
  sources: readonly { name: string; settings(): Promise<BackupSettings> }[];
  /** `path` where it is a directory. */
  sites: readonly (SiteFacts & { path?: string | undefined; open(): Promise<Site> })[];
  /** False: sites are only read. */
  write: boolean;
  clock: Clock;
  emit: Emit;
  signal: AbortSignal;
}

export interface DoctorReport {
  /** `problems` when there is at least one; warnings are none. */
  outcome: 'sound' | 'problems';
  findings: Finding[];
}

const order: readonly Section[] = [
  'configuration',
  'tools',
  'secrets',
  'owners',
  'sources',
  'sites',
  'clocks',
  'policy',
];

/**
 * Tries every precondition of backups and restores for real. Nothing is changed but for trial objects at the sites,
 * which are removed, and what this machine remembers of keys it sees for the first time.
 *
 * @throws the signal's reason; whatever else goes wrong is a finding
 */
export async function doctor(request: DoctorRequest): Promise<DoctorReport> {
  const { emit, signal, trust } = request;
  const found: Finding[] = [];
  const look = async (text: string, work: () => Promise<Finding[]>) => {
    signal.throwIfAborted();
    emit({ type: 'step', text: `Examining ${text}` });
    found.push(...(await work()));
  };
  await look('the configuration', () => examineState(request));
  await look('programs', () => examineTools(request.environment, request.nodeVersion, signal));
  for (const secret of request.secrets) {
    await look('secrets', () =>
      examine('secrets', secret.subject, (findings) => examineSecret(secret, findings), signal),
    );
  }
  const { isBackupHost, identities } = request;
  await look('owners', async () => [
    ...(await examine('owners', 'machine', (findings) => examineSeparation(isBackupHost, identities, findings))),
    ...(
      await Promise.all(
        request.sources.map(({ name }) =>
          examine('owners', name, (findings) => examineNumber(name, trust.partiesFor(name), findings)),
        ),
      )
    ).flat(),
  ]);
  const sources: StoredSource[] = [];
  for (const { name, settings } of request.sources) {
    await look(`the source ${name}`, async () => {
      const { findings, stored } = await examineSource(name, settings, request);
      sources.push(...stored);
      return findings;
    });
  }
  for (const site of request.sites) await look(`the site ${site.name}`, () => examineSite(site, sources, request));
  await look('the policy', () => examine('policy', 'copies', (findings) => examineCopies(request.sites, findings)));
  const findings = order.flatMap((section) => found.filter((finding) => finding.section === section));
  return { outcome: findings.some(({ status }) => status === 'problem') ? 'problems' : 'sound', findings };
}

async function examineState({ configuration, stateDirectory, signal }: DoctorRequest): Promise<Finding[]> {
  return [
    ...(await examine('configuration', 'file', (findings) => findings.ok(`${configuration} is right.`))),
    ...(await examine(
      'configuration',
      'state',
      async (findings) => judgeRoom(findings, `the state directory ${stateDirectory}`, await freeBytes(stateDirectory)),
      signal,
    )),
  ];
}

async function examineSite(
  { name, path, lock, open }: DoctorRequest['sites'][number],
  sources: readonly StoredSource[],
  request: DoctorRequest,
): Promise<Finding[]> {
  const { clock, signal } = request;
  const list: Finding[] = [];
  let site: Site | undefined;
  list.push(
    ...(await examine(
      'sites',
      name,
      async () => {
        site = await open();
      },
      signal,
    )),
  );
  if (site === undefined) {
    return [
      ...list,
      ...(await examine('owners', name, (findings) => findings.warn('The answers of owners could not be looked at.'))),
    ];
  }
  try {
    if (request.write) list.push(...(await probeSite(site, clock, path, signal)));
    else
      list.push(
        ...(await examine('sites', name, (findings) =>
          findings.warn('Nothing was written, so only reading was tried.'),
        )),
      );
    if (lock) list.push(...(await examine('sites', name, (findings) => examineLock(site!, lock, findings))));
    list.push(...(await examineRepository(site, path, sources, request)));
  } finally {
    await site.close();
  }
  return list;
}

/** What the site holds, and whether it has room for more. */
async function examineRepository(
  site: Site,
  path: string | undefined,
  sources: readonly StoredSource[],
  request: DoctorRequest,
): Promise<Finding[]> {
  const { trust, clock, emit, signal, stateDirectory } = request;
  const access: RepositoryAccess = { site, trust, identities: [], dedupWith: [], stateDirectory, clock, emit, signal };
  const list = await examine(
    'sites',
    site.name,
    async (findings) => {
      await assertRepository(access);
      const published = await site.read(rootObjects.trust).catch(() => undefined);
      if (published?.equals(trust.text()))
        findings.ok('It holds this repository, and the parties of the configuration.');
      else {
        findings.warn('It holds this repository, but other parties than the configuration.', {
          hint: 'The next backup publishes them; then print new escrow sheets: holdfast keys export',
        });
      }
    },
    signal,
  );
  const isThere = list.every(({ status }) => status !== 'problem');
  let needed = 0;
  for (const { name, size } of sources) {
    if (isThere)
      list.push(...(await examine('owners', name, (findings) => examineAnswers(access, name, findings), signal)));
    const begun = isThere && (await readSourceRecord(access, name).catch(() => undefined)) !== undefined;
    if (!begun) needed += (size ?? 0) / 2;
  }
  if (path !== undefined) {
    list.push(
      ...(await examine(
        'sites',
        site.name,
        async (findings) => {
          judgeRoom(findings, `the site at ${path}`, await freeBytes(path), needed > 0 ? needed : undefined);
          await examineMode(path, findings);
        },
        signal,
      )),
    );
  }
  return list;
}

/** Whoever may write to the directory may take objects away. */
async function examineMode(path: string, findings: Findings): Promise<void> {
  const { mode } = await stat(path);
  const shown = (mode & 0o7777).toString(8).padStart(4, '0');
  if ((mode & 0o002) === 0) findings.ok(`Its directory has the mode ${shown}.`);
  else
    findings.problem(`Every user may remove what lies at ${path}.`, {
      why: `Its mode is ${shown}.`,
      hint: `Run: chmod o-w ${path}`,
    });
}
