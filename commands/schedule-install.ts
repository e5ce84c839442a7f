/** `holdfast schedule install`: units of systemd, or a file for cron, that run the jobs. */
import type { Command } from 'commander';
import { HoldfastError, systemCode } from '../src/base/errors.ts';
import { type InstalledFile, marker } from '../src/schedule/installation.ts';
import type { Context, Start } from './context.ts';
import { badUsage } from './usage.ts';
import type { ShownFile } from './views/schedule.ts';

const help = `
--systemd writes a service and a timer for each job; with --daemon one service
that keeps the time itself. They run as the user holdfast, who must be able to
read the configuration and the secrets, and to write to disk sites; --user names
another one. What may be read and written follows from the configuration: run it
again after a change. Replaces only files that it wrote.

Examples:
  $ holdfast schedule install --systemd --dry-run
  $ holdfast schedule install --systemd --daemon --user backup
  $ holdfast schedule install --cron
`;

interface Options {
  systemd?: boolean;
  cron?: boolean;
  daemon?: boolean;
  user?: string;
  directory?: string;
  dryRun?: boolean;
}

const unitDirectory = '/etc/systemd/system';
const cronDirectory = '/etc/cron.d';
const defaultUser = 'holdfast';

/** Adds the command to `schedule`. */
export function addScheduleInstall(schedule: Command, start: Start): void {
  schedule
    .command('install')
    .description('have systemd or cron run the jobs')
    .option('--systemd', `timers, in ${unitDirectory}`)
    .option('--daemon', 'with --systemd: one service that stays, in place of timers')
    .option('--cron', `a file in ${cronDirectory}`)
    .option('--user <name>', `whom they run as (default: ${defaultUser})`)
    .option('--directory <path>', 'where the files are written')
    .option('--dry-run', 'show the files and what would change, and write nothing')
    .addHelpText('after', help)
    .action((options: Options) => start((context) => install(context, options)));
}

async function install(context: Context, options: Options): Promise<undefined> {
  const { systemd = false, cron = false, daemon = false, user = defaultUser, dryRun = false } = options;
  if (systemd === cron) throw badUsage('Choose --systemd or --cron.', 'Where there is systemd, it does more.');
  if (daemon && cron) throw badUsage('--daemon goes with --systemd.');
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(user)) throw badUsage('--user wants the name of an account.');
  const [{ installationOf }, { planText }, { resolve, join }] = await Promise.all([
    import('./installation.ts'),
    import('./views/schedule.ts'),
    import('node:path'),
  ]);
  const installation = await installationOf(context, user);
  const directory = resolve(context.cwd, options.directory ?? (cron ? cronDirectory : unitDirectory));
  let files: InstalledFile[];
  if (cron) {
    const { crontabFile } = await import('../src/schedule/crontab.ts');
    const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
    files = [crontabFile(installation, join(directory, 'holdfast'), timeZone)];
  } else {
    const { daemonUnit, timerUnits } = await import('../src/schedule/systemd-units.ts');
    files = daemon ? daemonUnit(installation, directory) : timerUnits(installation, directory);
  }
  const shown = await Promise.all(files.map(planned));
  const stale = await staleFiles(directory, files, { cron });
  if (!dryRun) for (const file of shown) if (file.state !== 'unchanged') await write(file);
  const next = [...(await missingUser(user)), ...nextSteps(files, stale, { cron })];
  const document = {
    dryRun,
    files: shown.map(({ path, state, text }) => ({ path, state, text })),
    stale,
    next,
  };
  context.output.result('schedule-install/1', document, () => {
    const { style } = context.output;
    const files = dryRun ? planText(shown, style) : shown.map(({ path, state }) => `${path}: ${state}\n`).join('');
    return `${files}\nNext:\n${next.map((line) => `  ${line}\n`).join('')}`;
  });
  return undefined;
}

/** @throws HoldfastError `target-exists` when the file is somebody else's */
async function planned({ path, text }: InstalledFile): Promise<ShownFile> {
  const { readFile } = await import('node:fs/promises');
  let before: string;
  try {
    before = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { path, text, state: 'new' };
    throw new HoldfastError('failed', `${path} cannot be read.`, { why: `${systemCode(error)}.`, cause: error });
  }
  if (!isOurs(before)) {
    throw new HoldfastError('target-exists', `${path} was not written by this command.`, {
      why: 'Its first line does not say so. Nothing was written.',
      hint: 'Move it away, or name another directory with --directory.',
    });
  }
  return { path, text, before, state: before === text ? 'unchanged' : 'changed' };
}

function isOurs(text: string): boolean {
  return text.startsWith(`${marker}\n`);
}

/** Files of jobs that the configuration no longer has, and of the other way to run them. */
async function staleFiles(
  directory: string,
  files: readonly InstalledFile[],
  { cron }: { cron: boolean },
): Promise<string[]> {
  if (cron) return [];
  const [{ readdir, readFile }, { join }] = await Promise.all([import('node:fs/promises'), import('node:path')]);
  const names = await readdir(directory).catch(() => []);
  const stale: string[] = [];
  for (const name of names.filter((one) => /^holdfast(-.+\.timer|@?\.service)$/.test(one)).sort()) {
    const path = join(directory, name);
    if (files.some((file) => file.path === path)) continue;
    if (isOurs(await readFile(path, 'utf8').catch(() => ''))) stale.push(path);
  }
  return stale;
}

/** A reader sees the old file or the new one. */
async function write({ path, text }: ShownFile): Promise<void> {
  const { rename, unlink, writeFile } = await import('node:fs/promises');
  const temporary = `${path}.new`;
  try {
    await writeFile(temporary, text, { mode: 0o644 });
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    const code = systemCode(error);
    throw new HoldfastError('failed', `${path} cannot be written.`, {
      why:
        code === 'ENOENT' ? 'Its directory does not exist.' : code === 'EACCES' ? 'Permission is denied.' : `${code}.`,
      hint: code === 'EACCES' ? 'Run it as root, or see what it would write: --dry-run.' : 'Check --directory.',
      cause: error,
    });
  }
}

/** How to make the account, when the machine has none of that name. */
async function missingUser(user: string): Promise<string[]> {
  const { readFile } = await import('node:fs/promises');
  const accounts = await readFile('/etc/passwd', 'utf8').catch(() => '');
  if (accounts === '' || accounts.split('\n').some((line) => line.startsWith(`${user}:`))) return [];
  return [`useradd --system --home-dir /var/lib/holdfast --shell /usr/sbin/nologin ${user}`];
}

function nextSteps(files: readonly InstalledFile[], stale: readonly string[], { cron }: { cron: boolean }): string[] {
  if (cron) return ['nothing more: cron reads the file by itself'];
  const name = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  const enabled = files.map(({ path }) => name(path)).filter((unit) => !unit.startsWith('holdfast@'));
  const gone = stale.map(name).filter((unit) => !unit.startsWith('holdfast@'));
  return [
    ...(gone.length > 0 ? [`systemctl disable --now ${gone.join(' ')}`] : []),
    ...(stale.length > 0 ? [`rm ${stale.join(' ')}`] : []),
    'systemctl daemon-reload',
    `systemctl enable --now ${enabled.join(' ')}`,
  ];
}
