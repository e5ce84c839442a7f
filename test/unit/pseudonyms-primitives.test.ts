import { createCipheriv, createDecipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHoldfastError } from '../../src/base/errors.ts';
import { BinaryFf1, halves } from '../../src/pseudonyms/binary-ff1.ts';
import { ibanCheck, mod97, nirKey, passesLuhn, ribKey, vatKey } from '../../src/pseudonyms/check-digits.ts';
import { civilOf, dayOf, formatDate, parseDate } from '../../src/pseudonyms/civil-date.ts';
import { Ff1 } from '../../src/pseudonyms/ff1.ts';
import { PseudonymKey } from '../../src/pseudonyms/keys.ts';
import { Permutation } from '../../src/pseudonyms/permutation.ts';
import { Prf } from '../../src/pseudonyms/prf.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const domain = new PseudonymKey(Buffer.alloc(32, 7)).domain('test');

describe('the key', () => {
  it('has at least 256 bits', () => {
    for (const bytes of [0, 16, 31]) {
      const thrown = (() => {
        try {
          new PseudonymKey(Buffer.alloc(bytes, 1));
        } catch (error) {
          return error;
        }
      })();
      expect(isHoldfastError(thrown, 'config')).toBe(true);
    }
    expect(() => PseudonymKey.parse('abcd')).toThrow();
    expect(() => PseudonymKey.parse('correct horse battery staple, a passphrase')).toThrow(/cannot be read/);
    expect(PseudonymKey.parse('07'.repeat(32)).fingerprint).toBe(new PseudonymKey(Buffer.alloc(32, 7)).fingerprint);
    expect(PseudonymKey.parse(Buffer.alloc(32, 7).toString('base64')).fingerprint).toBe(
      new PseudonymKey(Buffer.alloc(32, 7)).fingerprint,
    );
  });

  it('gives every copy, domain and purpose a key of its own, and the same one again', () => {
    const key = new PseudonymKey(Buffer.alloc(32, 7));
    const made = [key, key.forCopy('a'), key.forCopy('b')].flatMap((each) =>
      ['x', 'y'].flatMap((name) => ['p', 'q'].map((purpose) => each.domain(name).subkey(purpose).toString('hex'))),
    );
    expect(new Set(made).size).toBe(12);
    expect(key.forCopy('a').domain('x').subkey('p').toString('hex')).toBe(made[4]);
    expect(key.forCopy('a').fingerprint).not.toBe(key.fingerprint);
    expect(key.fingerprint).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe('the pseudo-random function', () => {
  const message = `6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51
    30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710`.replace(/\s/g, '');
  const key256 = '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4';

  // NIST SP 800-38B, examples of AES-128 and AES-256.
  it.each([
    ['2b7e151628aed2a6abf7158809cf4f3c', 0, 'bb1d6929e95937287fa37d129b756746'],
    ['2b7e151628aed2a6abf7158809cf4f3c', 16, '070a16b46b4d4144f79bdd9dd04a287c'],
    ['2b7e151628aed2a6abf7158809cf4f3c', 40, 'dfa66747de9ae63030ca32611497c827'],
    ['2b7e151628aed2a6abf7158809cf4f3c', 64, '51f0bebf7e3b9d92fc49741779363cfe'],
    [key256, 0, '028962f61b7bf89efc6b551f4667d983'],
    [key256, 16, '28a7023f452e8f82bd4bf28d8c37c35c'],
    [key256, 40, 'aaf3d8f1de5640c232f5b169b9c911e6'],
    [key256, 64, 'e1992190549f6ed5696a2c056c315410'],
  ])('is AES-CMAC: %s of %i bytes', (key, length, expected) => {
    expect(new Prf(hex(key)).one(hex(message).subarray(0, length)).toString('hex')).toBe(expected);
  });

  it('gives each text of a batch what it gives it alone', () => {
    const key = domain.subkey('a');
    const batched = new Prf(key);
    const single = new Prf(key);
    const characters = fc.array(fc.constantFrom('a', 'é', '😀', '\n', '\x7f', 'Z'), { maxLength: 60 });
    const texts = fc.array(characters.map((list) => list.join('')));
    fc.assert(
      fc.property(texts, (cells) => {
        const words = batched.each(cells);
        const alone = cells.map((cell) => single.one(Buffer.from(cell)).toString('hex'));
        const bytes = Buffer.from(words.slice(0, cells.length * 4).buffer);
        expect(cells.map((_, i) => bytes.toString('hex', i * 16, i * 16 + 16))).toEqual(alone);
      }),
    );
  });

  it('does not cut a text at a NUL', () => {
    const prf = new Prf(domain.subkey('a'));
    const words = Uint32Array.from(prf.each(['a\0b', 'a']));
    expect(Buffer.from(words.buffer, 0, 16)).toEqual(prf.one(Buffer.from('a\0b')));
    expect(Buffer.from(words.buffer, 16, 16)).toEqual(prf.one(Buffer.from('a')));
    expect(() => prf.joined('a\0b', 1)).toThrow(/NUL/);
  });
});

describe('FF1', () => {
  const key = '2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94';
  const letters = [...'0123456789abcdefghi'].reduce((sum, digit) => sum * 36n + BigInt(Number.parseInt(digit, 36)), 0n);

  // NIST's samples 1 to 9 for FF1.
  it.each([
    [32, '2433477484', '6124200773', 'a9tv40mll9kdu509eum'],
    [48, '2830668132', '2496655549', 'xbj3kv35jrawxv32ysr'],
    [64, '6657667009', '1001623463', 'xs8a0azh2avyalyzuwd'],
  ])('gives the published results with a key of %i digits', (digits, first, second, third) => {
    const bytes = hex(key.slice(0, digits));
    const decimal = (tweak: string) => new Ff1(bytes, 10, hex(tweak));
    expect(decimal('').encrypt(123456789n, 10)).toBe(BigInt(first));
    expect(decimal('39383736353433323130').encrypt(123456789n, 10)).toBe(BigInt(second));
    const made = new Ff1(bytes, 36, hex('3737373770717273373737')).encrypt(letters, 19);
    expect(made.toString(36).padStart(19, '0')).toBe(third);
    expect(decimal('').decrypt(BigInt(first), 10)).toBe(123456789n);
  });

  it('refuses fewer than a million values', () => {
    expect(() => new Ff1(hex(key), 10).encrypt(1n, 5)).toThrow(/too few/);
    expect(new Ff1(hex(key), 10).encrypt(1n, 6)).toBeLessThan(1_000_000n);
    expect(() => new BinaryFf1(hex(key), 19)).toThrow(/too few/);
  });

  it('is the same in batches of any number of bits, and leads back', () => {
    const word = fc.integer({ min: 20, max: 128 }).chain((bits) =>
      fc.record({
        bits: fc.constant(bits),
        values: fc.array(fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n }), { minLength: 1, maxLength: 5 }),
      }),
    );
    fc.assert(
      fc.property(word, ({ bits, values }) => {
        const batch = new BinaryFf1(hex(key), bits);
        const plain = new Ff1(hex(key), 2);
        const h = halves(values.length);
        const right = BigInt(batch.right);
        values.forEach((value, i) => {
          const [a, b] = [value >> right, value & ((1n << right) - 1n)];
          [h.aHigh[i], h.aLow[i]] = [Number(a >> 32n), Number(a & 0xffffffffn)];
          [h.bHigh[i], h.bLow[i]] = [Number(b >> 32n), Number(b & 0xffffffffn)];
        });
        const read = () =>
          values.map(
            (_, i) =>
              (((BigInt(h.aHigh[i]!) << 32n) | BigInt(h.aLow[i]!)) << right) |
              (BigInt(h.bHigh[i]!) << 32n) |
              BigInt(h.bLow[i]!),
          );
        batch.permute(h, values.length);
        expect(read()).toEqual(values.map((value) => plain.encrypt(value, bits)));
        batch.permute(h, values.length, true);
        expect(read()).toEqual(values);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a permutation', () => {
  it('of few values reaches each of them once', () => {
    for (const size of [1, 2, 7, 1000, 65_535]) {
      const values = Float64Array.from({ length: size }, (_, i) => i);
      new Permutation(domain, 'small', BigInt(size)).numbers(values, size);
      expect(new Set(values).size).toBe(size);
      expect(Math.max(...values.slice(0, 1000))).toBeLessThan(size);
    }
  });

  it('of a million values reaches each of them once', () => {
    const size = 1_000_000;
    const permutation = new Permutation(domain, 'million', BigInt(size));
    const seen = new Uint8Array(size);
    const values = new Float64Array(20_000);
    for (let from = 0; from < size; from += values.length) {
      for (let i = 0; i < values.length; i++) values[i] = from + i;
      permutation.numbers(values, values.length);
      for (const value of values) seen[value] = 1;
    }
    expect(seen.indexOf(0)).toBe(-1);
  });

  it('of any size stays in its range, agrees between numbers and bigints, and leads back', () => {
    const cases = fc
      .bigInt({ min: 2n, max: 2n ** 140n })
      .chain((size) => fc.record({ size: fc.constant(size), value: fc.bigInt({ min: 0n, max: size - 1n }) }));
    const sizes = fc.oneof(
      cases,
      fc.integer({ min: 1_000_000, max: 2 ** 40 }).map((n) => ({ size: BigInt(n), value: BigInt(n - 1) })),
    );
    fc.assert(
      fc.property(sizes, ({ size, value }) => {
        const permutation = new Permutation(domain, 'any', size);
        const made = [value];
        permutation.bigints(made, 1);
        expect(made[0]! >= 0n && made[0]! < size).toBe(true);
        if (size <= 2n ** 53n) {
          const numbers = Float64Array.of(Number(value));
          permutation.numbers(numbers, 1);
          expect(BigInt(numbers[0]!)).toBe(made[0]);
        }
        permutation.bigints(made, 1, true);
        expect(made[0]).toBe(value);
      }),
      { numRuns: 60 },
    );
  });
});

describe('what primitives rest on', () => {
  it('check digits of published numbers', () => {
    expect(passesLuhn('4111111111111111') && passesLuhn('732829320') && !passesLuhn('732829321')).toBe(true);
    expect(ibanCheck('FR', '30006000011234567890189')).toBe('76');
    expect(ibanCheck('DE', '370400440532013000')).toBe('89');
    expect(mod97('370400440532013000131489')).toBe(1);
    expect(ribKey('300060000112345678901')).toBe('89');
    expect(ribKey('20041010050500013M026')).toBe('06');
    expect(nirKey('2550814168025')).toBe('38');
    expect(vatKey('732829320')).toBe('44');
  });

  it('the calendar is that of PostgreSQL', () => {
    expect(dayOf(1970, 1, 1)).toBe(0);
    expect(dayOf(2000, 2, 29)).toBe(11_016);
    expect(parseDate('0001-01-01 BC')!.day).toBe(dayOf(0, 1, 1));
    fc.assert(
      fc.property(fc.integer({ min: -2_400_000, max: 100_000_000 }), (day) => {
        const [year, month, date] = civilOf(day);
        expect(dayOf(year, month, date)).toBe(day);
        expect(parseDate(formatDate(day, ' 01:02:03+00'))).toEqual({ day, rest: ' 01:02:03+00' });
        if (day > -719_000 && day < 2_900_000)
          expect(formatDate(day, '')).toBe(new Date(day * 86_400_000).toISOString().slice(0, 10));
      }),
    );
  });

  it('AES here is the AES of everybody', () => {
    // FIPS 197, appendix C.3: were the block cipher wrong, all the rest would agree with itself only.
    const key = hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
    const sealed = createCipheriv('aes-256-ecb', key, null)
      .setAutoPadding(false)
      .update(hex('00112233445566778899aabbccddeeff'));
    expect(sealed.toString('hex')).toBe('8ea2b7ca516745bfeafc49904b496089');
    const opened = createDecipheriv('aes-256-ecb', key, null).setAutoPadding(false).update(sealed);
    expect(opened.toString('hex')).toBe('00112233445566778899aabbccddeeff');
  });
});
