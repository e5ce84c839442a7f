import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Lowest first. A module may import from its own layer and from those in lower rows. */
const layers: string[][] = [
  ['src/base'],
  ['src/crypt', 'src/sites'],
  ['src/repository'],
  ['src/sources'],
  ['src/pseudonyms'],
  ['src/evidence', 'src/notify', 'src/schedule'],
  ['src/jobs'],
  ['config'],
  ['commands'],
  ['bin'],
];

const files = globSync('{bin,src,commands,config}/**/*.ts', { cwd: root });

function layerOf(file: string): { name: string; row: number } {
  const row = layers.findIndex((names) => names.some((name) => file.startsWith(`${name}/`)));
  const name = layers[row]?.find((candidate) => file.startsWith(`${candidate}/`));
  if (name === undefined) throw new Error(`${file} lies in no layer; docs/architecture.md tells where things go`);
  return { name, row };
}

/** Relative imports of a module, lazy ones and worker entries included. */
function imports(file: string): string[] {
  const code = readFileSync(join(root, file), 'utf8');
  const found = [...code.matchAll(/(?:from|import|import\(|new URL\()\s*['"](\.[^'"]+)['"]/g)].map(
    (match) => match[1]!,
  );
  return found
    .map((specifier) => relative(root, join(root, dirname(file), specifier)))
    .filter((target) => target.endsWith('.ts'));
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
}

describe('architecture', () => {
  it('sees the modules', () => expect(files.length).toBeGreaterThan(5));

  it.each(files)('%s imports downwards only', (file) => {
    const own = layerOf(file);
    for (const target of imports(file)) {
      expect(existsSync(join(root, target)), `${file} imports ${target}`).toBe(true);
      const other = layerOf(target);
      if (other.name !== own.name) expect(other.row, `${file} imports ${target}`).toBeLessThan(own.row);
    }
  });

  it('has no import cycle', () => {
    const state = new Map<string, 'open' | 'done'>();
    const visit = (file: string, path: string[]): void => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open')
        throw new Error(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
      state.set(file, 'open');
      for (const target of imports(file)) visit(target, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of files) visit(file, []);
  });

  it.each(files.filter((file) => !/^(bin|commands)\//.test(file)))(
    '%s neither prints, exits nor reads the environment',
    (file) => {
      const code = withoutComments(readFileSync(join(root, file), 'utf8'));
      expect(code).not.toMatch(/\bconsole\.|\bprocess\.(exit|stdout|stderr|env)\b/);
      if (file !== 'src/base/clock.ts') expect(code).not.toMatch(/\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/);
    },
  );

  it.each(files)('%s has fewer than 450 lines', (file) => {
    expect(readFileSync(join(root, file), 'utf8').split('\n').length).toBeLessThan(450);
  });
});
