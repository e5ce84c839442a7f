/** `holdfast doctor`: will backups and restores work? */
import type { Command } from 'commander';
import type { Config } from '../config/schema.ts';
import type { ErrorCode } from '../src/base/errors.ts';
import type { KnownSecret } from '../src/jobs/doctor/secrets.ts';
import type { Context, Start } from './context.ts';

const help = `
Tries everything for real: logins, rights, locks, keys, clocks, free space, and
at each site writing, listing and removing a trial object. Makes no backup. Exit
status 1 means that there is a problem; warnings alone end with 0.

Examples:
  $ holdfast doctor
  $ holdfast doctor app --no-write
  $ holdfast doctor --json | jq '.findings[] | select(.status != "ok")'
`;

/** Adds the command to the program. */
export function addDoctor(program: Command, start: Start): void {
  program
    .command('doctor')
    .description('try every precondition of backups and restores')
    .argument('[source...]', 'names of sources (default: all)')
    .option('--no-write', 'write nothing at the sites: only reading is tried there')
    .addHelpText('after', help)
    .action((sources: string[], { write }: { write: boolean }) => start((context) => run(context, sources, write)));
}

async function run(context: Context, names: string[], write: boolean): Promise<ErrorCode | undefined> {
  const [
    { doctor },
    { backupSettingsOf, chosenSources, namedDatabases },
    { doctorText },
    { Trust },
    { openConfiguredSite },
    { partiesOf },
  ] = await Promise.all([
    import('../src/jobs/doctor/doctor.ts'),
    import('./source-settings.ts'),
    import('./views/doctor.ts'),
    import('../src/repository/trust.ts'),
    import('./open-sites.ts'),
    import('../config/trust-parties.ts'),
  ]);
  const { config, path, directory } = await context.config();
  const chosen = chosenSources(config, names);
  const report = await doctor({
    configuration: path,
    nodeVersion: process.version,
    environment: context.environment,
    stateDirectory: config.state,
    trust: new Trust(config.repository, partiesOf(config)),
    secrets: await secretsOf(context, config, chosen),
    isBackupHost: config.host.identity !== undefined,
    identities: await identitiesHere(context, config, directory),
    sources: chosen.map((source) => ({
      name: source.name,
      settings: () => backupSettingsOf(context, source, namedDatabases(source, names)),
    })),
    sites: config.sites.map((site) => ({
      name: site.name,
      operator: site.operator,
      country: site.country,
      ...(site.type === 'disk' && { path: site.path }),
      ...(site.type === 's3' &&
        site.objectLock && { lock: { mode: site.objectLock.mode, minimumMs: site.objectLock.minimum } }),
      open: () => openConfiguredSite(context, site, { create: false, readOnly: !write }),
    })),
    write,
    clock: context.clock,
    emit: context.emit,
    signal: context.signal,
  });
  context.finishProgress();
  const { width, style } = context.output;
  const sound = report.outcome === 'sound';
  context.output.result('doctor/1', report, () => doctorText(report, { width, style }), { summary: sound });
  return sound ? undefined : 'failed';
}

/** What backups need. Identities of owners are not asked for: a command that gives one may wait for a passphrase. */
async function secretsOf(context: Context, config: Config, chosen: Config['sources']): Promise<KnownSecret[]> {
  const { directory } = await context.config();
  const { resolve } = await import('node:path');
  const secrets: KnownSecret[] = [];
  const { identity } = config.host;
  if (identity) {
    const file = 'file' in identity ? resolve(directory, identity.file) : undefined;
    secrets.push({ subject: `identity of ${config.host.name}`, read: () => context.host(), file });
  }
  for (const source of chosen) {
    const password = 'password' in source ? source.password : undefined;
    if (!password) continue;
    const file = 'file' in password ? resolve(directory, password.file) : undefined;
    secrets.push({ subject: `password of ${source.name}`, read: () => context.secret(password), file });
  }
  const { existsSync } = await import('node:fs');
  for (const owner of config.owners) {
    const of = owner.identity;
    // One that lies on a medium which is not here now is as it should be.
    if (!of || !('file' in of) || !existsSync(resolve(directory, of.file))) continue;
    secrets.push({
      subject: `identity of ${owner.public.name}`,
      read: () => context.secret(of),
      file: resolve(directory, of.file),
    });
  }
  return secrets;
}

/** Identities of owners that lie on this machine: given, named by the configuration, or where `init` puts them. */
async function identitiesHere(context: Context, config: Config, directory: string) {
  const [{ readdir, readFile }, { join, resolve }, { parseParty }] = await Promise.all([
    import('node:fs/promises'),
    import('node:path'),
    import('../src/crypt/parties.ts'),
  ]);
  const beside = join(directory, 'owners');
  const files = new Set([
    ...context.flags.identity.map((file) => resolve(context.cwd, file)),
    ...config.owners.flatMap(({ identity }) =>
      identity && 'file' in identity ? [resolve(directory, identity.file)] : [],
    ),
    ...(await readdir(beside).catch(() => [])).map((name) => join(beside, name)),
  ]);
  const owners = new Map(
    config.owners.filter(({ use }) => use === 'owner').map((owner) => [owner.public.recipient, owner.public.name]),
  );
  const found: { owner: string; place: string }[] = [];
  for (const place of files) {
    // Whatever is no identity is none of an owner.
    const party = await readFile(place, 'utf8')
      .then(parseParty)
      .catch(() => undefined);
    const owner = party && owners.get(party.recipient);
    if (owner !== undefined) found.push({ owner, place });
  }
  for (const { identity, use, public: line } of config.owners) {
    if (!identity || use !== 'owner' || 'file' in identity) continue;
    if ('env' in identity ? context.environment[identity.env] : true)
      found.push({ owner: line.name, place: placeOf(identity) });
  }
  return found;
}

function placeOf(identity: { env: string } | { command: string[] } | { credential: string }): string {
  if ('env' in identity) return `variable ${identity.env}`;
  return 'command' in identity ? `command ${identity.command[0]}` : `credential ${identity.credential}`;
}
