import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import {
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption';
import * as vectors from 'cctv-age';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  CapturingRecipient,
  headerOf,
  headerPrefixBytes,
  Opener,
  openFile,
  openHeader,
  parseHeader,
  Sealer,
  seal,
} from '../../src/crypt/age.ts';
import { open, segmentBytes } from '../../src/crypt/stream.ts';

const damagedObject = expect.objectContaining({ name: 'HoldfastError', code: 'object-damaged' });
const wrongKey = expect.objectContaining({ name: 'HoldfastError', code: 'wrong-key' });
const sizes = [0, 1, segmentBytes - 1, segmentBytes, segmentBytes + 1, 3 * segmentBytes + 17];

const identity = await generateX25519Identity();
const recipient = await identityToRecipient(identity);
const otherIdentity = await generateX25519Identity();
const otherRecipient = await identityToRecipient(otherIdentity);

const directory = mkdtempSync(join(tmpdir(), 'holdfast-crypt-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs Debian's age, or fails with the command that installs it. */
function age(args: string[], input: Uint8Array): Buffer {
  const run = spawnSync('age', args, { input, maxBuffer: 2 ** 26 });
  if (run.error) throw new Error(`age is needed: apt-get install -y age`, { cause: run.error });
  if (run.status !== 0) throw new Error(`age failed: ${run.stderr}`);
  return run.stdout;
}

describe('age files', () => {
  it.each(sizes)('of %i bytes go round', async (size) => {
    const plain = randomBytes(size);
    const file = await seal([recipient], [plain.subarray(0, size / 3), plain.subarray(size / 3)]);
    expect((await openFile([identity], file)).equals(plain)).toBe(true);
  });

  it('open with each of several recipients, and the right one of several identities', async () => {
    const plain = randomBytes(40);
    const file = await seal([recipient, otherRecipient], [plain]);
    expect((await openFile([identity], file)).equals(plain)).toBe(true);
    expect((await openFile([otherIdentity], file)).equals(plain)).toBe(true);
    const one = await seal([recipient], [plain]);
    expect((await openFile([otherIdentity, identity], one)).equals(plain)).toBe(true);
  });

  it('have a file key each, also when sealed at the same time', async () => {
    const sealer = new Sealer([recipient]);
    const opener = new Opener([identity]);
    const plains = Array.from({ length: 20 }, (_, index) => Buffer.from(`object ${index}`));
    const files = await Promise.all(plains.map((plain) => sealer.seal([plain])));
    const opened = await Promise.all(files.map((file) => opener.open(file)));
    expect(opened).toEqual(plains);
    const keys = await Promise.all(files.map((file) => opener.openHeader(file)));
    expect(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size).toBe(files.length);
  });

  it('have the documented header sizes', async () => {
    expect(parseHeader(await seal([recipient], []))).toBe(168);
    expect(parseHeader(await seal([recipient, otherRecipient], []))).toBe(168 + 98);
    const hybrid = await identityToRecipient(await generateHybridIdentity());
    expect(parseHeader(await seal([hybrid], []))).toBeLessThan(headerPrefixBytes / 2);
  });

  it('give their file key by the header alone', async () => {
    const plain = randomBytes(99);
    const file = await seal([recipient], [plain]);
    const length = parseHeader(file);
    const fileKey = await openHeader([identity], file.subarray(0, length));
    expect(open(fileKey, file.subarray(length)).equals(plain)).toBe(true);
  });

  it('are refused without a matching identity', async () => {
    const file = await seal([recipient], [randomBytes(5)]);
    await expect(openFile([otherIdentity], file)).rejects.toThrow(wrongKey);
    await expect(openFile([], file)).rejects.toThrow(wrongKey);
  });

  it('are refused with any byte flipped, or cut at any length', async () => {
    const file = await seal([recipient], [randomBytes(50)]);
    const opener = new Opener([identity]);
    const header = parseHeader(file);
    for (let at = 0; at < file.length; at++) {
      for (const bit of [0x01, 0x20, 0x80]) {
        const flipped = Buffer.from(file);
        flipped[at]! ^= bit;
        const failure = await opener.open(flipped).catch((error) => error);
        expect(failure.name, `byte ${at}`).toBe('HoldfastError');
        // A changed stanza may read as somebody else's; anything else is damage.
        expect(at < header ? ['object-damaged', 'wrong-key'] : ['object-damaged']).toContain(failure.code);
      }
      await expect(opener.open(file.subarray(0, at)), `${at} bytes`).rejects.toThrow(damagedObject);
    }
  });

  it('survive nonsense without another error', async () => {
    const opener = new Opener([identity]);
    const start = Buffer.from('age-encryption.org/v1\n');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, startsRight) => {
        const file = startsRight ? Buffer.concat([start, bytes]) : bytes;
        await expect(opener.open(file)).rejects.toThrow(damagedObject);
      }),
    );
    await expect(opener.open(Buffer.concat([start, Buffer.alloc(200_000, 'A\n')]))).rejects.toThrow(damagedObject);
  });
});

