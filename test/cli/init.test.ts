import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/load.ts';
import { parseParty, publicLine } from '../../src/crypt/parties.ts';
import { holdfast, holdfastOnTerminal, initFlags, useDirectory } from './run-holdfast.ts';

const directory = useDirectory();
const path = (...parts: string[]) => join(directory.path, ...parts);
const run = (args: string[], env?: Record<string, string>) =>
  holdfast(args, { cwd: directory.path, ...(env && { env }) });
const modeOf = async (...parts: string[]) => (await stat(path(...parts))).mode & 0o777;

describe('init', () => {
  it('makes keys, configuration and repository, the secret ones for their owner alone', async () => {
    const { status, stdout, stderr } = await run(['init', ...initFlags]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const secret of ['host.key', 'owners/anna.key', 'owners/bert.key']) {
      expect(await modeOf(secret), secret).toBe(0o600);
    }
    expect(await modeOf('owners')).toBe(0o700);
    expect(await modeOf('holdfast.yaml')).toBe(0o644);
    const { config } = await loadConfig(path('holdfast.yaml'));
    expect(config.host.name).toBe('web1');
    expect(config.sites).toEqual([
      { name: 'vault', type: 'disk', path: path('site'), operator: 'Example Ltd', country: 'FR' },
    ]);
    expect(config.sources).toMatchObject([{ name: 'documents', type: 'files', path: path('tree') }]);
    const anna = await parseParty(await readFile(path('owners', 'anna.key'), 'utf8'));
    expect(publicLine(config.owners[0]!.public)).toBe(publicLine(anna));
    // The backup host must not be able to open its backups.
    expect(config.owners.map(({ identity }) => identity)).toEqual([undefined, undefined]);
    expect(JSON.parse(await readFile(path('site', 'holdfast.json'), 'utf8'))).toMatchObject({ format: 1 });
    for (const next of ['backup', 'keys test', 'keys export anna', 'owners/bert.key']) expect(stdout).toContain(next);
  });

  it('refuses a second time, and changes nothing', async () => {
    await run(['init', ...initFlags]);
    const before = await readFile(path('holdfast.yaml'), 'utf8');
    const { status, stderr } = await run(['init', ...initFlags]);
    expect(status).toBe(1);
    expect(stderr).toContain(`error: There is a configuration already: ${path('holdfast.yaml')}`);
    expect(stderr).toContain('hint:');
    expect(await readFile(path('holdfast.yaml'), 'utf8')).toBe(before);
  });

  it('never overwrites a key, and takes away what it had made before it met one', async () => {
    await mkdir(path('owners'));
    await writeFile(path('owners', 'bert.key'), 'precious');
    const { status, stderr } = await run(['init', ...initFlags]);
    expect(status).toBe(1);
    expect(stderr).toContain(`${path('owners', 'bert.key')} exists already.`);
    expect(await readdir(directory.path)).toEqual(['owners']);
    expect(await readFile(path('owners', 'bert.key'), 'utf8')).toBe('precious');
  });

  it('leaves nothing when the site cannot be made', async () => {
    await writeFile(path('site'), 'a file');
    const { status, stderr } = await run(['init', ...initFlags]);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/^error: .*site/m);
    expect(await readdir(directory.path)).toEqual(['site']);
  });

  it('refuses a site that holds another repository', async () => {
    await run(['init', ...initFlags, '-c', 'one/holdfast.yaml']);
    const { status, stderr } = await run(['init', ...initFlags, '-c', 'two/holdfast.yaml']);
    expect(status).toBe(1);
    expect(stderr).toContain('holds another repository');
    expect((await readdir(directory.path)).sort()).toEqual(['one', 'site']);
  });

  it('opens the site of a configuration that exists', async () => {
    await run(['init', ...initFlags]);
    const again = await run(['init', '--existing', '--json']);
    expect(again.status).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ schema: 'holdfast/init/1', created: false });
  });

  it('names everything that is missing at once', async () => {
    const { status, stderr } = await run(['init', '--operator', 'Example Ltd']);
    expect(status).toBe(2);
    expect(stderr).toContain('Missing: --site, --country, --owner or --owner-public, --postgres or --files.');
    expect(await readdir(directory.path)).toEqual([]);
  });

  it.each([
    [
      ['--country', 'UK'],
      'sites[0].country: expected a country code of ISO 3166-1 alpha-2, such as FR; did you mean `GB`?',
    ],
    [['--owner', 'Anna'], 'An owner needs a name'],
    [['--owner', 'web1'], 'Two parties have the name web1.'],
    [['--files', 'documents=other'], 'Two sources have the name documents.'],
    [['--files', 'Häuser=tree'], 'The source of --files needs a name'],
    [['--postgres', 'mysql://u@h/d'], 'expected a URL that starts with postgres://'],
    [['--owner-public', 'anna age1 hfsig1'], 'A public line cannot be used.'],
    [['--time-zone', 'Mars/Base'], 'rotation.timeZone'],
  ])('with %j writes nothing and says why', async (more, message) => {
    const { status, stderr } = await run(['init', ...initFlags, ...more]);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
    expect(await readdir(directory.path)).toEqual([]);
  });

  it('puts a password into a file of its own, and shows it nowhere', async () => {
    const url = 'postgres://backup:hunter%202@db.example.org:5433/app?sslmode=require';
    const { status, stdout, stderr } = await run(['init', ...initFlags, '--postgres', url, '-v']);
    expect(status).toBe(0);
    expect(await readFile(path('app.password'), 'utf8')).toBe('hunter 2\n');
    expect(await modeOf('app.password')).toBe(0o600);
    expect(stderr).toContain('remove it from the history');
    const text = await readFile(path('holdfast.yaml'), 'utf8');
    for (const shown of [stdout, stderr, text]) expect(shown).not.toMatch(/hunter/);
    const { config } = await loadConfig(path('holdfast.yaml'));
    expect(config.sources[0]).toMatchObject({
      name: 'app',
      connection: { host: 'db.example.org', port: 5433, user: 'backup', database: 'app', sslmode: 'require' },
      password: { file: 'app.password' },
    });
  });

  it('does not show a password that stands where it cannot be used', async () => {
    const { status, stdout, stderr } = await run(['init', ...initFlags, '--postgres', 'postgres://u:hunter2@/']);
    expect(status).toBe(2);
    expect(stdout + stderr).not.toContain('hunter2');
  });

  it('refers to PGPASSWORD when it is set', async () => {
    await run(['init', ...initFlags, '--postgres', 'postgres://u@h/app'], { PGPASSWORD: 'hunter2' });
    const { config } = await loadConfig(path('holdfast.yaml'));
    expect(config.sources[0]).toMatchObject({ password: { env: 'PGPASSWORD' } });
  });

  it('warns when one loss would lose everything', async () => {
    const one = initFlags.filter((word, index) => word !== 'bert' && initFlags[index + 1] !== 'bert');
    const { status, stderr } = await run(['init', ...one, '-q']);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^warning: There is only one owner/m);
  });

  it('takes public lines of owners from elsewhere, and paths from the working directory', async () => {
    const made = await run(['keys', 'new', 'carla', '--out', 'carla.key']);
    const flags = [...initFlags, '--owner-public', made.stdout.trim(), '-c', 'etc/main.yaml', '--state', 'state'];
    const { status, stdout } = await run(['init', ...flags]);
    expect(status).toBe(0);
    const { config } = await loadConfig(path('etc', 'main.yaml'));
    expect(config.owners.map((owner) => owner.public.name)).toEqual(['anna', 'bert', 'carla']);
    expect(config.sites[0]).toMatchObject({ type: 'disk', path: path('site') });
    expect(config.state).toBe(path('state'));
    expect((await readdir(path('etc', 'owners'))).sort()).toEqual(['anna.key', 'bert.key']);
    expect(stdout).toContain('holdfast backup -c etc/main.yaml');
  });

  it('gives its result as one document', async () => {
    const { status, stdout } = await run(['init', ...initFlags, '--json']);
    expect(status).toBe(0);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ schema: 'holdfast/init/1', created: true, config: path('holdfast.yaml') });
    expect(document.owners.map(({ name }: { name: string }) => name)).toEqual(['anna', 'bert']);
    expect(stdout).not.toMatch(/SECRET|SIGNING-KEY/);
  });

  it('says that a directory cannot be written', async () => {
    await mkdir(path('locked'));
    await chmod(path('locked'), 0o500);
    await writeFile(path('file'), '');
    const { status, stderr } = await run(['init', ...initFlags, '-c', 'file/holdfast.yaml']);
    expect(status).toBe(1);
    expect(stderr).toContain('Part of its path is a file.');
    expect(await readdir(directory.path)).not.toContain('site');
  });

  it('asks on a terminal for what flags did not tell', async () => {
    const flags = initFlags.filter((word, index) => ![word, initFlags[index - 1]].includes('--operator'));
    const { status, stdout } = await holdfastOnTerminal(['init', ...flags], {
      cwd: directory.path,
      columns: 120,
      answers: [
        ['Who runs that storage?', 'Example Ltd\r'],
        ['Make it?', 'y\r'],
      ],
    });
    expect(stdout).toContain('Who runs that storage?');
    expect(stdout).not.toContain('In which country');
    expect(status).toBe(0);
    expect((await loadConfig(path('holdfast.yaml'))).config.sites[0]!.operator).toBe('Example Ltd');
  });

  it('writes nothing when a question is left by Ctrl-C', async () => {
    const flags = initFlags.filter((word, index) => ![word, initFlags[index - 1]].includes('--operator'));
    const { status, stdout } = await holdfastOnTerminal(['init', ...flags], {
      cwd: directory.path,
      columns: 120,
      answers: [['Who runs that storage?', '\u0003']],
    });
    expect(stdout).toContain('A question was left unanswered.');
    expect(status).toBe(130);
    expect(await readdir(directory.path)).toEqual([]);
  });
});
