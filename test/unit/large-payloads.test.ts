/** Large payloads are read as JSON.parse reads them, whatever is in them. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseEnvelope, signEnvelope, verifyEnvelope } from '../../src/crypt/dsse.ts';
import { HashTexts } from '../../src/repository/hash-texts.ts';
import { parseIndex, parseWithPacks } from '../../src/repository/large-payloads.ts';
import { parties } from '../support/repository-fixture.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('hex');
const many = (count: number) => Array.from({ length: count }, (_, i) => hash(`${i}`));
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('texts of hashes', () => {
  it('are each there once', () => {
    const texts = new HashTexts();
    const all = many(5000);
    for (const one of [...all, ...all]) expect(texts.of(one)).toBe(one);
    expect(texts.count).toBe(5000);
    expect(texts.has(Buffer.from(hash('7')))).toBe(true);
    expect(texts.has(Buffer.from(hash('x')))).toBe(false);
    expect(texts.text(Buffer.from('A'.repeat(64)))).toBeUndefined();
    expect(texts.text(Buffer.from('a'.repeat(63)))).toBeUndefined();
  });
});

describe('a list of packs', () => {
  it.each([
    ['as it is written', { kind: 'snapshot', packs: many(300), more: [1] }],
    ['empty', { packs: [] }],
    ['of something else', { packs: [...many(2), 'no hash'], z: 1 }],
    ['deeper only', { totals: { packs: many(2) } }],
    ['deeper, and null outside', { totals: { packs: many(2) }, packs: null }],
    ['deeper first', { totals: { packs: many(2) }, packs: many(3) }],
    ['in a text', { name: `"packs":["${hash('a')}"]`, packs: many(1) }],
    ['none', { kind: 'pin' }],
  ])('%s', (_, value) => {
    expect(parseWithPacks(bytesOf(value), new HashTexts())).toEqual(value);
  });

  it('that is given twice, or with spaces, or cut', () => {
    for (const text of [
      `{"packs":["${hash('a')}"],"packs":["x"]}`,
      `{"packs":["${hash('a')}", "${hash('b')}"]}`,
      `{"packs":["${hash('a')}"]}`,
    ]) {
      expect(parseWithPacks(Buffer.from(text), new HashTexts())).toEqual(JSON.parse(text));
    }
    expect(() => parseWithPacks(Buffer.from(`{"packs":["${hash('a')}"`), new HashTexts())).toThrow(SyntaxError);
  });
});

describe('an index object', () => {
  const pack = (name: string, ids: string[]) => ({
    pack: hash(name),
    size: 12,
    ids: ids.join(''),
    lengths: ids.map((__, i) => i + 1),
    rawLengths: ids.map((__, i) => i + 10),
  });
  const value = { kind: 'index', packs: [pack('a', many(3)), pack('b', []), pack('c', many(1))], replaces: many(2) };

  it('is read without its chunks, or with those that are wanted', () => {
    const texts = new HashTexts();
    const bare = value.packs.map((one) => ({ ...one, ids: '', lengths: [], rawLengths: [] }));
    expect(parseIndex(bytesOf(value), { texts })).toEqual({ ...value, packs: bare });
    const ids = new HashTexts();
    ids.of(hash('1'));
    const found = parseIndex(bytesOf(value), { texts, ids });
    expect(found.packs.map((one: { ids: string }) => one.ids)).toEqual([hash('1'), '', '']);
  });

  it('that is written otherwise is read whole', () => {
    for (const odd of [
      { packs: [{ ...pack('a', many(2)), more: 1 }] },
      { packs: [{ ...pack('a', many(2)), lengths: [1] }] },
      { packs: [{ ...pack('a', many(2)), size: -1 }] },
      { packs: [] },
    ]) {
      expect(parseIndex(bytesOf(odd), { texts: new HashTexts() })).toEqual(odd);
    }
  });
});

describe('a large envelope', () => {
  const payload = { kind: 'x', text: 'ü'.repeat(60_000), packs: many(3000) };
  const envelope = signEnvelope(payload, parties.web1);

  it('is verified, and read as it was signed', () => {
    const parsed = parseEnvelope(envelope);
    expect(verifyEnvelope(parsed, parties.web1.publicSigningKey)).toBe(true);
    expect(parsed.payload.equals(bytesOf(payload))).toBe(true);
  });

  it('that is changed anywhere is not', () => {
    for (let at = 60; at < envelope.length - 300; at += 17_001) {
      const changed = Buffer.from(envelope);
      changed[at] = changed[at] === 0x41 ? 0x42 : 0x41;
      expect(verifyEnvelope(parseEnvelope(changed), parties.web1.publicSigningKey)).toBe(false);
    }
  });

  it('that is written otherwise is read all the same', () => {
    const spaced = Buffer.from(JSON.stringify(JSON.parse(envelope.toString()), null, 1));
    expect(verifyEnvelope(parseEnvelope(spaced), parties.web1.publicSigningKey)).toBe(true);
  });
});
