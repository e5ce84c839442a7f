import { execFileSync, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, lstatSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { chmod, link, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import type { HoldfastEvent } from '../../src/base/events.ts';
import { makeOddFiles, oddNames, sparseSize } from '../../src/jobs/demo/odd-files.ts';
import { copyTree } from '../../src/jobs/pseudonymize/copy-files.ts';
import type { TreeSettings } from '../../src/jobs/pseudonymize/tree-settings.ts';
import { detectType } from '../../src/pseudonyms/files/detect.ts';
import { placeholder } from '../../src/pseudonyms/files/placeholder.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import { makeTransformer } from '../../src/pseudonyms/registry.ts';
import type { Cell } from '../../src/pseudonyms/transformer.ts';
import { makeDirectoryAt, openAt, openFlags } from '../../src/sources/files/posix.ts';

const key = new PseudonymKey(Buffer.alloc(32, 7));
const secret = 'Dupont';
const seed = '0123456789abcdef';
let place: string;
let source: string;
let target: string;
let events: HoldfastEvent[];

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'tree-copy-'));
  source = join(place, 'source');
  target = join(place, 'copies/preprod');
  events = [];
  await mkdir(source);
});

afterEach(async () => {
  await rm(place, { recursive: true, force: true });
});

const settings = (rules: TreeSettings['rules'], more: Partial<TreeSettings> = {}): TreeSettings => ({
  source,
  target,
  rules,
  key,
  emit: (event) => events.push(event),
  signal: new AbortController().signal,
  ...more,
});

async function put(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(source, path)), { recursive: true });
  await writeFile(join(source, path), content);
}

/** Every entry below a directory, one character a byte: its kind, and the content of files. */
function tree(root: string): Map<string, { directory: boolean; content: Buffer }> {
  const found = new Map<string, { directory: boolean; content: Buffer }>();
  const visit = (directory: Buffer, prefix: string): void => {
    for (const name of readdirSync(directory, { encoding: 'buffer' })) {
      const path = Buffer.concat([directory, Buffer.from('/'), name]);
      const stat = lstatSync(path);
      const shown = prefix + name.toString('latin1');
      found.set(shown, {
        directory: stat.isDirectory(),
        content: stat.isFile() ? readFileSync(path) : Buffer.alloc(0),
      });
      if (stat.isDirectory()) visit(path, `${shown}/`);
    }
  };
  visit(Buffer.from(root), '');
  return found;
}

const files = (root: string) => [...tree(root)].filter(([, { directory }]) => !directory).map(([path]) => path);

async function failure(tried: Promise<unknown>): Promise<HoldfastError> {
  const error = await tried.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(HoldfastError);
  const { message, why, hint } = error as HoldfastError;
  // Neither a name nor a content of the source.
  expect(`${message} ${why} ${hint}`).not.toMatch(/dupont/i);
  return error as HoldfastError;
}

function pseudonym(kind: string, domain: string, type: string, value: string): string {
  const out: Cell[] = [];
  const column = { name: 's.t.c', type, nullable: true, unique: false };
  makeTransformer({ kind }).prepare({ key: key.domain(domain), column })([value], out);
  return out[0]!;
}

const everything = [{ path: '**', content: 'placeholder' }] as const;
const nothingLeft = () => {
  expect(existsSync(target)).toBe(false);
  if (existsSync(dirname(target))) expect(readdirSync(dirname(target))).toEqual([]);
};

