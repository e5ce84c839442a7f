/**
 * Runs before the tests and the demo: finds the programs they need, installs what is missing where it can, and otherwise
 * names the command that does. Nothing is skipped because a program is missing.
 *
 * Arguments: `demo` for what the demo needs, `bench` for the benchmark, `regression` for PostgreSQL's own tests; without, what the tests need.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

interface Need {
  program: string;
  package: string;
  found?: () => boolean;
}

const onPath = (program: string) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;

const server: Need = {
  program: 'postgres',
  package: 'postgresql',
  found: () => (onPath('postgres') && onPath('initdb')) || globSync('/usr/lib/postgresql/*/bin/initdb').length > 0,
};
const clients: Need = { program: 'pg_dump', package: 'postgresql-client' };
const recovery = ['age', 'zstd', 'jq', 'openssl'].map((program) => ({ program, package: program }));
/** Tells whether units are right, and when timers elapse. */
const units: Need = { program: 'systemd-analyze', package: 'systemd' };
const attributes: Need = { program: 'setfattr', package: 'attr' };
// Beside the servers in sbin, which is not on everybody's PATH.
const pooler: Need = {
  program: 'pgbouncer',
  package: 'pgbouncer',
  found: () => onPath('pgbouncer') || globSync('/usr/sbin/pgbouncer').length > 0,
};
const siteServers: Need[] = [
  ...['radosgw', 'ceph-mon', 'ceph-osd'].map((program) => ({ program, package: program })),
  // In sbin too.
  { program: 'sshd', package: 'openssh-server', found: () => globSync('/usr/sbin/sshd').length > 0 },
  { program: 'ssh-agent', package: 'openssh-client' },
];
/** Looks at pages as people do; without a font it draws nothing. */
const browser: Need[] = [
  { program: 'chromium-headless-shell', package: 'chromium-headless-shell' },
  {
    program: 'DejaVu fonts',
    package: 'fonts-dejavu-core',
    found: () => globSync('/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf').length > 0,
  },
];
const peers = [
  { program: 'restic', package: 'restic' },
  { program: 'borg', package: 'borgbackup' },
];

const needs: Record<string, Need[]> = {
  demo: [server, clients],
  test: [server, clients, attributes, units, pooler, ...siteServers, ...browser, ...recovery],
  regression: [server, clients, ...['gcc', 'make', 'perl'].map((program) => ({ program, package: program }))],
  bench: [server, clients, ...recovery, ...peers],
};
const purpose = process.argv[2] ?? 'test';
const missing = (needs[purpose] ?? []).filter(({ program, found }) => !(found ?? (() => onPath(program)))());

if (missing.length > 0) {
  const names = missing.map((need) => need.package).join(' ');
  const sudo = process.getuid?.() === 0 ? '' : 'sudo -n ';
  const install = `apt-get install -y --no-install-recommends ${names}`;
  // Debian's package would also make a cluster of its own and start it; nothing here needs that.
  const switchFile = '/etc/postgresql-common/createcluster.d/holdfast-none.conf';
  const script = [
    'set -e',
    `${sudo}apt-get update -qq`,
    ...(missing.includes(server)
      ? [
          `${sudo}apt-get install -y --no-install-recommends postgresql-common`,
          `${sudo}mkdir -p /etc/postgresql-common/createcluster.d`,
          `echo "create_main_cluster = false" | ${sudo}tee ${switchFile} >/dev/null`,
        ]
      : []),
    `${sudo}env DEBIAN_FRONTEND=noninteractive ${install}`,
    `${sudo}rm -f ${switchFile}`,
  ].join('\n');
  console.error(`Installing what is missing: ${names}`);
  const run = spawnSync('sh', ['-c', script], { stdio: ['ignore', 'ignore', 'inherit'] });
  const still = missing.filter(({ program, found }) => !(found ?? (() => onPath(program)))());
  if (run.status !== 0 || still.length > 0) {
    console.error(`Could not install it. Run this as root, then start again:\n  apt-get update && ${install}`);
    process.exit(1);
  }
}
