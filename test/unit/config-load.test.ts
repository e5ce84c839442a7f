import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultKeep } from '../../config/keep.ts';
import { configVariable, findConfig, loadConfig, parseConfig, systemConfigPath } from '../../config/load.ts';
import { ConfigError, type ConfigProblem } from '../../config/problems.ts';
import { defaultJobs } from '../../config/rotation.ts';
import { defaultState } from '../../config/schema.ts';
import { partiesOf } from '../../config/trust-parties.ts';
import { isHoldfastError } from '../../src/base/errors.ts';

const examplePath = join(import.meta.dirname, '../../config/example.yaml');

/** Public lines that are well formed, with keys that nobody holds. */
const web1 =
  'web1 age13frehcvp6admnjrel8q26e92fatza6xxdjeca8aq73agjp75huaq3vm9tw hfsig1335wrnfvyk2x5umamr0wsdufpxs6funtev2kk2kgw5ellsrh86tq6sfxce';
const web2 =
  'web2 age1kat6udd070rmk82jkkuch3xakj0efvn9h3fgqqq47czrvz2npdzqh8spvw hfsig1ksr4ndrxfckq3v8qs4u6j00a3ypj68v49w5xvdxggkl5gu7a9q8qpgahw2';
const anna =
  'anna age1zd2sn720grp9pmf6v430sh9473fegk0vpz8luwe7tnk5yayyv4rqrm8vyr hfsig1fgwdt7ahgz2hrtmmtlq8v3hzxaan7rvs9un8p8szlaf2rxx6j7rsjkntzq';
const bert =
  'bert age12agatnmg72dq0gzs2t8r5zp3umn4l0vnztz4h5gnvdylfksa5puskc720c hfsig1jgplaklwh4ejjxk7zmyq7gse9zgdse72x0zwr7sgy3qlskpflvcsl883kq';

/** Only what every configuration must say: 17 lines, one source of files and one site. */
function configText({ path = '/srv/documents', site = '/mnt/vault' } = {}): string {
  return `version: 1
repository: 3f0c9b3a5e7d41c28a6f00d1c4b7e952
host: { public: "${web1}" }
# two people
owners:
  - public: ${anna}
  - public: ${bert}
sites:
  - name: vault
    type: disk
    path: ${site}
    operator: Example Ltd
    country: FR
sources:
  - name: documents
    type: files
    path: ${path}
`;
}

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-config-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function errorOf(text: string): Promise<ConfigError> {
  const error = await parseConfig(text, 'holdfast.yaml').then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ConfigError)) throw new Error(`no ConfigError but ${error} for:\n${text}`);
  return error;
}

async function problemsOf(text: string): Promise<readonly ConfigProblem[]> {
  return (await errorOf(text)).problems;
}