describe('a tree', () => {
  it('is copied by its rules, the first that fits, and names agree with columns', async () => {
    await put('invoices/4711/AB123456.pdf', placeholder('pdf', { seed }));
    await put('invoices/4712/AB123457.pdf', Buffer.from(`%PDF-1.7 ${secret}`));
    await put('invoices/4712/notes.txt', secret);
    await put('letters/2024/dear.txt', 'Write to jean.dupont@acme.fr or call +33 6 12 34 56 78.\r\nBye.');
    await put('templates/plain.html', '<p>Hello</p>');
    await put('logs/Dupont.log', secret);
    await put('logs/deep/er/x.log', secret);
    const report = await copyTree(
      settings([
        {
          path: 'invoices/{customer}/{code}.pdf',
          content: 'placeholder',
          parts: { customer: { kind: 'id', domain: 'customer-id' }, code: { kind: 'code', domain: 'invoice' } },
        },
        { path: 'letters/{year}/*.txt', content: 'text', parts: { year: { kind: 'keep' } }, reason: 'A year.' },
        { path: 'templates/**', content: 'keep', names: 'keep', reason: 'Names nobody.' },
        { path: '**', content: 'drop' },
      ]),
    );
    const made = tree(target);
    const code = (customer: string, value: string) =>
      `invoices/${pseudonym('id', 'customer-id', 'bigint', customer)}/${pseudonym('code', 'invoice', 'text', value)}.pdf`;
    const letter = files(target).find((path) => path.startsWith('letters/'))!;
    expect(files(target).sort()).toEqual(
      [code('4711', 'AB123456'), code('4712', 'AB123457'), letter, 'templates/plain.html'].sort(),
    );
    expect(letter).toMatch(/^letters\/2024\/[0-9a-z]{16}\.txt$/);
    expect(detectType(made.get(code('4712', 'AB123457'))!.content)).toBe('pdf');
    const text = made.get(letter)!.content.toString();
    expect(text).toMatch(/^Write to \S+@\S+ or call \+?[\d ]+\.\r\nBye\.$/);
    expect(text).toContain(pseudonym('email', 'email', 'text', 'jean.dupont@acme.fr'));
    expect(text).not.toContain('12 34 56 78');
    expect(made.get('templates/plain.html')!.content.toString()).toBe('<p>Hello</p>');
    expect(report).toEqual({
      keyFingerprint: key.fingerprint,
      target,
      rules: [
        { path: 'invoices/{customer}/{code}.pdf', content: 'placeholder', entries: 2 },
        { path: 'letters/{year}/*.txt', content: 'text', reason: 'A year.', entries: 1 },
        { path: 'templates/**', content: 'keep', reason: 'Names nobody.', entries: 1 },
        { path: '**', content: 'drop', entries: 3 },
      ],
      files: { kept: 1, placeholders: 2, rewritten: 1, dropped: 3 },
      types: { pdf: 2 },
      directories: 6,
      emptyDirectories: 3,
      bytes: [...made.values()].reduce((sum, { content }) => sum + content.length, 0),
    });
    expect(JSON.stringify([report, events])).not.toMatch(/dupont|4711|AB12345/i);
    expect(readdirSync(dirname(target))).toEqual(['preprod']);
  });

  it('with odd names comes out with names that say nothing, and the same ones again', async () => {
    await makeOddFiles(source);
    const rules = [
      ...[oddNames.symlink, oddNames.danglingSymlink, oddNames.directorySymlink, oddNames.fifo].map(
        (path) => ({ path, content: 'drop' }) as const,
      ),
      { path: oddNames.sparse, content: 'keep', reason: 'Has holes.' } as const,
      ...everything,
    ];
    const report = await copyTree(settings(rules));
    const names = files(target);
    const regular = [...tree(source)].filter(
      ([path, { directory }]) => !directory && !rules.slice(0, 4).some((rule) => rule.path === path),
    );
    expect(names.length).toBe(regular.length);
    expect(report.files).toEqual({ kept: 1, placeholders: regular.length - 1, rewritten: 0, dropped: 4 });
    for (const name of names) {
      if (name !== oddNames.sparse) expect(name).toMatch(/^[0-9a-z]{16}(\.[a-z0-9]{1,5}){0,2}$/);
      const stat = statSync(join(target, name));
      expect(stat.mode & 0o7000).toBe(0);
      expect(stat.mtime.toISOString()).toBe('2000-01-01T00:00:00.000Z');
      expect(stat.nlink).toBe(1);
    }
    const sparse = statSync(join(target, oddNames.sparse));
    expect([sparse.size, sparse.blocks < 1024]).toEqual([sparseSize, true]);
    const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
    expect(hash(join(target, oddNames.sparse))).toBe(hash(join(source, oddNames.sparse)));
    const again = join(place, 'again');
    await copyTree(settings(rules, { target: again }));
    expect(files(again)).toEqual(names);
    for (const name of names)
      if (name !== oddNames.sparse) expect(hash(join(again, name))).toBe(hash(join(target, name)));
  });

  it('keeps modes, and days only where they are asked for', async () => {
    await put('a/b/x.txt', 'x');
    await put('private.txt', 'x');
    await chmod(join(source, 'private.txt'), 0o640);
    await chmod(join(source, 'a/b'), 0o2510);
    await chmod(source, 0o555);
    await utimes(join(source, 'private.txt'), new Date('2024-05-17T13:14:15Z'), new Date('2024-05-17T13:14:15Z'));
    await utimes(join(source, 'a'), new Date(-1000), new Date(-1000));
    const rules = [{ path: '**', content: 'keep', names: 'keep', reason: 'test' }] as const;
    await copyTree(settings(rules));
    const stat = (path: string, root = target) => statSync(join(root, path));
    expect(['.', 'private.txt', 'a/b'].map((path) => (stat(path).mode & 0o7777).toString(8))).toEqual([
      '555',
      '640',
      '510',
    ]);
    for (const path of ['.', 'a', 'a/b', 'a/b/x.txt', 'private.txt'])
      expect(stat(path).mtime.toISOString()).toBe('2000-01-01T00:00:00.000Z');
    const dated = join(place, 'dated');
    await copyTree(settings(rules, { target: dated, times: 'day' }));
    expect(stat('private.txt', dated).mtime.toISOString()).toBe('2024-05-17T00:00:00.000Z');
    expect(stat('a', dated).mtime.toISOString()).toBe('1969-12-31T00:00:00.000Z');
    await chmod(target, 0o755);
    await chmod(dated, 0o755);
  });

  it('may lie deeper than a path can be', async () => {
    const depth = 240;
    let at = openSync(source, 'r');
    for (let level = 0; level < depth; level++) {
      makeDirectoryAt(at, 'd'.repeat(20), 0o755);
      const inner = openAt(at, 'd'.repeat(20), openFlags.directory);
      closeSync(at);
      at = inner;
    }
    await writeFile(`/proc/self/fd/${at}/x.txt`, secret);
    closeSync(at);
    await copyTree(settings(everything));
    const found = execFileSync('find', [target, '-type', 'f', '-printf', '%d %f'], { encoding: 'utf8' });
    expect(found).toMatch(new RegExp(`^${depth + 1} [0-9a-z]{16}\\.txt$`));
    // And is removed where it cannot be finished.
    const wrong = { path: '**/{n}.txt', content: 'text', parts: { n: { kind: 'token', domain: 'n' } } } as const;
    await writeFile(join(source, 'z.txt'), 'Dupont\0');
    expect((await failure(copyTree(settings([wrong], { target: join(place, 'copies/other') })))).code).toBe('config');
    expect(readdirSync(join(place, 'copies'))).toEqual(['preprod']);
    execFileSync('rm', ['-rf', source, target]);
  });

  it('with hard links gets files of their own, and empty files stay empty', async () => {
    await put('a.pdf', `%PDF-${secret}`);
    await put('empty.pdf', '');
    await link(join(source, 'a.pdf'), join(source, 'b.pdf'));
    const report = await copyTree(
      settings([{ path: '{n}.pdf', content: 'placeholder', parts: { n: { kind: 'keep' } }, reason: 'test' }]),
    );
    const made = tree(target);
    expect(made.get('a.pdf')!.content.equals(made.get('b.pdf')!.content)).toBe(true);
    expect(made.get('empty.pdf')!.content.length).toBe(0);
    expect([report.files.placeholders, report.types]).toEqual([3, { pdf: 2 }]);
  });

  it('may have an empty target', async () => {
    await put('a.txt', secret);
    await mkdir(target, { recursive: true });
    await copyTree(settings(everything));
    expect(files(target).length).toBe(1);
  });
});

