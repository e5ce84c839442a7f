/** What Site promises of `create`: see site.ts beside this. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { MiB } from '../../src/base/units.ts';
import type { ListedObject, Site } from '../../src/sites/site.ts';
import type { SiteAddress } from '../support/open-site.ts';

/** What the tests of one implementation share. Its members are there once the tests run, not before. */
export interface SiteBench {
  readonly site: Site;
  /** Another connection to the same place. */
  readonly other: Site;
  readonly address: SiteAddress;
  /** A prefix that no other test uses. */
  fresh(): string;
  /** Sorted by name. */
  list(prefix: string, of?: Site): Promise<ListedObject[]>;
  names(prefix: string): Promise<string[]>;
}

const child = join(import.meta.dirname, '../support/site-child.ts');

export function createContract(bench: SiteBench): void {
  const { fresh, list, names } = bench;

  describe('create', () => {
    it('stores what was not there, for this connection and others', async () => {
      const name = `${fresh()}object`;
      const body = randomBytes(100_000);
      expect(await bench.site.create(name, body)).toBe('created');
      expect((await bench.site.read(name)).equals(body)).toBe(true);
      expect((await bench.other.read(name)).equals(body)).toBe(true);
    });

    it('never rewrites what exists', async () => {
      const name = `${fresh()}object`;
      await bench.site.create(name, Buffer.from('first'));
      expect(await bench.site.create(name, Buffer.from('second, longer'))).toBe('exists');
      expect(await bench.other.create(name, Buffer.from('3'))).toBe('exists');
      expect(await bench.other.create(name, Buffer.from('first'))).toBe('exists');
      expect((await bench.site.read(name)).toString()).toBe('first');
    });

    it('has one winner among creators in one process', async () => {
      for (let round = 0; round < 5; round++) {
        const name = `${fresh()}raced`;
        const bodies = Array.from({ length: 16 }, () => randomBytes(5000));
        const outcomes = await Promise.all(
          bodies.map((body, i) => (i % 2 ? bench.site : bench.other).create(name, body)),
        );
        expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome === 'exists')).toHaveLength(15);
        expect((await bench.site.read(name)).equals(bodies[outcomes.indexOf('created')]!)).toBe(true);
      }
    });

    it('has one winner among creators in several processes', async () => {
      const prefix = fresh();
      const count = 40;
      const children = ['anna', 'bert', 'carla'].map((own) =>
        run(bench.address, ['race', prefix, String(count), own], 'pipe'),
      );
      try {
        const outputs = children.map((process) => lines(process)[Symbol.asyncIterator]());
        for (const output of outputs) expect((await output.next()).value).toBe('ready');
        for (const process of children) process.stdin!.write('!');
        const created = await Promise.all(outputs.map(async (output) => JSON.parse((await output.next()).value)));
        expect(created.flat().sort()).toEqual(Array.from({ length: count }, (_, i) => `${prefix}${i}`).sort());
        for (const [i, own] of ['anna', 'bert', 'carla'].entries())
          for (const name of created[i] as string[]) expect((await bench.site.read(name)).toString()).toBe(own);
      } finally {
        for (const process of children) process.kill('SIGKILL');
      }
    });

    it('shows readers nothing or all of it, at every moment', async () => {
      const prefix = fresh();
      const name = `${prefix}large`;
      const body = randomBytes(32 * MiB);
      let done = false;
      const creation = bench.site.create(name, body).finally(() => {
        done = true;
      });
      let looks = 0;
      for (; !done; looks++) {
        const size = (await bench.other.stat(name))?.size;
        expect([undefined, body.length]).toContain(size);
        for (const object of await list(prefix, bench.other)) expect(object).toEqual({ name, size: body.length });
        if (size === undefined) continue;
        expect((await bench.other.read(name, { offset: body.length - 9, length: 9 })).equals(body.subarray(-9))).toBe(
          true,
        );
      }
      expect(await creation).toBe('created');
      expect(looks).toBeGreaterThan(0);
      expect((await bench.other.read(name)).equals(body)).toBe(true);
    });

    it('leaves whole objects only when the writer is killed, and all that it had stored', async () => {
      const prefix = fresh();
      for (const wanted of [0, 1, 3]) {
        const process = run(bench.address, ['write', prefix, String(4 * MiB)], 'ignore');
        const stored: string[] = [];
        let enough = () => {};
        const reached = new Promise<void>((resolve) => {
          enough = resolve;
        });
        const ended = once(process, 'close');
        const output = (async () => {
          for await (const line of lines(process)) if (stored.push(line) > wanted) enough();
        })();
        await Promise.race([reached, ended]);
        await new Promise((resolve) => setTimeout(resolve, 5 + 10 * wanted));
        process.kill('SIGKILL');
        await Promise.all([output, ended]);
        expect(stored.length).toBeGreaterThan(wanted);
        expect(await names(prefix)).toEqual(expect.arrayContaining(stored));
      }
      for (const { name, size } of await list(prefix)) {
        const bytes = await bench.site.read(name);
        expect(size).toBe(4 * MiB);
        expect(prefix + createHash('sha256').update(bytes).digest('hex')).toBe(name);
      }
    });

    it.each<[string, Uint8Array | Uint8Array[]]>([
      ['an empty body', new Uint8Array()],
      ['no parts', []],
      ['empty parts', [new Uint8Array(), new Uint8Array()]],
      ['one byte', Uint8Array.of(7)],
      ['a view into a larger buffer', Buffer.from('0123456789').subarray(3, 7)],
      ['parts, an empty one between', [Buffer.from('ab'), new Uint8Array(), new Uint8Array([99, 100]).subarray(1)]],
      ['thousands of parts', Array.from({ length: 3000 }, (_, i) => randomBytes(i % 7))],
      ['large parts', [randomBytes(3 * MiB), randomBytes(5 * MiB + 1)]],
    ])('stores %s', async (_, body) => {
      const name = `${fresh()}object`;
      const whole = body instanceof Uint8Array ? Buffer.from(body) : Buffer.concat(body);
      expect(await bench.site.create(name, body)).toBe('created');
      expect((await bench.site.read(name)).equals(whole)).toBe(true);
      expect(await bench.site.stat(name)).toEqual({ size: whole.length });
      expect(await bench.site.create(name, body)).toBe('exists');
      expect(Buffer.concat(body instanceof Uint8Array ? [body] : body).equals(whole)).toBe(true);
    });

    it('stores 64 MiB', async () => {
      const name = `${fresh()}object`;
      const parts = Array.from({ length: 16 }, () => randomBytes(4 * MiB));
      expect(await bench.site.create(name, parts)).toBe('created');
      const whole = await bench.other.read(name);
      expect(whole.length).toBe(64 * MiB);
      expect(whole.equals(Buffer.concat(parts))).toBe(true);
      const range = await bench.site.read(name, { offset: 61 * MiB + 13, length: MiB });
      expect(range.equals(whole.subarray(61 * MiB + 13, 62 * MiB + 13))).toBe(true);
      await bench.site.remove(name);
    });

    it('stores many objects at the same time', async () => {
      const prefix = fresh();
      const made = Array.from({ length: 64 }, (_, i) => `${prefix}${i % 8}/${i % 3}/${i}`);
      const outcomes = await Promise.all(made.map((name) => bench.site.create(name, Buffer.from(name))));
      expect(new Set(outcomes)).toEqual(new Set(['created']));
      for (const name of made) expect((await bench.other.read(name)).toString()).toBe(name);
    });
  });
}

function run(address: SiteAddress, args: string[], stdin: 'pipe' | 'ignore'): ChildProcess {
  return spawn(process.execPath, [child, JSON.stringify(address), ...args], { stdio: [stdin, 'pipe', 'inherit'] });
}

function lines(process: ChildProcess): AsyncIterable<string> {
  return createInterface({ input: process.stdout! });
}