describe('keys', () => {
  it('refuses a file that nobody could open', async () => {
    await expect(seal([], [randomBytes(1)])).rejects.toThrow(wrongKey);
    const capture = new CapturingRecipient();
    const encrypter = new Encrypter();
    encrypter.addRecipient(capture);
    await expect(headerOf(encrypter, capture)).rejects.toThrow(wrongKey);
  });

  it('refuses what is not a recipient', () => {
    const typo = `${recipient.slice(0, 20)}${recipient[20] === 'q' ? 'p' : 'q'}${recipient.slice(21)}`;
    for (const text of ['', 'age1', 'ssh-ed25519 AAAA', typo, identity.toLowerCase()]) {
      expect(() => new Sealer([recipient, text]), text).toThrow(wrongKey);
    }
  });

  it('refuses to mix post-quantum and classic recipients', async () => {
    const hybridIdentity = await generateHybridIdentity();
    const hybrid = await identityToRecipient(hybridIdentity);
    expect(() => new Sealer([recipient, hybrid])).toThrow(wrongKey);
    const plain = randomBytes(3);
    expect((await openFile([hybridIdentity], await seal([hybrid], [plain]))).equals(plain)).toBe(true);
  });

  it('never quotes an identity in an error', () => {
    const typo = `${identity.slice(0, 30)}${identity[30] === 'Q' ? 'P' : 'Q'}${identity.slice(31)}`;
    for (const text of [typo, identity.toLowerCase(), `${identity} `, 'secret words']) {
      const failure = (() => {
        try {
          new Opener([text]);
        } catch (error) {
          return error as Error;
        }
      })();
      expect(failure).toEqual(wrongKey);
      const told = JSON.stringify([failure, failure?.message, failure?.stack, failure?.cause]);
      expect(told.toLowerCase()).not.toContain(text.slice(17, 40).toLowerCase() || 'secret words');
    }
  });
});

describe('ranges of a file', () => {
  it('give the bytes that the whole gives', async () => {
    const plain = randomBytes(4 * segmentBytes + 1234);
    const file = await seal([recipient], [plain]);
    const reader = await new Opener([identity]).openPrefix(file.subarray(0, headerPrefixBytes), file.length);
    expect(reader.plaintextSize).toBe(plain.length);
    fc.assert(
      fc.property(fc.nat(plain.length), fc.nat(2 * segmentBytes), (offset, wanted) => {
        const range = { offset, length: Math.min(wanted, plain.length - offset) };
        const covering = reader.covering(range);
        const bytes = file.subarray(covering.offset, covering.offset + covering.length);
        expect(reader.open(range, bytes).equals(plain.subarray(offset, offset + range.length))).toBe(true);
      }),
    );
  });

  it('need the header and the nonce', async () => {
    const file = await seal([recipient], [randomBytes(10)]);
    const opener = new Opener([identity]);
    await expect(opener.openPrefix(file.subarray(0, 183), file.length)).rejects.toThrow(damagedObject);
    await expect(opener.openPrefix(file.subarray(0, 100), file.length)).rejects.toThrow(damagedObject);
    await expect(opener.openPrefix(file, 190)).rejects.toThrow(damagedObject);
    await expect(opener.openPrefix(file.subarray(0, 184), file.length)).resolves.toMatchObject({ plaintextSize: 10 });
    await expect(new Opener([otherIdentity]).openPrefix(file, file.length)).rejects.toThrow(wrongKey);
  });
});

describe('other implementations', () => {
  it.each(sizes)('agree about %i bytes: the package age-encryption', async (size) => {
    const plain = randomBytes(size);
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    expect(Buffer.from(await decrypter.decrypt(await seal([recipient], [plain]))).equals(plain)).toBe(true);
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    expect((await openFile([identity], await encrypter.encrypt(plain))).equals(plain)).toBe(true);
  });

  it.each(sizes)('agree about %i bytes: Debian’s age', async (size) => {
    const plain = randomBytes(size);
    const keyFile = join(directory, 'identity');
    writeFileSync(keyFile, `${identity}\n`, { mode: 0o600 });
    const sealed = await seal([otherRecipient, recipient], [plain]);
    expect(age(['-d', '-i', keyFile], sealed).equals(plain)).toBe(true);
    const theirs = age(['-r', otherRecipient, '-r', recipient], plain);
    expect((await openFile([identity], theirs)).equals(plain)).toBe(true);
  });
});

/**
 * C2SP CCTV vectors. Left out: `armored` (Holdfast neither writes nor reads armor) and `passphrase` (nor scrypt).
 * The vector `empty` and all X25519, post-quantum, HMAC, stanza, version and STREAM ones remain. A vector's payload
 * that precedes a failure needs no check here: nothing of a payload is returned before all of it is genuine.
 */
describe('C2SP vectors', () => {
  const parsed = Object.entries(vectors as unknown as Record<string, Uint8Array>).map(([name, bytes]) => {
    const text = Buffer.from(bytes);
    const end = text.indexOf('\n\n');
    const fields = text
      .toString('latin1', 0, end)
      .split('\n')
      .map((line): [string, string] => {
        const colon = line.indexOf(': ');
        return [line.slice(0, colon), line.slice(colon + 2)];
      });
    const all = (key: string) => fields.filter(([found]) => found === key).map(([, value]) => value);
    const body = text.subarray(end + 2);
    return { name, all, file: all('compressed')[0] === 'zlib' ? inflateSync(body) : body };
  });
  const applicable = parsed.filter(({ all }) => all('armored').length === 0 && all('passphrase').length === 0);

  it('are all accounted for', () => {
    expect(parsed).toHaveLength(143);
    expect(parsed.filter(({ all }) => all('armored').length > 0)).toHaveLength(33);
    expect(parsed.filter(({ all }) => all('armored').length === 0 && all('passphrase').length > 0)).toHaveLength(25);
    expect(applicable).toHaveLength(85);
  });

  it.each(applicable)('$name', async ({ all, file }) => {
    const outcome = await openFile(all('identity'), file).then(
      (plain) => createHash('sha256').update(plain).digest('hex'),
      (error) => error.code,
    );
    const expected = {
      success: all('payload')[0],
      'no match': 'wrong-key',
      'HMAC failure': 'object-damaged',
      'header failure': 'object-damaged',
      'payload failure': 'object-damaged',
    };
    const expectation = all('expect')[0] as keyof typeof expected;
    expect(Object.keys(expected)).toContain(expectation);
    expect(outcome).toBe(expected[expectation]);
  });
});