describe('nothing is copied', () => {
  it('when no rule fits a file', async () => {
    await put('Dupont.pdf', secret);
    await put('Jean Dupont/x.doc', secret);
    const error = await failure(copyTree(settings([{ path: '*.txt', content: 'placeholder' }])));
    expect([error.code, error.message]).toEqual(['config', 'No rule says what becomes of 2 of the files.']);
    // The inode leads to it without its name.
    expect(error.hint).toContain(`-inum ${statSync(join(source, 'Dupont.pdf')).ino}`);
    nothingLeft();
  });

  it('when a symlink is not dropped', async () => {
    await put('a.txt', secret);
    await symlink('/home/dupont', join(source, 'link'));
    expect((await failure(copyTree(settings(everything)))).message).toBe(
      '1 of the entries are neither files nor directories.',
    );
    nothingLeft();
    await copyTree(settings([{ path: 'link', content: 'drop' }, ...everything]));
    expect(files(target).length).toBe(1);
  });

  it('when two files or directories would get one name', async () => {
    await put('Dupont/a.txt', secret);
    await put(' dupont/b.txt', secret);
    const part = { kind: 'last-name' };
    const merge = await failure(
      copyTree(settings([{ path: '{name}/*', content: 'placeholder', parts: { name: part } }])),
    );
    expect(merge.message).toMatch(/^Two directories/);
    nothingLeft();
    rmSync(source, { recursive: true });
    await put('Dupont.txt', secret);
    await put('dupont .txt', secret);
    const same = await failure(
      copyTree(settings([{ path: '{name}.txt', content: 'placeholder', parts: { name: part } }])),
    );
    expect([same.code, same.message]).toEqual(['config', 'Two files of the tree would get one name in the copy.']);
    nothingLeft();
  });

  it('when a text cannot be rewritten', async () => {
    for (const content of [Buffer.from('Dupont\0'), Buffer.from('Dupont \xe9', 'latin1')]) {
      await put('a.txt', content);
      expect((await failure(copyTree(settings([{ path: '*', content: 'text' }])))).why).toMatch(/UTF-8/);
      nothingLeft();
    }
  });

  it('over something, or into the source', async () => {
    await put('a.txt', secret);
    await mkdir(target, { recursive: true });
    await writeFile(join(target, 'mine'), 'x');
    expect((await failure(copyTree(settings(everything)))).code).toBe('target-exists');
    expect(readdirSync(target)).toEqual(['mine']);
    expect((await failure(copyTree(settings(everything, { target: join(target, 'mine') })))).code).toBe(
      'target-exists',
    );
    for (const inside of [join(source, 'copy'), source, place])
      expect((await failure(copyTree(settings(everything, { target: inside })))).code).toBe('config');
    await symlink(source, join(place, 'alias'));
    expect((await failure(copyTree(settings(everything, { target: join(place, 'alias/x/y') })))).code).toBe('config');
    expect(files(source)).toEqual(['a.txt']);
    expect((await failure(copyTree(settings(everything, { source: join(place, 'none') })))).code).toBe('source-failed');
  });

  it('when it is interrupted', async () => {
    for (let n = 0; n < 300; n++) await put(`${n}.txt`, secret);
    const controller = new AbortController();
    const emit = (event: HoldfastEvent) => {
      if (event.type === 'step' && event.text === 'Copying files')
        setImmediate(() => controller.abort(new Error('stop')));
    };
    await expect(copyTree(settings(everything, { emit, signal: controller.signal }))).rejects.toThrow('stop');
    nothingLeft();
  });
});

