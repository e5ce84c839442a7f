/** `holdfast schedule`: the daemon as a process, and what is written for systemd and cron. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHoldfast } from './run-holdfast.ts';
import { type WorkingSetup, workingSetup } from './working-setup.ts';

let setup: WorkingSetup;
let config: string;
beforeAll(async () => {
  setup = await workingSetup();
  config = readFileSync(join(setup.directory, 'holdfast.yaml'), 'utf8');
});
/** What a test that runs out of time leaves behind. */
const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(setup.directory, { recursive: true, force: true });
});

/** Listens on a real datagram socket, and tells what comes. */
async function serviceManager(path: string) {
  const script = `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("listening", flush=True)
while True: print(s.recv(4096).decode().replace("\\n", "|"), flush=True)`;
  const child = spawn('python3', ['-c', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  const lines: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.split('\n').filter(Boolean)));
  const heard = async (text: string) => {
    while (!lines.some((line) => line.includes(text))) {
      if (child.exitCode !== null) throw new Error(`python3 ended with ${child.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await heard('listening');
  return { lines, heard, [Symbol.dispose]: () => void child.kill() };
}

/** Whatever the test says, no daemon outlives it. */
function startDaemon(env: Record<string, string> = {}) {
  const running = startHoldfast(['schedule', 'daemon', '--json'], { cwd: setup.directory, env });
  started.push(running.child);
  return Object.assign(running, { [Symbol.dispose]: () => void running.child.kill('SIGKILL') });
}

describe('the daemon', () => {
  it('makes up for what was missed, tells systemd how it is, and stops at once when told', async () => {
    const socket = join(setup.directory, 'notify');
    using manager = await serviceManager(socket);
    using daemon = startDaemon({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' });
    await manager.heard('READY=1');
    await daemon.heard('Next: daily, due ');
    await manager.heard('STATUS=Next: daily, due ');
    const fed = manager.lines.filter((line) => line === 'WATCHDOG=1').length;
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(manager.lines.filter((line) => line === 'WATCHDOG=1').length).toBeGreaterThan(fed + 1);
    const told = performance.now();
    daemon.child.kill('SIGTERM');
    const { status, stdout, stderr } = await daemon.ended;
    expect(performance.now() - told).toBeLessThan(3000);
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('daily, due ');
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'holdfast/schedule-daemon/1',
      runs: 1,
      last: [{ job: 'daily', outcome: 'done' }],
    });
    await manager.heard('STOPPING=1');
    const { lines } = manager;
    expect(lines.findIndex((line) => line.startsWith('STATUS=Running daily'))).toBeGreaterThan(
      lines.findIndex((line) => line.startsWith('READY=1')),
    );
  }, 30_000);

  it('ends a running job when told, and what was complete stays complete', async () => {
    const path = join(setup.directory, 'holdfast.yaml');
    const source = '  - { name: slow, type: command, filename: out, command: "touch begun; sleep 30" }';
    writeFileSync(path, config.replace(/^sources:$/m, `sources:\n${source}`));
    appendFileSync(path, '\njobs:\n  yearly: { schedule: "0 0 1 1 *", backup: [slow] }\n');
    using daemon = startDaemon();
    while (!existsSync(join(setup.directory, 'begun'))) await new Promise((resolve) => setTimeout(resolve, 20));
    const told = performance.now();
    daemon.child.kill('SIGTERM');
    const { status, stdout } = await daemon.ended;
    expect(performance.now() - told).toBeLessThan(8000);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ runs: 1, last: [] });
    // It did not come to its end, so it is due.
    const { jobs } = await setup.json<{ jobs: object[] }>(['schedule', 'show']);
    expect(jobs[0]).toMatchObject({ job: 'yearly', overdue: true });
    writeFileSync(path, config);
  }, 40_000);
});

describe('show', () => {
  it('tells the next runs in the zone of the configuration', async () => {
    const document = await setup.json<{ timeZone: string; jobs: { job: string; next: string[] }[] }>([
      'schedule',
      'show',
      '-n',
      '4',
    ]);
    expect(document.timeZone).toBe('UTC');
    expect(document.jobs[0]!.next).toHaveLength(4);
    for (const time of document.jobs[0]!.next) expect(time).toMatch(/T04:00:00\.000Z$/);
    expect((await setup.run('schedule', 'show', '-n', '0')).status).toBe(2);
  });
});

describe('install', () => {
  const install = (directory: string, ...flags: string[]) =>
    setup.run('schedule', 'install', '--directory', directory, ...flags);
  const made = (name: string) => {
    const directory = join(setup.directory, name);
    mkdirSync(directory);
    return directory;
  };
  /** What systemd itself says of the units. */
  const verified = (directory: string) => {
    const files = readdirSync(directory).map((name) => join(directory, name.replace('@.', '@daily.')));
    for (const file of files) {
      if (file.includes('@daily')) writeFileSync(file, readFileSync(file.replace('@daily', '@')));
    }
    const { status, stdout, stderr, error } = spawnSync('systemd-analyze', ['verify', ...files], { encoding: 'utf8' });
    if (error) throw new Error('systemd-analyze is missing: apt-get install systemd');
    return { status, said: `${stdout}${stderr}` };
  };

  it('writes units that systemd takes, twice the same, and only what it wrote itself', async () => {
    const directory = made('units');
    const plan = await install(directory, '--systemd', '--dry-run', '--user', 'root');
    expect(plan.stdout).toContain('OnCalendar=*-*-* 04:00:00 UTC');
    expect(readdirSync(directory)).toEqual([]);
    const first = await install(directory, '--systemd', '--user', 'root');
    expect(first.stdout).toContain('systemctl enable --now holdfast-daily.timer');
    expect(readdirSync(directory).sort()).toEqual(['holdfast-daily.timer', 'holdfast@.service']);
    expect((await install(directory, '--systemd', '--user', 'root')).stdout).toContain('holdfast@.service: unchanged');
    expect(verified(directory)).toEqual({ status: 0, said: '' });
    const unit = readFileSync(join(directory, 'holdfast@.service'), 'utf8');
    for (const line of ['ProtectSystem=strict', 'NoNewPrivileges=yes', 'UMask=0077']) expect(unit).toContain(line);
    expect(unit).toContain('CapabilityBoundingSet=CAP_DAC_READ_SEARCH\n');
    expect(unit).toContain(`ReadWritePaths=-${setup.site}\n`);
    // Changed, and shown as that.
    const changed = await install(directory, '--systemd', '--dry-run', '--user', 'backup');
    expect(changed.stdout).toContain('- User=root\n+ User=backup\n');
    writeFileSync(join(directory, 'holdfast-daily.timer'), '[Timer]\n');
    const foreign = await install(directory, '--systemd', '--user', 'backup');
    expect(foreign.status).toBe(1);
    expect(foreign.stderr).toContain('was not written by this command');
    expect(readFileSync(join(directory, 'holdfast@.service'), 'utf8')).toBe(unit);
  }, 30_000);

  it('writes a service for the daemon, and names what is left over', async () => {
    const directory = made('daemon-units');
    await install(directory, '--systemd', '--user', 'root');
    const { stdout } = await install(directory, '--systemd', '--daemon', '--user', 'root');
    expect(stdout).toContain('systemctl disable --now holdfast-daily.timer');
    expect(stdout).toContain('systemctl enable --now holdfast.service');
    expect(verified(directory)).toEqual({ status: 0, said: '' });
  }, 30_000);

  it('writes a file for cron, where cron would mean the same times', async () => {
    const directory = made('cron.d');
    const { status, stderr } = await install(directory, '--cron', '--user', 'root');
    expect(status, stderr).toBe(0);
    expect(readFileSync(join(directory, 'holdfast'), 'utf8')).toMatch(
      /^0 4 \* \* \* {2}root {2}\S+ \S+ -c \S+ -q run --retry daily$/m,
    );
    const elsewhere = { cwd: setup.directory, env: { TZ: 'America/New_York' } };
    const refused = await startHoldfast(['schedule', 'install', '--cron', '--directory', directory], elsewhere).ended;
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('`rotation.timeZone` is UTC');
    expect((await install(directory)).status).toBe(2);
    expect((await install(directory, '--cron', '--user', 'a b')).status).toBe(2);
  }, 30_000);
});
