/**
 * What Site promises, as tests. Every implementation passes all of them; nothing above the sites may rely on more.
 *
 * Durability through a power cut cannot be seen from here: each implementation tests by its own means that it syncs.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MiB } from '../../src/base/units.ts';
import type { ListedObject, Site } from '../../src/sites/site.ts';
import type { SiteAddress } from '../support/open-site.ts';
import { createContract, type SiteBench } from './site-create.ts';

export interface SiteUnderTest {
  /** Empty at the start. */
  site: Site;
  /** The same place, for a child process. */
  address: SiteAddress;
  /** Another connection of this process to the same place. The suite closes it. */
  reopen(): Promise<Site>;
  /** Removes the place, after the suite has closed `site`. */
  dispose(): Promise<void>;
}

const code = (code: string) => expect.objectContaining({ name: 'HoldfastError', code });

const oddNames = [
  '',
  '/',
  '/absolute',
  'trailing/',
  'two//slashes',
  '.',
  '..',
  './here',
  '../up',
  'in/../between',
  'in/./between',
  'at/the/end/..',
  '.tmp',
  '.tmp/object',
  'a space',
  'back\\slash',
  'col:on',
  'per%2fcent',
  'star*',
  'new\nline',
  'line-end\n',
  'zero\0byte',
  'umlaut-ü',
  `long-segment/${'x'.repeat(256)}`,
  Array(200).fill('abc').join('/'),
];