describe('a run that is killed', () => {
  it('leaves only what is marked, and the next one removes it', async () => {
    for (let n = 0; n < 400; n++) await put(`d${n % 7}/${n}.txt`, `${secret} ${n}`);
    const script = join(place, 'run.ts');
    const module = (path: string) => JSON.stringify(join(import.meta.dirname, '../../src', path));
    await writeFile(
      script,
      `import { copyTree } from ${module('jobs/pseudonymize/copy-files.ts')};
import { PseudonymKey } from ${module('pseudonyms/keys.ts')};
const [source, target] = process.argv.slice(2);
const signal = new AbortController().signal;
const rules = [{ path: '**', content: 'placeholder' }];
// Stops after some of the pauses that a copy makes.
let turns = 0;
const turn = () => {
  if (++turns < 4) return setImmediate(turn);
  process.send('half');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
};
const emit = ({ text }) => text === 'Copying files' && setImmediate(turn);
await copyTree({ source, target, rules, key: new PseudonymKey(Buffer.alloc(32, 7)), emit, signal });
`,
    );
    const child = fork(script, [source, target], { stdio: 'ignore', execArgv: [] });
    await new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', () => reject(new Error('the run ended by itself')));
    });
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    const left = readdirSync(dirname(target));
    expect(left.length).toBe(1);
    expect(left[0]).toMatch(/^\.preprod\.holdfast-unfinished-[0-9a-f]{16}$/);
    // What lies there is pseudonymized as well.
    const half = tree(join(dirname(target), left[0]!));
    expect(half.size).toBeGreaterThan(50);
    for (const [path, { content }] of half) expect(`${path} ${content.toString('latin1')}`).not.toContain(secret);
    // One of another target, and one that is still being made, stay.
    const other = join(dirname(target), '.other.holdfast-unfinished-0000000000000000');
    await mkdir(other);
    await copyTree(settings(everything));
    expect(readdirSync(dirname(target)).sort()).toEqual(['.other.holdfast-unfinished-0000000000000000', 'preprod']);
    expect(files(target).length).toBe(400);
    expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
  });
});
