// Compiles the TypeScript sources into dist/, the form that is published: Node strips types only outside node_modules.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** Files that modules read at run time, beside the module that does. */
const assets = [
  'src/repository/recovery/recover.sh',
  'src/repository/recovery/RECOVERY.md',
  'config/holdfast.schema.json',
  'config/example.yaml',
];

rmSync('dist', { recursive: true, force: true });
const compiler = ['node_modules/typescript/bin/tsc', '-p', '.ci/tsconfig.build.json'];
const tsc = spawnSync(process.execPath, compiler, { stdio: 'inherit' });
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
for (const asset of assets) copyFileSync(asset, `dist/${asset}`);
const { name, version, type } = JSON.parse(readFileSync('package.json', 'utf8'));
writeFileSync('dist/package.json', `${JSON.stringify({ name, version, type }, null, 2)}\n`);
chmodSync('dist/bin/holdfast.js', 0o755);