describe('a configuration', () => {
  it('has every default when only the necessary is said', async () => {
    const config = await parseConfig(configText(), 'holdfast.yaml');
    expect(config).toMatchObject({
      version: 1,
      state: defaultState,
      host: { name: 'web1', public: { name: 'web1' } },
      hosts: [],
      rotation: { timeZone: 'UTC', keep: defaultKeep },
      jobs: defaultJobs,
    });
    expect(config.owners.map(({ use }) => use)).toEqual(['owner', 'owner']);
    expect(config.sources[0]).toEqual({
      name: 'documents',
      type: 'files',
      path: '/srv/documents',
      exclude: [],
      oneFileSystem: false,
    });
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
  });

  it('gives each number to keep its own default', async () => {
    const config = await parseConfig(`${configText()}rotation: { keep: { daily: 7, yearly: 2 } }\n`, 'f');
    expect(config.rotation.keep).toEqual({ daily: 7, weekly: 0, monthly: 12, yearly: 2, last: 0 });
  });

  it('is loaded from the example, with absolute paths', async () => {
    const loaded = await loadConfig(examplePath);
    expect(loaded.path).toBe(examplePath);
    expect(loaded.directory).toBe(join(examplePath, '..'));
    const { config } = loaded;
    expect(config.sources.map(({ name }) => name)).toEqual(['app', 'reports', 'globals', 'documents', 'redis']);
    expect(config.sources[0]).toEqual({
      name: 'app',
      type: 'postgres',
      connection: {
        host: 'db.example.org',
        port: 5432,
        user: 'backup',
        database: 'app',
        sslmode: 'verify-full',
        sslrootcert: join(loaded.directory, 'db-ca.pem'),
      },
      password: { env: 'APP_PASSWORD' },
      jobs: 2,
      exclude: {
        tables: [
          { schema: 'public', table: 'cache' },
          { schema: 'Audit', table: 'log.2024' },
        ],
      },
    });
    expect(config.sources[4]).toMatchObject({ command: ['redis-cli', '--rdb', '-'], timeout: 3_600_000 });
    expect(partiesOf(config).map(({ name, role, sources }) => [name, role, sources])).toEqual([
      ['web1', 'backup', undefined],
      ['anna', 'owner', undefined],
      ['bert', 'owner', undefined],
      ['prover', 'verify', ['app', 'documents']],
      ['web2', 'backup', ['crm']],
    ]);
  });

  it('counts relative paths from its own directory', async () => {
    const file = join(directory, 'relative.yaml');
    await writeFile(file, `${configText({ path: 'docs', site: 'vault' })}state: ../state\n`);
    const { config } = await loadConfig(file);
    expect(config.state).toBe(join(directory, '../state'));
    expect(config.sites[0]).toMatchObject({ path: join(directory, 'vault') });
    expect(config.sources[0]).toMatchObject({ path: join(directory, 'docs') });
  });

  it('reports every problem at once, from top to bottom, each with its place', async () => {
    const error = await errorOf(`version: 1
repository: 3F0C
hosst: {}
host:
  public: ${web1}
  identity: sesame
owners:
  - public: ${anna}
    use: ower
sites:
  - name: vault
    type: disk
    path: ~/vault
    operator: 17
    country: UK
sources:
  - name: documents
    type: files
    exclude: "*.tmp"
    onefilesystem: yes
  - name: documents
    type: postgres
    connection: postgres://user:pw@host/db
jobs:
  nightly: { schedule: "0 25 * * *", backup: [document] }
`);
    expect(error.code).toBe('config');
    expect(error.problems.map(({ line, column, path }) => [line, column, path])).toEqual([
      [2, 13, 'repository'],
      [3, 1, 'hosst'],
      [6, 13, 'host.identity'],
      [9, 10, 'owners[0].use'],
      [13, 11, 'sites[0].path'],
      [14, 15, 'sites[0].operator'],
      [15, 14, 'sites[0].country'],
      [17, 5, 'sources[0].path'],
      [19, 14, 'sources[0].exclude'],
      [20, 5, 'sources[0].onefilesystem'],
      [21, 11, 'sources[1].name'],
      [23, 17, 'sources[1].connection'],
      [25, 24, 'jobs.nightly.schedule'],
      [25, 47, 'jobs.nightly.backup[0]'],
    ]);
    expect(error.message).toBe('The configuration holdfast.yaml has 14 problems.');
    expect(error.why?.split('\n')).toHaveLength(14);
    expect(error.why).toContain('holdfast.yaml:15:14: sites[0].country: expected a country code');
    expect(error.why).toMatch(/hosst: unknown key `hosst`; did you mean `hosts?`\?/);
    expect(error.why).toContain('onefilesystem: unknown key `onefilesystem`; did you mean `oneFileSystem`?');
    expect(error.why).toContain('use: expected `owner` or `verify`; did you mean `owner`?');
    expect(error.why).toContain('operator: expected a text, found a number; put it in quotes');
    expect(error.why).toContain('did you mean `GB`?');
    expect(error.why).toContain('path: is missing (The directory)');
    expect(error.why).toContain('there is no source `document`; did you mean `documents`?');
  });

  /** The text of a top-level key, up to the next one. */
  const section = (key: string) => new RegExp(`^${key}:.*\\n(?:[ -].*\\n)*`, 'm').exec(configText())![0];
  const replaced = (from: string, to: string) => {
    const text = configText();
    if (!text.includes(from)) throw new Error(`the sample has no ${from}`);
    return text.replace(from, to);
  };
  it.each<[string, string, number, string, RegExp]>([
    ['another version', replaced('version: 1', 'version: 2'), 1, 'version', /expected `1`/],
    ['a type of site that there is none of', replaced('type: disk', 'type: webdav'), 10, 'sites[0].type', /`sftp`/],
    ['a key of another type of site', replaced('type: disk', 'type: s3\n    bucket: b'), 12, 'sites[0].path', /bucket/],
    [
      'a second site of the same name',
      replaced('sources:', '  - { name: vault, type: disk, path: /o, operator: O, country: DE }\nsources:'),
      14,
      'sites[1].name',
      /another site has this name/,
    ],
    [
      'a server whose key nobody knows',
      replaced(
        'sources:',
        '  - { name: o, type: sftp, host: h, user: u, path: p, agent: /a, hostKeys: [], operator: O, country: DE }\nsources:',
      ),
      14,
      'sites[1].hostKeys',
      /ssh-keyscan/,
    ],
    ['no site', replaced(section('sites'), 'sites: []\n'), 8, 'sites', /expected a site/],
    [
      'an unknown source type',
      replaced('type: files', 'type: mysql'),
      16,
      'sources[0].type',
      /`postgres`, `postgres-globals`, `files` or `command`/,
    ],
    ['a type left out', replaced('    type: files\n', ''), 15, 'sources[0].type', /is missing; expected `postgres`/],
    [
      'nothing where a list belongs',
      replaced(section('sites'), 'sites:\n'),
      8,
      'sites',
      /expected a list, found nothing/,
    ],
    ['a reserved name', replaced('name: documents', 'name: all'), 15, 'sources[0].name', /stands for every source/],
    ['an impossible name', replaced('name: documents', 'name: My Docs'), 15, 'sources[0].name', /1 to 63/],
    ['a party twice', replaced(bert, anna), 7, 'owners[1].public', /another party has this name/],
    ['a key twice', replaced(bert, anna.replace('anna', 'bert')), 7, 'owners[1].public', /same key/],
    ['a damaged public line', replaced(anna, `${anna.slice(0, -1)}x`), 6, 'owners[0].public', /not copied exactly/],
    ['another name than the line', replaced('host: {', 'host: { name: web9,'), 3, 'host.name', /first word/],
    [
      'a verifier alone',
      `${replaced(section('owners'), `owners: [{ public: "${anna}", use: verify }]\n`)}`,
      5,
      'owners',
      /at least one owner/,
    ],
    [
      'a source that nobody opens',
      replaced(section('owners'), `owners: [{ public: "${anna}", sources: [other] }]\n`),
      13,
      'sources[0].name',
      /no owner may open/,
    ],
    [
      'keeping nothing',
      `${configText()}rotation: { keep: { daily: 0, monthly: 0 } }\n`,
      18,
      'rotation.keep',
      /keep nothing/,
    ],
    ['a negative number', `${configText()}rotation: { keep: { daily: -1 } }\n`, 18, 'rotation.keep.daily', /from 0/],
    [
      'a time zone that is none',
      `${configText()}rotation: { timeZone: Europe/Pariss }\n`,
      18,
      'rotation.timeZone',
      /time zone/,
    ],
    [
      'an offset for a time zone',
      `${configText()}rotation: { timeZone: "+02:00" }\n`,
      18,
      'rotation.timeZone',
      /time zone/,
    ],
    [
      'a job with a bad name',
      `${configText()}jobs: { "Daily!": { schedule: "0 4 * * *", backup: all } }\n`,
      18,
      'jobs.…',
      /expected a name/,
    ],
    [
      'a schedule of six fields',
      `${configText()}jobs: { d: { schedule: "0 0 4 * * *", backup: all } }\n`,
      18,
      'jobs.d.schedule',
      /five fields/,
    ],
    [
      'backup of something else',
      `${configText()}jobs: { d: { schedule: "0 4 * * *", backup: al } }\n`,
      18,
      'jobs.d.backup',
      /`all` or a list/,
    ],
    ['a number as a key', `${configText()}1: 2\n`, 18, '…', /unknown key; /],
    ['a merge key', `${configText()}<<: { state: /x }\n`, 18, '…', /unknown key/],
    ['__proto__', `${configText()}__proto__: { state: /x }\n`, 18, '…', /unknown key/],
    ['a list', '- a\n- b\n', 1, '', /expected keys with values, found a list/],
    ['one text', 'nonsense\n', 1, '', /expected keys with values, found a text/],
    ['an empty file', '', 1, '', /is empty.*holdfast init/],
    ['comments alone', '# nothing\n', 1, '', /is empty/],
    ['a key twice in YAML', `${configText()}version: 1\n`, 18, '', /here twice/],
    ['a tab', 'version: 1\nhost:\n\tpublic: x\n', 3, '', /tab/],
    ['an open quote', 'version: "1\n', 2, '', /missing/],
    ['two documents', `${configText()}---\na: 1\n`, 18, '', /several YAML documents/],
    ['an unknown tag', replaced('/srv/documents', '!env DOCUMENTS'), 17, '', /tag/],
    ['an alias to nothing', replaced('/srv/documents', '*documents'), 17, 'sources[0].path', /alias/],
    ['a reserved character', replaced('/srv/documents', '@documents'), 17, '', /needs quotes/],
    ['a second colon', replaced('/srv/documents', 'a: b: c'), 17, '', /needs quotes/],
    [
      'another YAML version',
      `%YAML 1.1\n---\n${configText()}`.replace('/srv/documents', 'yes\n    oneFileSystem: yes'),
      20,
      'sources[0].oneFileSystem',
      /true or false/,
    ],
  ])('refuses %s', async (_what, text, line, path, message) => {
    const problems = await problemsOf(text);
    const found = problems.map((problem) => [problem.line, problem.path, message.test(problem.message)]);
    expect(found, JSON.stringify(problems, null, 1)).toContainEqual([line, path, true]);
  });

  it('reports a duplicated key together with what else is wrong', async () => {
    const problems = await problemsOf(`${configText().replace('country: FR', 'country: fr')}version: 1\n`);
    expect(problems.map(({ line }) => line)).toEqual([13, 18]);
  });

  it('refuses aliases that multiply without end', async () => {
    let text = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n';
    for (let level = 1; level < 9; level++) {
      text += `a${level}: &a${level} [${Array(10)
        .fill(`*a${level - 1}`)
        .join(', ')}]\n`;
    }
    const problems = await problemsOf(text);
    expect(problems).toMatchObject([{ message: expect.stringContaining('repeat too much') }]);
  });

  it('accepts anchors, and finds what is wrong behind one', async () => {
    const shared = configText().replace(
      'path: /srv/documents',
      'path: /srv/documents\n    exclude: &temporary ["*.tmp"]',
    );
    const more = `  - { name: more, type: files, path: /more, exclude: *temporary }\n`;
    expect((await parseConfig(shared + more, 'f')).sources[1]).toMatchObject({ exclude: ['*.tmp'] });
    const problems = await problemsOf(shared.replace('"*.tmp"', '7') + more);
    expect(problems.map(({ path }) => path)).toEqual(['sources[0].exclude[0]', 'sources[1].exclude[0]']);
  });

  it('names the other hosts, whose sources may be unknown here', async () => {
    const config = await parseConfig(`${configText()}hosts: [{ public: "${web2}", sources: [crm] }]\n`, 'f');
    expect(config.hosts).toMatchObject([{ public: { name: 'web2' }, sources: ['crm'], dedupWith: false }]);
  });
});

