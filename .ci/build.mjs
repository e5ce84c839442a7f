/**
 * Builds the program that is published, and that the tests run, into dist/ or the directory given: JavaScript, since Node
 * strips types only outside node_modules; and in few files, since finding and loading hundreds of modules takes longer than
 * most commands do. What is imported lazily stays in files of its own, loaded only then.
 */
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
const directory = resolve(process.argv[2] ?? join(root, 'dist'));

/** What is started: the program, and the modules that worker threads run. */
const entries = ['bin/holdfast', 'src/sources/lane', 'src/pseudonyms/copy/lane'];

/** Files that modules read at run time, beside the module that does. */
const assets = [
  'src/repository/recovery/recover.sh',
  'src/repository/recovery/RECOVERY.md',
  'config/holdfast.schema.json',
  'config/example.yaml',
];

const { name, version, type } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Packages with native parts, that are large and rarely wanted, or that a bundle cannot hold: found where they are installed. */
const installed = ['koffi', 'ssh2', '@aws-sdk/client-s3', '@smithy/node-http-handler', 'qrcode-terminal'];

/** All other packages go into the program's files. */
function isInstalled(id) {
  return installed.some((dependency) => id === dependency || id.startsWith(`${dependency}/`));
}

/** Modules find others, and the files beside them, as if each still were a file in its own place. */
const ownPlaces = {
  name: 'own-places',
  transform(code, id) {
    if (!id.startsWith(`${root}/`) || id.includes('/node_modules/') || !code.includes('import.meta')) return null;
    const place = relative(root, id).replace(/\.ts$/, '.js');
    const placed = code.replaceAll(/\bimport\.meta\.url\b/g, `placeOf(${JSON.stringify(place)})`);
    if (placed.includes('import.meta')) throw new Error(`${id}: of import.meta only url has its equal in the build`);
    return placed;
  },
  renderChunk(code, { fileName }) {
    return code.replaceAll(/\bplaceOf\("(.+?)"\)/g, (_, place) => {
      const path = posix.relative(posix.dirname(fileName), place);
      return `new URL(${JSON.stringify(path)}, import.meta.url).href`;
    });
  },
};

/** The directory of the package that a module belongs to; undefined for the project's own. */
function packageOf(id) {
  return /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id)?.[0];
}

/** The text of a package's licence: a file of its own, or the last section of what describes it. */
function licenceOf(path) {
  const files = readdirSync(path);
  const file = files.find((entry) => /^licen[cs]e(\.(md|txt))?$/i.test(entry));
  if (file !== undefined) return readFileSync(join(path, file), 'utf8');
  const readme = files.find((entry) => /^readme\.md$/i.test(entry));
  const [section] = /^#+ *licen[cs]e[\s\S]*/im.exec(readme ? readFileSync(join(path, readme), 'utf8') : '') ?? [];
  if (section === undefined) throw new Error(`${path} tells no licence, which the build would have to repeat`);
  return section;
}

/** What the licences of packages ask for that are in these files: their text. */
function licences(modules) {
  const packages = [...new Set(modules.map(packageOf).filter((path) => path !== undefined))].sort();
  const parts = packages.map((path) => {
    const about = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    return `${about.name} ${about.version} (${about.license})\n\n${licenceOf(path).trim()}\n`;
  });
  return [`Holdfast's files hold code of these packages.\n`, ...parts].join(`\n${'-'.repeat(80)}\n\n`);
}

const bundle = await rolldown({
  cwd: root,
  platform: 'node',
  input: Object.fromEntries(entries.map((entry) => [entry, `${entry}.ts`])),
  external: isInstalled,
  plugins: [ownPlaces],
  // Of the oldest Node in package.json's engines: it knows no `using`.
  transform: { target: 'node22.18' },
  // A module that one command needs at once and another lazily is loaded with the first: as meant.
  checks: { ineffectiveDynamicImport: false },
});
if (directory === join(root, 'dist')) rmSync(directory, { recursive: true, force: true });
const { output } = await bundle.write({
  dir: directory,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name].js',
});
await bundle.close();

for (const asset of assets) {
  mkdirSync(dirname(join(directory, asset)), { recursive: true });
  copyFileSync(join(root, asset), join(directory, asset));
}
const modules = output.flatMap((chunk) => (chunk.type === 'chunk' ? Object.keys(chunk.modules) : []));
writeFileSync(join(directory, 'THIRD-PARTY-LICENSES.txt'), licences(modules));
writeFileSync(join(directory, 'package.json'), `${JSON.stringify({ name, version, type }, null, 2)}\n`);
chmodSync(join(directory, 'bin/holdfast.js'), 0o755);