/** Registers the suite for one implementation. `open` gives an empty site. */
export function siteContract(name: string, open: () => Promise<SiteUnderTest>): void {
  describe(`${name} keeps what Site promises`, () => {
    let under: SiteUnderTest;
    let site: Site;
    let other: Site;
    let used = 0;
    /** A prefix that no other test uses. */
    const fresh = () => `contract/${++used}/`;

    beforeAll(async () => {
      under = await open();
      site = under.site;
      other = await under.reopen();
    });
    afterAll(async () => {
      await other?.close();
      await site?.close();
      await under?.dispose();
    });

    const bench: SiteBench = {
      get site() {
        return site;
      },
      get other() {
        return other;
      },
      get address() {
        return under.address;
      },
      fresh,
      list,
      names,
    };

    async function list(prefix: string, of = site): Promise<ListedObject[]> {
      const found: ListedObject[] = [];
      for await (const object of of.list(prefix)) found.push(object);
      return found.sort((a, b) => (a.name < b.name ? -1 : 1));
    }

    async function names(prefix: string): Promise<string[]> {
      return (await list(prefix)).map((object) => object.name);
    }

    createContract(bench);

    describe('replace', () => {
      it('stores what was not there, and overwrites what was', async () => {
        const name = `${fresh()}object`;
        for (const text of ['first', 'second, which is longer', '3', '']) {
          await site.replace(name, Buffer.from(text));
          expect((await other.read(name)).toString()).toBe(text);
          expect(await site.stat(name)).toEqual({ size: text.length });
        }
        await site.replace(name, Buffer.from('fourth'));
        expect(await site.create(name, Buffer.from('fifth'))).toBe('exists');
        expect((await site.read(name)).toString()).toBe('fourth');
      });

      it('overwrites what was created', async () => {
        const name = `${fresh()}object`;
        await site.create(name, Buffer.from('created'));
        await other.replace(name, Buffer.from('replaced'));
        expect((await site.read(name)).toString()).toBe('replaced');
      });

      it('shows readers the old or the new, whole, at every moment', async () => {
        const name = `${fresh()}object`;
        const body = (i: number) => Buffer.alloc(400_000 + i * 10_000, i);
        await site.replace(name, body(0));
        let done = false;
        const writing = (async () => {
          for (let i = 1; i < 30; i++) await site.replace(name, body(i));
          done = true;
        })();
        let last = 0;
        while (!done) {
          const seen = await other.read(name);
          const i = seen[0]!;
          expect(seen.equals(body(i))).toBe(true);
          expect(i).toBeGreaterThanOrEqual(last);
          last = i;
        }
        await writing;
        expect((await other.read(name)).equals(body(29))).toBe(true);
      });
    });

    describe('read', () => {
      const size = 300_000;
      const body = randomBytes(size);
      let name: string;
      beforeAll(async () => {
        name = `${fresh()}object`;
        await site.create(name, body);
      });

      it.each([
        [0, 0],
        [0, 1],
        [0, size],
        [1, size - 1],
        [65_535, 2],
        [123_456, 100_000],
        [size - 1, 1],
        [size, 0],
      ])('gives exactly the range at %i of %i bytes', async (offset, length) => {
        const bytes = await site.read(name, { offset, length });
        expect(bytes.length).toBe(length);
        expect(bytes.equals(body.subarray(offset, offset + length))).toBe(true);
      });

      it('gives many ranges at the same time', async () => {
        await Promise.all(
          Array.from({ length: 100 }, async (_, i) => {
            const range = { offset: i * 2500, length: 7000 };
            expect((await site.read(name, range)).equals(body.subarray(range.offset, range.offset + 7000))).toBe(true);
          }),
        );
      });

      it.each([
        [size - 1, 2],
        [size, 1],
        [0, size + 1],
        [10 * size, 5],
        [0, 2 ** 52],
      ])(
        'says that the object is damaged when the range at %i of %i bytes reaches past its end',
        async (offset, length) => {
          await expect(site.read(name, { offset, length })).rejects.toEqual(code('object-damaged'));
        },
      );

      it('says that an empty object is damaged when a byte of it is needed', async () => {
        const empty = `${fresh()}empty`;
        await site.create(empty, []);
        await expect(site.read(empty, { offset: 0, length: 1 })).rejects.toEqual(code('object-damaged'));
        expect((await site.read(empty, { offset: 0, length: 0 })).length).toBe(0);
      });

      it.each([
        [-1, 5],
        [0, -5],
        [0.5, 5],
        [0, Number.NaN],
        [Number.MAX_SAFE_INTEGER, 1],
      ])('refuses a range at %d of %d bytes', async (offset, length) => {
        await expect(site.read(name, { offset, length })).rejects.toEqual(code('internal'));
      });

      it('says that an object is missing', async () => {
        const prefix = fresh();
        await expect(site.read(`${prefix}nothing`)).rejects.toEqual(code('object-missing'));
        await expect(site.read(`${prefix}no/such/place`)).rejects.toEqual(code('object-missing'));
        await expect(site.read(`${prefix}nothing`, { offset: 0, length: 1 })).rejects.toEqual(code('object-missing'));
        await expect(site.read(`${prefix}nothing`, { offset: 0, length: 0 })).rejects.toEqual(code('object-missing'));
      });

      it('gives bytes that belong to the caller', async () => {
        const bytes = await site.read(name);
        bytes.fill(0);
        expect((await site.read(name)).equals(body)).toBe(true);
      });
    });

    describe('stat', () => {
      it.each([0, 1, 100_001])('gives the size, %i bytes', async (size) => {
        const name = `${fresh()}object`;
        await site.create(name, randomBytes(size));
        expect(await other.stat(name)).toEqual({ size });
      });

      it('gives undefined for what is no object, a part of a path included', async () => {
        const prefix = fresh();
        await site.create(`${prefix}a/b`, Buffer.from('b'));
        expect(await site.stat(`${prefix}nothing`)).toBeUndefined();
        expect(await site.stat(`${prefix}a`)).toBeUndefined();
        expect(await site.stat(`${prefix}a/b/c`)).toBeUndefined();
        await expect(site.read(`${prefix}a`)).rejects.toEqual(code('object-missing'));
        await expect(site.read(`${prefix}a/b/c`)).rejects.toEqual(code('object-missing'));
      });
    });

    describe('list', () => {
      it('gives what starts with the prefix, with sizes, and nothing else', async () => {
        const prefix = fresh();
        const objects = ['a/1', 'a/2', 'a/b/3', 'a/b/c/d/4', 'ab/5', 'a.b/6', 'b'];
        for (const [i, name] of objects.entries()) await site.create(prefix + name, randomBytes(i));
        const below = (start: string) =>
          objects
            .map((name, size) => ({ name: prefix + name, size }))
            .filter(({ name }) => name.startsWith(start))
            .sort((a, b) => (a.name < b.name ? -1 : 1));
        expect(await list(`${prefix}a/`)).toEqual(below(`${prefix}a/`));
        expect(await list(`${prefix}a/b/`, other)).toEqual(below(`${prefix}a/b/`));
        expect(await list(prefix)).toEqual(below(prefix));
        expect(await list(`${prefix}b/`)).toEqual([]);
        expect(await list(`${prefix}nothing/here/`)).toEqual([]);
        const all = await names('');
        expect(all).toEqual(expect.arrayContaining(below(prefix).map((object) => object.name)));
      });

      it('has its directories told, where the site has a quick way', async () => {
        const prefix = fresh();
        if (site.directories === undefined) return;
        for (const name of ['a/1', 'a/2', 'b/c/3', 'd']) await site.create(prefix + name, randomBytes(1));
        expect((await site.directories(prefix)).sort()).toEqual(['a', 'b']);
        expect(await other.directories!(`${prefix}b/`)).toEqual(['c']);
        expect(await site.directories(`${prefix}nothing/`)).toEqual([]);
        expect(await site.directories('')).toContain(prefix.slice(0, prefix.indexOf('/')));
      });

      it('gives thousands, each once', async () => {
        const prefix = fresh();
        const made = Array.from({ length: 2500 }, (_, i) => `${prefix}${i < 1500 ? 'one' : i % 100}/${i}`);
        for (let at = 0; at < made.length; at += 50)
          await Promise.all(made.slice(at, at + 50).map((name) => site.create(name, Buffer.from(name))));
        expect(await names(prefix)).toEqual(made.sort());
      });

      it('gives what was created before, while others come and go, and no unfinished upload', async () => {
        const prefix = fresh();
        const kept = Array.from({ length: 300 }, (_, i) => `${prefix}kept-${i}`);
        await Promise.all(kept.map((name) => site.create(name, Buffer.from('kept'))));
        let stop = false;
        const busy = (async () => {
          for (let i = 0; !stop; i++) {
            await other.create(`${prefix}passing-${i}`, randomBytes(MiB));
            await other.replace(`${prefix}changing`, randomBytes(1000));
            await other.remove(`${prefix}passing-${i}`);
          }
        })();
        for (let round = 0; round < 10; round++) {
          for (const where of [prefix, '']) {
            const found = (await names(where)).filter((name) => where === prefix || name.startsWith(prefix));
            expect(new Set(found).size).toBe(found.length);
            expect(found).toEqual(expect.arrayContaining(kept));
            for (const name of found) expect(name).toMatch(/\/(kept-\d+|passing-\d+|changing)$/);
          }
          for (const name of await names('')) expect(name).toMatch(/^contract\//);
        }
        stop = true;
        await busy;
      });

      it('can be left half way', async () => {
        const prefix = fresh();
        for (let i = 0; i < 5; i++) await site.create(`${prefix}${i % 2}/${i}`, Buffer.from('x'));
        for (let round = 0; round < 20; round++) {
          for await (const object of site.list(prefix)) {
            expect(object.size).toBe(1);
            break;
          }
        }
        expect(await names(prefix)).toHaveLength(5);
      });

      it.each(['no-slash', '/', '//', '../', 'a/../', '.tmp/', 'a b/'])('refuses the prefix %j', async (prefix) => {
        await expect(list(prefix)).rejects.toEqual(code('internal'));
      });
    });

    describe('remove', () => {
      it('removes, for everybody, and resolves when there is nothing', async () => {
        const prefix = fresh();
        const name = `${prefix}object`;
        await site.create(name, Buffer.from('x'));
        await other.remove(name);
        await expect(site.read(name)).rejects.toEqual(code('object-missing'));
        expect(await site.stat(name)).toBeUndefined();
        expect(await list(prefix)).toEqual([]);
        await site.remove(name);
        await site.remove(`${prefix}no/such/place`);
        expect(await site.create(name, Buffer.from('again'))).toBe('created');
        expect((await other.read(name)).toString()).toBe('again');
      });

      it('removes that object and no other', async () => {
        const prefix = fresh();
        for (const name of ['a/1', 'a/2', 'a1']) await site.create(prefix + name, Buffer.from('x'));
        await site.remove(`${prefix}a`);
        await site.remove(`${prefix}a/1`);
        expect(await names(prefix)).toEqual([`${prefix}a/2`, `${prefix}a1`]);
      });

      it('is done once, by several at the same time', async () => {
        const name = `${fresh()}object`;
        await site.create(name, Buffer.from('x'));
        await Promise.all([site.remove(name), other.remove(name), site.remove(name), other.remove(name)]);
        expect(await other.stat(name)).toBeUndefined();
      });
    });

    describe('names', () => {
      it.each(oddNames)('refuses %j everywhere', async (name) => {
        const refused = code('internal');
        await expect(site.create(name, Buffer.from('x'))).rejects.toEqual(refused);
        await expect(site.replace(name, Buffer.from('x'))).rejects.toEqual(refused);
        await expect(site.read(name)).rejects.toEqual(refused);
        await expect(site.stat(name)).rejects.toEqual(refused);
        await expect(site.remove(name)).rejects.toEqual(refused);
      });

      it.each([
        'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
        'abcdefghijklmnopqrstuvwxyz',
        '0123456789._-',
        '.hidden/..two/...three',
        '-rf/--',
        'a.tmp/.tmp',
        `${'x'.repeat(255)}/${'y'.repeat(200)}`,
      ])('takes %s', async (name) => {
        const prefix = fresh();
        const body = Buffer.from(name);
        expect(await site.create(prefix + name, body)).toBe('created');
        expect((await site.read(prefix + name)).equals(body)).toBe(true);
        expect(await list(prefix)).toEqual([{ name: prefix + name, size: body.length }]);
        await site.remove(prefix + name);
        expect(await list(prefix)).toEqual([]);
      });
    });

    it('cannot be used once closed, while other connections go on', async () => {
      const name = `${fresh()}object`;
      const third = await under.reopen();
      await third.create(name, Buffer.from('x'));
      await third.close();
      const refused = code('internal');
      await expect(third.create(name, Buffer.from('y'))).rejects.toEqual(refused);
      await expect(third.replace(name, Buffer.from('y'))).rejects.toEqual(refused);
      await expect(third.read(name)).rejects.toEqual(refused);
      await expect(third.stat(name)).rejects.toEqual(refused);
      await expect(list('', third)).rejects.toEqual(refused);
      await expect(third.remove(name)).rejects.toEqual(refused);
      await third.close();
      expect((await site.read(name)).toString()).toBe('x');
    });
  });
}
