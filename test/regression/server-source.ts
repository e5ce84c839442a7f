import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { PostgresBinaries } from '../../src/sources/postgres/binaries.ts';
import type { PostgresConnection } from '../../src/sources/postgres/connection.ts';

/** PostgreSQL's own regression tests, from the source package of the server that is installed. */

export interface RegressionSuite {
  /** The whole source. */
  source: string;
  /** Its `src/test/regress`: pg_regress, regress.so, the tests and their data. */
  directory: string;
  /** A library that accepts security labels of the provider `dummy`, which no package brings. */
  labels: string;
}

/** Server versions up to 16 carry what bison and flex make of their grammars; from 17 on both programs are needed. */
const withGrammars = 16;

/**
 * Downloads the source package through apt and builds the test driver and its library; nothing is installed and the
 * machine's own lists of packages stay as they are.
 *
 * @param directory an empty one that every account can reach
 * @throws when apt has no source of this major, or a compiler is missing
 */
export async function buildSuite(directory: string, major: number): Promise<RegressionSuite> {
  const suite = suiteIn(directory);
  const { source } = suite;
  await mkdir(source);
  await unpack(await download(join(directory, 'apt'), major), source);
  const grammars = major > withGrammars ? ['bison', 'flex', 'perl'] : [];
  for (const program of ['gcc', 'make', ...grammars]) {
    await execa('sh', ['-c', 'command -v "$1"', 'sh', program]).catch(() => {
      throw new Error(`${program} is missing: apt-get install gcc make ${grammars.join(' ')}`);
    });
  }
  const inSource = execa({ cwd: source, all: true });
  const options = ['--quiet', '--without-readline', '--without-zlib', ...(major >= 16 ? ['--without-icu'] : [])];
  await inSource('./configure', options);
  await inSource('make', ['-s', '-C', 'src/backend', 'generated-headers']);
  await inSource('make', ['-s', '-C', dirname(suite.labels)]);
  await inSource('make', ['-s', '-j4', '-C', suite.directory, 'pg_regress', 'regress.so', 'autoinc.so', 'refint.so']);
  return suite;
}

/** Where the parts lie of what `buildSuite` has made in a directory. */
export function suiteIn(directory: string): RegressionSuite {
  const source = join(directory, 'source');
  return {
    source,
    directory: join(source, 'src/test/regress'),
    labels: join(source, 'src/test/modules/dummy_seclabel/dummy_seclabel.so'),
  };
}

/** The tests of one directory of the source. */
export interface TestSet {
  /** With `sql` and `expected`. */
  directory: string;
  /** In their order; or the name of a schedule file. */
  tests: readonly string[] | { schedule: string };
}

export interface TestServer {
  binaries: PostgresBinaries;
  connection: PostgresConnection;
}

/**
 * Runs tests and keeps the database that they leave. A test that fails leaves its objects too, so it is only told.
 *
 * @returns the line that sums up
 * @throws when they did not run
 */
export async function runTests(
  suite: RegressionSuite,
  { directory, tests }: TestSet,
  { binaries, connection }: TestServer,
  database: string,
): Promise<string> {
  // The server writes there as another account.
  await mkdir(join(directory, 'results'), { recursive: true });
  await chmod(join(directory, 'results'), 0o777);
  const { all } = await execa(
    join(suite.directory, 'pg_regress'),
    [
      `--bindir=${binaries.directory}`,
      `--dlpath=${suite.directory}`,
      `--inputdir=${directory}`,
      `--outputdir=${directory}`,
      `--host=${connection.host}`,
      `--port=${connection.port}`,
      `--user=${connection.user}`,
      `--dbname=${database}`,
      '--max-concurrent-tests=20',
      ...('schedule' in tests ? [`--schedule=${join(directory, tests.schedule)}`] : tests),
    ],
    { cwd: directory, all: true, reject: false },
  );
  const sum = all.split('\n').filter((line) => /tests? (passed|failed)|# (All|\d+)/.test(line));
  if (sum.length === 0) throw new Error(`the tests did not run:\n${all}`);
  const failed = [...all.matchAll(/^\s*(?:test )?(\S+)\s+\.\.\. FAILED|^not ok \d+ *[-+] (\S+)/gm)];
  return [sum.at(-1)!.replaceAll('=', '').trim(), ...failed.map(([, a, b]) => a ?? b)].join(' ');
}

/** @returns the directory with the downloaded archive */
async function download(directory: string, major: number): Promise<string> {
  const name = `postgresql-${major}`;
  const lists = join(directory, 'lists');
  await mkdir(join(lists, 'partial'), { recursive: true });
  await mkdir(join(directory, 'cache/archives/partial'), { recursive: true });
  // The origins that offer the binary package offer its source too.
  const { stdout } = await execa('apt-cache', ['policy', name]);
  const origins = new Set(
    [...stdout.matchAll(/^\s+\d+ (\S+:\/\/\S+) (\S+)\/(\S+) \S+ Packages$/gm)].map(
      ([, site, suite, component]) => `deb-src ${site} ${suite} ${component}`,
    ),
  );
  if (origins.size === 0) throw new Error(`apt knows no package ${name}; run apt-get update`);
  await writeFile(join(directory, 'sources.list'), `${[...origins].join('\n')}\n`);
  const place = Object.entries({
    'Dir::Etc::sourcelist': join(directory, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': lists,
    'Dir::Cache': join(directory, 'cache'),
    'APT::Sandbox::User': 'root',
  }).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const apt = execa({ cwd: directory, all: true });
  await apt('apt-get', [...place, '-q', 'update']);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what dpkg-query calls it
  const installed = await execa('dpkg-query', ['-W', '-f=${Version}', name], { reject: false });
  const exact = installed.exitCode === 0 && installed.stdout !== '' ? `${name}=${installed.stdout}` : name;
  try {
    await apt('apt-get', [...place, '-q', 'source', '--download-only', exact]);
  } catch (error) {
    // An older minor leaves the mirrors one day; tests of a newer one run as well.
    if (exact === name) throw error;
    await apt('apt-get', [...place, '-q', 'source', '--download-only', name]);
  }
  return directory;
}

async function unpack(from: string, into: string): Promise<void> {
  const archive = (await readdir(from)).find((file) => /\.orig\.tar\.\w+$/.test(file));
  if (archive === undefined) throw new Error('apt brought no source archive');
  await execa('tar', ['-xf', join(from, archive), '-C', into, '--strip-components=1']);
}

/** The tests of every contrib module that the server offers and that needs no settings of its own. */
export async function contribTests(
  suite: RegressionSuite,
  available: ReadonlySet<string>,
): Promise<Map<string, TestSet>> {
  const found = new Map<string, TestSet>();
  const contrib = join(suite.source, 'contrib');
  const print = 'include Makefile\nprint-tests:\n\t@echo "$(NO_INSTALLCHECK)|$(EXTENSION)|$(REGRESS)"\n';
  for (const module of (await readdir(contrib)).sort()) {
    const directory = join(contrib, module);
    const made = await execa('make', ['-s', '-f', '-', 'print-tests'], { cwd: directory, input: print, reject: false });
    const [special = '', extensions = '', tests = ''] = (made.stdout ?? '').trim().split('|');
    const names = extensions.split(/\s+/).filter(Boolean);
    if (made.failed || special !== '' || tests.trim() === '' || names.length === 0) continue;
    if (names.every((name) => available.has(name))) found.set(module, { directory, tests: tests.trim().split(/\s+/) });
  }
  return found;
}
