/** From answers to the files that `init` makes. Nothing is written here. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { jsonSchemaText } from '../../config/json-schema.ts';
import { configFileName, parseConfig } from '../../config/load.ts';
import { ConfigError } from '../../config/problems.ts';
import { renderConfig, type SourceInput } from '../../config/write.ts';
import { HoldfastError } from '../../src/base/errors.ts';
import { formatParty, generateParty, publicLine } from '../../src/crypt/parties.ts';
import type { Context } from '../context.ts';
import type { NewFile } from '../private-files.ts';
import {
  type Answers,
  assertDifferent,
  hostNameFrom,
  type InitFlags,
  readFiles,
  readOwnerName,
  readPostgres,
  readPublicOwner,
} from './answers.ts';
import { assertAnswered, assertFree } from './missing.ts';

export interface InitPlan {
  configPath: string;
  hostIdentity: string;
  owners: { name: string; public: string; identityFile?: string; use: 'owner' }[];
  /** In the order of their making: the configuration last, so that it never names what is not there. */
  files: NewFile[];
  /** Worth telling. */
  notes: string[];
}

const schemaFileName = 'holdfast.schema.json';
const hostFileName = 'host.key';

/** @throws HoldfastError `usage` naming everything that is missing, `target-exists` */
export async function planInit(context: Context, flags: InitFlags): Promise<InitPlan> {
  const configPath = resolve(context.cwd, context.flags.config ?? configFileName);
  await assertFree(configPath);
  let answers: Partial<Answers> = readAnswers(flags, dirname(configPath), context.cwd);
  if (context.interactive && !flags.yes) {
    const { askMissing } = await import('./questions.ts');
    answers = await askMissing(answers, configPath, context);
  }
  return planFiles(context, assertAnswered(answers), configPath);
}

function readAnswers(flags: InitFlags, directory: string, cwd: string): Answers {
  const { site, siteName, operator, country, state } = flags;
  const inEtc = directory === '/etc' || directory.startsWith('/etc/');
  return {
    site: { name: siteName, path: site ?? '', operator: operator ?? '', country: country ?? '' },
    hostName: flags.hostName ?? hostNameFrom(hostname()),
    newOwners: (flags.owner ?? []).map(readOwnerName),
    publicOwners: (flags.ownerPublic ?? []).map(readPublicOwner),
    ownerDirectory: flags.ownerDirectory === undefined ? join(directory, 'owners') : resolve(cwd, flags.ownerDirectory),
    sources: [
      ...(flags.postgres ?? []).map((text) => readPostgres(text)),
      ...(flags.files ?? []).map((text) => readFiles(text)),
    ],
    // In /etc there is a place for state elsewhere; beside a configuration in somebody's directory is one they may write.
    ...(state !== undefined ? { state: portable(state, directory, cwd) } : inEtc ? {} : { state: 'holdfast-state' }),
    timeZone: flags.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

async function planFiles(context: Context, answers: Answers, configPath: string): Promise<InitPlan> {
  const directory = dirname(configPath);
  const { site, hostName, newOwners, publicOwners, ownerDirectory, sources, state, timeZone } = answers;
  assertDifferent(
    sources.map(({ name }) => name),
    'sources',
    'Put a name before one of them: --postgres name=postgres://….',
  );
  assertDifferent(
    [hostName, ...newOwners, ...publicOwners.map(({ name }) => name)],
    'parties',
    'Choose other names with --owner or --host-name.',
  );
  const notes: string[] = [];
  const files: NewFile[] = [];
  const host = await generateParty(hostName, context.clock);
  const hostIdentity = join(directory, hostFileName);
  files.push({ path: hostIdentity, content: formatParty(host), what: 'the identity of this host' });
  const owners: InitPlan['owners'] = [];
  for (const name of newOwners) {
    const party = await generateParty(name, context.clock);
    const identityFile = join(ownerDirectory, `${name}.key`);
    files.push({ path: identityFile, content: formatParty(party), what: `the identity of ${name}` });
    owners.push({ name, public: publicLine(party), identityFile, use: 'owner' });
  }
  owners.push(...publicOwners.map((party) => ({ name: party.name, public: publicLine(party), use: 'owner' as const })));

  const sourceInputs = sources.map((source): SourceInput => {
    if (source.type === 'files') return source;
    const { name, type, url, password } = source;
    if (password !== undefined) {
      const file = `${name}.password`;
      files.push({ path: join(directory, file), content: `${password}\n`, what: `the password of ${name}` });
      notes.push(`The password of ${name} is in ${file}; remove it from the history of your shell.`);
      return { name, type, connection: url, password: { file } };
    }
    if (!context.environment.PGPASSWORD) return { name, type, connection: url };
    notes.push(`The password of ${name} will be read from PGPASSWORD, which is set now: set it for every run.`);
    return { name, type, connection: url, password: { env: 'PGPASSWORD' } };
  });

  const content = renderConfig({
    schema: `./${schemaFileName}`,
    repository: randomBytes(16).toString('hex'),
    ...(state !== undefined && { state }),
    host: { publicLine: publicLine(host), identityFile: hostFileName },
    owners: owners.map((owner) => ({ publicLine: owner.public })),
    sites: [{ ...site, path: portable(site.path, directory, context.cwd) }],
    sources: sourceInputs.map((source) =>
      source.type === 'files' ? { ...source, path: portable(source.path, directory, context.cwd) } : source,
    ),
    timeZone,
  });
  await assertValid(content, configPath);
  const schema = { path: join(directory, schemaFileName), content: jsonSchemaText(), what: 'the schema for editors' };
  files.push({ ...schema, mode: 0o644 }, { path: configPath, content, what: 'the configuration', mode: 0o644 });
  return { configPath, hostIdentity, owners, files, notes };
}

/** A path that was typed in the working directory, as it must stand in a file that lies in `directory`. */
function portable(path: string, directory: string, cwd: string): string {
  return isAbsolute(path) ? path : relative(directory, resolve(cwd, path)) || '.';
}

/** Whatever the answers were, no configuration is written that cannot be loaded. */
async function assertValid(content: string, path: string): Promise<void> {
  try {
    await parseConfig(content, path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = error.problems.map((problem) => `${problem.path}: ${problem.message}`);
    throw new HoldfastError('usage', 'The answers make no valid configuration.', {
      why: lines.join('\n'),
      hint: 'Give others; `holdfast init --help` shows the flags. Nothing was written.',
    });
  }
}