describe('the file', () => {
  it.each([
    ['is missing', () => join(directory, 'missing.yaml'), /does not exist/, /holdfast init/],
    ['is a directory', () => directory, /cannot be read/, /^$/],
  ])('that %s is a clear error', async (_what, path, message, hint) => {
    const error = await loadConfig(path()).catch((thrown: unknown) => thrown);
    if (!isHoldfastError(error, 'config')) throw error;
    expect(error.message).toMatch(message);
    expect(error.hint ?? '').toMatch(hint);
  });

  it('must be UTF-8, and a byte order mark does no harm', async () => {
    const file = join(directory, 'encoding.yaml');
    await writeFile(file, Buffer.from('version: 1\nhost: \xe9t\xe9\n', 'latin1'));
    await expect(loadConfig(file)).rejects.toMatchObject({ code: 'config', why: expect.stringContaining('Line 2') });
    await writeFile(file, `\ufeff${configText()}`);
    expect((await loadConfig(file)).config.version).toBe(1);
  });

  it('must not be writable by everybody, nor be huge', async () => {
    const file = join(directory, 'open.yaml');
    await writeFile(file, configText());
    await chmod(file, 0o646);
    await expect(loadConfig(file)).rejects.toMatchObject({ code: 'config', hint: expect.stringContaining('chmod') });
    await chmod(file, 0o644);
    await writeFile(file, '#'.repeat(2 * 1024 * 1024));
    await expect(loadConfig(file)).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('larger'),
    });
  });

  it('is the one of the flag, of the directory, of the variable, in this order', async () => {
    const cwd = join(directory, 'cwd');
    await mkdir(cwd);
    const env = { [configVariable]: 'named.yaml' };
    expect(await findConfig({ env, cwd })).toBe(join(cwd, 'named.yaml'));
    await writeFile(join(cwd, 'holdfast.yaml'), '');
    expect(await findConfig({ env, cwd })).toBe(join(cwd, 'holdfast.yaml'));
    expect(await findConfig({ flag: 'flag.yaml', env, cwd })).toBe(join(cwd, 'flag.yaml'));
  });

  it('is looked for in /etc last, and where there is none init is named', async () => {
    const found = await findConfig({ env: { [configVariable]: '' }, cwd: join(directory, 'nowhere') }).catch(
      (error: unknown) => error,
    );
    // A machine that runs these tests may have a configuration of its own.
    if (typeof found === 'string') expect(found).toBe(systemConfigPath);
    else expect(found).toMatchObject({ code: 'config', hint: expect.stringContaining('holdfast init') });
  });
});
