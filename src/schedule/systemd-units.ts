/** The units of systemd that run jobs. */
import { isAbsolute, join, relative } from 'node:path';
import {
  credentialDirectory,
  environmentFile,
  type Installation,
  type InstalledFile,
  type InstalledJob,
  marker,
} from './installation.ts';
import { onCalendar } from './on-calendar.ts';
import { skippedDueTimes } from './slots.ts';
import { wallTimeIn } from './wall-time.ts';

/** A oneshot service for any job, and a timer for each: each run begins afresh, and systemd catches up. */
export function timerUnits(installation: Installation, directory: string): InstalledFile[] {
  const timers = installation.jobs.map((job) => ({
    path: join(directory, `holdfast-${job.name}.timer`),
    text: timer(job, installation),
  }));
  return [{ path: join(directory, 'holdfast@.service'), text: oneshot(installation) }, ...timers];
}

/** One service that stays and keeps the time itself. */
export function daemonUnit(installation: Installation, directory: string): InstalledFile[] {
  return [{ path: join(directory, 'holdfast.service'), text: daemon(installation) }];
}

function timer({ name, schedule }: InstalledJob, { timeZone, now }: Installation): string {
  return unit([
    ['Unit', [`Description=Time for holdfast run ${name} (${schedule.replaceAll('%', '%%')})`]],
    [
      'Timer',
      [
        ...onCalendar(schedule, timeZone).map((value) => `OnCalendar=${value}`),
        ...afterSkippedTimes(schedule, timeZone, now),
        '# After downtime, once.',
        'Persistent=true',
        '# So that hosts with the same configuration do not all ask the sites in the same second.',
        'RandomizedDelaySec=60',
        'AccuracySec=1s',
        `Unit=holdfast@${name}.service`,
      ],
    ],
    ['Install', ['WantedBy=timers.target']],
  ]);
}

/** systemd leaves out a time that the clocks skip. A run that finds everything done on other days harms nobody. */
function afterSkippedTimes(schedule: string, timeZone: string, now: number): string[] {
  const { wallOf } = wallTimeIn(timeZone);
  const times = skippedDueTimes(schedule, timeZone, now).map((at) => new Date(wallOf(at)).toISOString().slice(11, 19));
  if (times.length === 0) return [];
  return [
    '# For the day on which clocks skip that time; on others everything is done by then.',
    ...[...new Set(times)].map((time) => `OnCalendar=*-*-* ${time} ${timeZone}`),
  ];
}

function oneshot(installation: Installation): string {
  return unit([
    ['Unit', ['Description=holdfast run %i', ...network]],
    [
      'Service',
      [
        'Type=oneshot',
        execStart(installation, ['-q', 'run', '--retry', '%i']),
        'TimeoutStartSec=infinity',
        ...common(installation),
      ],
    ],
  ]);
}

function daemon(installation: Installation): string {
  return unit([
    ['Unit', ['Description=Holdfast: backups when they are due', ...network]],
    [
      'Service',
      [
        'Type=notify',
        execStart(installation, ['-q', 'schedule', 'daemon']),
        'Restart=always',
        'RestartSec=30s',
        'RestartPreventExitStatus=2',
        'WatchdogSec=5min',
        ...common(installation),
      ],
    ],
    ['Install', ['WantedBy=multi-user.target']],
  ]);
}

const network = ['Wants=network-online.target', 'After=network-online.target remote-fs.target'];

function common(installation: Installation): string[] {
  const { user, state, credentials, usesEnvironment, readsEveryFile } = installation;
  const capabilities = readsEveryFile ? 'CAP_DAC_READ_SEARCH' : '';
  return [
    `User=${user}`,
    'UMask=0077',
    '# The first signal ends a run cleanly: what is stored stays.',
    'KillMode=mixed',
    'TimeoutStopSec=2min',
    'Nice=10',
    'IOSchedulingClass=best-effort',
    'IOSchedulingPriority=7',
    ...(usesEnvironment ? [`EnvironmentFile=-${environmentFile}`] : []),
    ...credentials.map((name) => `LoadCredential=${name}:${join(credentialDirectory, name)}`),
    '',
    ...(readsEveryFile ? ['# Files are backed up whoever owns them.'] : []),
    `CapabilityBoundingSet=${capabilities}`,
    `AmbientCapabilities=${capabilities}`,
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    ...(state !== '/var/lib' && inside(state, '/var/lib')
      ? [`StateDirectory=${quoted(relative('/var/lib', state))}`, 'StateDirectoryMode=0700']
      : [`ReadWritePaths=${quoted(state)}`]),
    ...(installation.writes.length > 0
      ? ['# A disk that is not there must fail its site, not the run.', ...readWrite(installation.writes)]
      : []),
    `ProtectHome=${needs(installation, ['/home', '/root', '/run/user']) ? 'read-only' : 'yes'}`,
    `PrivateTmp=${needs(installation, ['/tmp', '/var/tmp']) ? 'no' : 'yes'}`,
    'PrivateDevices=yes',
    'ProtectClock=yes',
    'ProtectControlGroups=yes',
    'ProtectHostname=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'LockPersonality=yes',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    'SystemCallArchitectures=native',
    'SystemCallFilter=@system-service',
    'SystemCallErrorNumber=EPERM',
    ...(installation.runsCommands
      ? ['# Commands of the configuration run under the same limits; sudo does not work here.']
      : []),
  ];
}

function readWrite(paths: readonly string[]): string[] {
  return paths.map((path) => `ReadWritePaths=-${quoted(path)}`);
}

function needs({ reads, writes, state }: Installation, places: readonly string[]): boolean {
  return [...reads, ...writes, state].some((path) => places.some((place) => touches(path, place)));
}

/** Whether a path lies in a place, or holds it. */
function touches(path: string, place: string): boolean {
  return inside(path, place) || inside(place, path);
}

function inside(inner: string, outer: string): boolean {
  const way = relative(outer, inner);
  return !isAbsolute(way) && way !== '..' && !way.startsWith('../');
}

function execStart({ command }: Installation, rest: readonly string[]): string {
  const [program = '', ...args] = command;
  return `ExecStart=${[...[program, ...args].map((word) => quoted(word).replaceAll('$', '$$$$')), ...rest].join(' ')}`;
}

/** As systemd reads words: specifiers doubled, and quotes where there are spaces and the like. */
function quoted(word: string): string {
  const text = word.replaceAll('%', '%%');
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function unit(sections: readonly [string, readonly string[]][]): string {
  return [marker, ...sections.flatMap(([name, lines]) => ['', `[${name}]`, ...lines])].join('\n').concat('\n');
}
