import { createHash, randomBytes } from 'node:crypto';
// A key pair that protects nothing: made for this test.
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { openFile } from '../../src/crypt/age.ts';
import { openFrame } from '../../src/repository/frame.ts';
import { Ingest, type IngestPort, type IngestSettings } from '../../src/repository/ingest.ts';
import type { SealedPack } from '../../src/repository/pack.ts';
import { directChunks, type EndedStream } from '../../src/repository/stored-stream.ts';

const identity = await generateIdentity();
const secret = Buffer.alloc(32, 3).toString('hex');
const settings: IngestSettings = {
  chunkIdSecret: secret,
  gearSecret: Buffer.alloc(32, 4).toString('hex'),
  dataRecipient: await identityToRecipient(identity),
  chunkSizes: { min: 4096, average: 16_384, max: 65_536 },
  packSize: 256 * 1024,
};

/** Remembers what it was given; an id is wanted once. */
class MemoryPort implements IngestPort {
  readonly claimed = new Set<string>();
  readonly packs: SealedPack[] = [];
  failAfter = Number.POSITIVE_INFINITY;

  async claim(ids: Buffer): Promise<Uint8Array> {
    const wanted = new Uint8Array(ids.length / 32);
    for (let i = 0; i < wanted.length; i++) {
      const id = ids.toString('hex', i * 32, i * 32 + 32);
      if (!this.claimed.has(id)) wanted[i] = 1;
      this.claimed.add(id);
    }
    return wanted;
  }

  async store(pack: SealedPack): Promise<void> {
    if (this.packs.length >= this.failAfter) throw new Error('no room');
    this.packs.push(pack);
  }

  /** Every chunk by its id, read back from the packs. */
  async chunks(): Promise<Map<string, Buffer>> {
    const chunks = new Map<string, Buffer>();
    for (const pack of this.packs) {
      expect(createHash('sha256').update(pack.bytes).digest('hex')).toBe(pack.name);
      const plain = await openFile([identity], pack.bytes);
      let at = 0;
      for (const { id, length, rawLength } of pack.entries) {
        const key = id.toString('hex');
        expect(chunks.has(key), 'a chunk is stored once').toBe(false);
        chunks.set(key, openFrame(Buffer.from(secret, 'hex'), id, plain.subarray(at, at + length), rawLength));
        at += length;
      }
    }
    return chunks;
  }
}

async function joined(port: MemoryPort, { stored }: EndedStream): Promise<Buffer> {
  const chunks = await port.chunks();
  return Buffer.concat(stored.chunks!.map((id) => chunks.get(id)!));
}

describe('ingest', () => {
  it('takes little memory for many short streams', async () => {
    const ingest = new Ingest(settings, new MemoryPort());
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 300; i++) {
      const stream = ingest.stream();
      await stream.write(randomBytes(2_000));
      await stream.end();
    }
    // A slab for each would be 600 MB.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50e6);
    await ingest.flush();
  });

  it('stores a stream that comes in slices of any size, so that it can be read back', async () => {
    const bytes = randomBytes(3_000_000);
    for (const step of [977, 65_536, 3_000_000]) {
      const port = new MemoryPort();
      const ingest = new Ingest(settings, port);
      const stream = ingest.stream();
      for (let at = 0; at < bytes.length; at += step) await stream.write(bytes.subarray(at, at + step));
      const ended = await stream.end();
      await ingest.flush();
      expect(ended.stored.size).toBe(bytes.length);
      expect(ended.stored.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
      expect((await joined(port, ended)).equals(bytes)).toBe(true);
      expect(port.packs.length).toBeGreaterThan(5);
    }
  });

  it('cuts and names alike, whether a stream comes whole or in pieces', async () => {
    const bytes = Buffer.from('a row\tthat comes again\n'.repeat(40_000));
    const ingest = new Ingest(settings, new MemoryPort());
    const stream = ingest.stream();
    await stream.write(bytes);
    expect(await stream.end()).toEqual(await ingest.whole(bytes));
    await ingest.flush();
  });

  it('stores equal chunks once, across streams', async () => {
    const port = new MemoryPort();
    const ingest = new Ingest(settings, port);
    const bytes = randomBytes(500_000);
    const first = await ingest.whole(bytes);
    const second = await ingest.whole(Buffer.from(bytes));
    await ingest.flush();
    expect(second).toEqual(first);
    expect((await port.chunks()).size).toBe(new Set(first.stored.chunks).size);
  });

  it('takes the empty stream and the row fingerprint', async () => {
    const port = new MemoryPort();
    const ingest = new Ingest(settings, port);
    expect(await ingest.stream().end()).toMatchObject({ stored: { size: 0, chunks: [] } });
    const rows = ingest.stream('00112233445566778899aabbccddeeff');
    await rows.write(Buffer.from('1\ta\n2\tb\n'));
    expect((await rows.end()).stored.rows).toMatchObject({ rows: 2 });
    await ingest.flush();
    expect(port.packs.length).toBe(1);
  });

  it('refers to very many chunks by a list, itself stored', async () => {
    const port = new MemoryPort();
    const small = { ...settings, chunkSizes: { min: 64, average: 256, max: 1024 } };
    const ingest = new Ingest(small, port);
    const bytes = randomBytes(2_000_000);
    const { stored, ids } = await ingest.whole(bytes);
    await ingest.flush();
    expect(stored.chunks).toBeUndefined();
    const chunks = await port.chunks();
    const list = Buffer.concat(stored.list!.map((id) => chunks.get(id)!));
    expect(list.length / 32).toBeGreaterThan(directChunks);
    const parts = Array.from(
      { length: list.length / 32 },
      (_, i) => chunks.get(list.toString('hex', i * 32, i * 32 + 32))!,
    );
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    expect(Buffer.from(ids).equals(Buffer.concat([list, Buffer.from(stored.list!.join(''), 'hex')]))).toBe(true);
  });

  it('reports a failed store on a later call, and on flush', async () => {
    const port = new MemoryPort();
    port.failAfter = 1;
    const ingest = new Ingest(settings, port);
    const run = async () => {
      for (let i = 0; i < 40; i++) await ingest.whole(randomBytes(300_000));
      await ingest.flush();
    };
    await expect(run()).rejects.toThrow('no room');
    await expect(ingest.flush()).rejects.toThrow('no room');
  });
});
