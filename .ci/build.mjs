// Compiles the TypeScript sources into dist/, the form that is published: Node strips types only outside node_modules.
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
const compiler = ['node_modules/typescript/bin/tsc', '-p', '.ci/tsconfig.build.json'];
const tsc = spawnSync(process.execPath, compiler, { stdio: 'inherit' });
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
const { name, version, type } = JSON.parse(readFileSync('package.json', 'utf8'));
writeFileSync('dist/package.json', `${JSON.stringify({ name, version, type }, null, 2)}\n`);
chmodSync('dist/bin/holdfast.js', 0o755);
