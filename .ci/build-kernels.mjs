// Compiles the kernels (src/pseudonyms/kernels/assembly) to WebAssembly and writes them as a module of base64.
// Run by hand after a change: node .ci/build-kernels.mjs. A unit test holds the written module against the sources.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';

const root = join(import.meta.dirname, '..');
const entry = 'src/pseudonyms/kernels/assembly/index.ts';

export async function compile() {
  let binary;
  let text = '';
  const { error, stderr } = await asc.main(
    [
      ...[entry, '--baseDir', root, '--outFile', 'kernels.wasm', '--textFile', 'kernels.wat'],
      ...[
        '-O3',
        '--noAssert',
        '--runtime',
        'stub',
        '--use',
        'abort=',
        '--importMemory',
        '--zeroFilledMemory',
        '--memoryBase',
        '1024',
      ],
      ...['--enable', 'simd', '--enable', 'bulk-memory', '--initialMemory', '1024', '--maximumMemory', '65536'],
    ],
    {
      readFile: (name, base) => {
        try {
          return readFileSync(join(base, name), 'utf8');
        } catch {
          return null;
        }
      },
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm')) binary = contents;
        else text = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  return { base64: Buffer.from(binary).toString('base64'), text };
}

if (process.argv[1] === import.meta.filename) {
  const { base64, text } = await compile();
  if (process.argv[2] === '--text') process.stdout.write(text);
  const lines = base64.match(/.{1,1000}/g).map((line) => `  '${line}',`);
  writeFileSync(
    join(root, 'src/pseudonyms/kernels/kernels-module.ts'),
    `/** WebAssembly of the kernels, in base64. Written by .ci/build-kernels.mjs; do not edit. */\nexport const kernelsModule = [\n${lines.join('\n')}\n].join('');\n`,
  );
}
