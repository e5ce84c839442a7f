/**
 * A process that works on a site, to be raced against or killed: `node site-child.ts '<address as JSON>' <what> …`
 *
 * - `race <prefix> <count> <own name>`: prints `ready`, waits for a byte, creates `<prefix>0` … each with its own name
 *   as the body, and prints the names it created as JSON.
 * - `write <prefix> <bytes>`: creates objects of random bytes named by their SHA-256, until killed; prints each name
 *   once its create has resolved.
 * - `fill <prefix> <bytes>`: creates one object after another until one fails, then prints as JSON the error's code and
 *   whether it left anything, in its place or elsewhere.
 * - `unmount <path>`: unmounts the disk under the open site, by force, and prints as JSON the error code of each
 *   operation after that and what lies in the bare directory then.
 */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { isHoldfastError } from '../../src/base/errors.ts';
import { openSite } from './open-site.ts';

const [address, what, prefix = '', number = '0', own = ''] = process.argv.slice(2);
const site = await openSite(JSON.parse(address!));

switch (what) {
  case 'race': {
    console.log('ready');
    await new Promise((resolve) => process.stdin.once('data', resolve));
    const body = Buffer.from(own);
    const names = Array.from({ length: Number(number) }, (_, i) => `${prefix}${i}`);
    const outcomes = await Promise.all(names.map((name) => site.create(name, body)));
    console.log(JSON.stringify(names.filter((_, i) => outcomes[i] === 'created')));
    process.stdin.destroy();
    break;
  }
  case 'write':
    for (;;) {
      const body = randomBytes(Number(number));
      const name = prefix + createHash('sha256').update(body).digest('hex');
      await site.create(name, body);
      console.log(name);
    }
  case 'fill':
    for (let i = 0; ; i++) {
      const name = `${prefix}${i}`;
      const body = new Uint8Array(Number(number)).fill(1);
      try {
        await site.create(name, body);
      } catch (error) {
        const listed: string[] = [];
        for await (const object of site.list('')) listed.push(object.name);
        const code = isHoldfastError(error) ? error.code : String(error);
        // What there was before is whole, and small objects may still find room.
        const sizes = await Promise.all(listed.map(async (other) => (await site.read(other)).length));
        console.log(JSON.stringify({ code, created: i, listed, sizes, left: await site.stat(name) }));
        break;
      }
    }
    break;
  case 'unmount': {
    await site.create('dir/a', Buffer.from('x'));
    if (spawnSync('umount', ['--lazy', prefix], { stdio: 'inherit' }).status !== 0) throw new Error('umount failed');
    const codes: Record<string, unknown> = {};
    const operations: [string, () => Promise<unknown>][] = [
      ['create', () => site.create('dir/b', Buffer.from('y'))],
      ['replace', () => site.replace('dir/a', Buffer.from('y'))],
      ['read', () => site.read('dir/a')],
      ['stat', () => site.stat('dir/a')],
      ['list', () => site.list('')[Symbol.asyncIterator]().next()],
      ['remove', () => site.remove('dir/a')],
    ];
    for (const [operation, work] of operations) {
      codes[operation] = await work().catch((error) => (isHoldfastError(error) ? error.code : String(error)));
    }
    console.log(JSON.stringify({ codes, beside: readdirSync(prefix) }));
    break;
  }
  default:
    throw new Error(`what is ${what}?`);
}
await site.close();
