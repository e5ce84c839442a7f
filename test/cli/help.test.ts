import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { escapeCode, holdfast, holdfastOnTerminal, useDirectory } from './run-holdfast.ts';

const directory = useDirectory();
const run = (...args: string[]) => holdfast(args, { cwd: directory.path });

const commands = [
  'init',
  'keys',
  'doctor',
  'demo',
  'backup',
  'restore',
  'snapshots',
  'ls',
  'cat',
  'check',
  'run',
  'schedule',
  'pseudonymize',
];

describe('help', () => {
  it('groups every command, and goes to standard output', async () => {
    const { status, stdout, stderr } = await run('--help');
    expect(status).toBe(0);
    expect(stderr).toBe('');
    for (const heading of ['Set up:', 'Back up and restore:', 'Look inside:', 'Care:', 'Examples:']) {
      expect(stdout).toContain(`\n${heading}\n`);
    }
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
  });

  it.each([
    ...commands.filter((command) => !['keys', 'schedule', 'pseudonymize'].includes(command)),
    ...['show', 'install', 'daemon'].map((command) => `schedule ${command}`),
    ...['new', 'test', 'export'].map((command) => `keys ${command}`),
    ...['scan', 'plan'].map((command) => `pseudonymize ${command}`),
  ])('of %s has an example and the global options', async (command) => {
    const { status, stdout } = await run(...command.split(' '), '--help');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Examples?:$/m);
    expect(stdout).toContain(`  $ holdfast ${command}`);
    expect(stdout).toContain('--identity <file>');
  });

  it('stays within 80 columns where nobody tells how many there are', async () => {
    for (const command of commands) {
      const { stdout } = await run(command, '--help');
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    }
  });

  it('without a command goes to standard error, as a usage error', async () => {
    const { status, stdout, stderr } = await run();
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('Back up and restore:');
    expect(stderr).toContain('error: No command was given.');
  });

  it('has colours on a terminal, and none with NO_COLOR or --no-color', async () => {
    const onTerminal = { cwd: directory.path, columns: 80 };
    expect((await holdfastOnTerminal(['--help'], onTerminal)).stdout).toContain(escapeCode);
    const without = await holdfastOnTerminal(['--help'], { ...onTerminal, env: { NO_COLOR: '1' } });
    expect(without.stdout).not.toContain(escapeCode);
    expect((await holdfastOnTerminal(['--help', '--no-color'], onTerminal)).stdout).not.toContain(escapeCode);
  });
});

describe('version', () => {
  it.each(['--version', '-V'])('%s is that of the package', async (flag) => {
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'));
    expect(await run(flag)).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('loads no package at all, and help only the parser', async () => {
    // A load hook that tells every file of the program, or of a package, that is loaded.
    const hook = `import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) {
        if (url.startsWith('file:')) process._rawDebug('loads ' + url);
        return next(url, context);
      } });`;
    const nodeArguments = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`];
    const loads = async (flag: string) => {
      const { stderr } = await holdfast([flag], { cwd: directory.path, nodeArguments });
      const files = [...stderr.matchAll(/^loads (.*)$/gm)].map(([, url]) => new URL(url!));
      // The build says before each module where it is from.
      const texts = await Promise.all(
        files.map(async (file) => `// ${file.pathname}\n${await readFile(file, 'utf8')}`),
      );
      const packages = texts.flatMap((text) => [...text.matchAll(/^\/\/ .*\bnode_modules\/([^/]+)/gm)]);
      return { files: files.length, packages: [...new Set(packages.map(([, name]) => name))] };
    };
    expect(await loads('--version')).toEqual({ files: 1, packages: [] });
    expect((await loads('--help')).packages).toEqual(['commander']);
  });

  it('refuses a Node that is too old in a sentence', async () => {
    const older = `Object.defineProperty(process.versions, 'node', { value: '20.11.1' })`;
    const nodeArguments = ['--import', `data:text/javascript,${encodeURIComponent(older)}`];
    const { status, stdout, stderr } = await holdfast(['--version'], { cwd: directory.path, nodeArguments });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^error: Holdfast needs Node\.js 22\.18 or newer; this is 20\.11\.1\.$/m);
  });
});

describe('usage errors', () => {
  it.each([
    [['bakup'], 'Did you mean backup?'],
    [['backup', '--jsno'], 'Did you mean --json?'],
    [['keys', 'lst'], 'Did you mean list?'],
    [['restore', 'app'], '`holdfast restore --help` shows what there is.'],
    [['snapshots', '-q', '-v'], '`holdfast snapshots --help` shows what there is.'],
  ])('%j exits 2 with a hint', async (args, hint) => {
    const { status, stdout, stderr } = await run(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^error: [A-Z].*\.$/m);
    expect(stderr).toContain(`hint: ${hint}\n`);
  });

  it('never shows what was given to a mistyped option', async () => {
    const { status, stdout, stderr } = await run('init', '--postgress=postgres://u:hunter2@h/d');
    expect(status).toBe(2);
    expect(stdout + stderr).not.toContain('hunter2');
    expect(stderr).toContain('--postgress');
  });

  it('with --json is a document', async () => {
    const { status, stdout } = await run('--json', 'bakup');
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      schema: 'holdfast/error/1',
      error: { code: 'usage', message: "Unknown command 'bakup'.", hint: 'Did you mean backup?' },
    });
  });
});
