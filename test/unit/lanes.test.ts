import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import { LanePool } from '../../src/repository/lane-pool.ts';
import { type LanesSettings, openLanes } from '../../src/repository/lanes.ts';
import { MemoryRepository } from '../support/memory-repository.ts';

const entry = new URL('../support/test-lane.ts', import.meta.url);

describe('lanes', () => {
  it('run tasks beside each other, and queue what does not fit', async () => {
    await using lanes = openLanes({ entry, count: 2, port: {} });
    const threads = await Promise.all(Array.from({ length: 6 }, () => lanes.run<number>('slow', 20)));
    expect(new Set(threads).size).toBe(2);
    expect(new Set(await lanes.runInEach<number>('thread', undefined)).size).toBe(2);
    const busy = Promise.all([lanes.run('slow', 50), lanes.run('slow', 10), lanes.run('slow', 10)]);
    expect(new Set(await lanes.runInEach<number>('thread', undefined)).size).toBe(2);
    await busy;
  });

  it('sum up progress', async () => {
    await using lanes = openLanes({ entry, count: 1, port: {} });
    let sum = 0;
    await lanes.run('report', 1000, {
      onProgress: (amount) => {
        sum += amount;
      },
    });
    expect(sum).toBe(3000);
  });

  it('carry errors with code, why and hint, and go on', async () => {
    await using lanes = openLanes({ entry, count: 1, port: {} });
    await expect(lanes.run('fail', 0)).rejects.toMatchObject({
      code: 'source-failed',
      why: 'For a test.',
      hint: 'Go on.',
    });
    await expect(lanes.run('no such task', 0)).rejects.toMatchObject({ code: 'internal' });
    expect(await lanes.run('report', 1)).toBe(1);
  });

  it('work for one snapshot after the other, and let nothing of one reach the next', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-lanes-'));
    const recipient = await identityToRecipient(await generateX25519Identity());
    const work = (secret: string) => {
      const ids: string[] = [];
      const settings: LanesSettings = {
        entry,
        count: 1,
        writing: {
          chunkIdSecret: secret.repeat(64),
          gearSecret: secret.repeat(64),
          dataRecipient: recipient,
          chunkSizes: { min: 1024, average: 4096, max: 16_384 },
          packSize: 10_000_000,
        },
        port: {
          claim: async (asked) => {
            ids.push(asked.toString('hex'));
            return new Uint8Array(asked.length / 32);
          },
        },
      };
      return { ids, settings };
    };
    const [one, two] = [work('1'), work('2')];
    const kept = join(directory, 'kept');
    await using pool = new LanePool();
    const run = ({ settings }: typeof one, task: string, input: unknown) =>
      pool.with(settings, async (lanes) => {
        const output = await lanes.run<number>(task, input);
        await lanes.flush();
        return output;
      });
    const thread = await run(one, 'thread', 0);
    await run(one, 'ask', 0);
    await run(one, 'kept', kept);
    expect(await run(two, 'thread', 0)).toBe(thread);
    expect(readFileSync(kept, 'utf8')).toBe('opened\nclosed 42\n');
    await run(two, 'ask', 0);
    expect([one.ids.length, two.ids.length]).toEqual([1, 1]);
    expect(two.ids).not.toEqual(one.ids);
    // A task that was given up may still be in them.
    await expect(run(two, 'fail', 0)).rejects.toMatchObject({ code: 'source-failed' });
    expect(await run(two, 'thread', 0)).not.toBe(thread);
    expect(await run({ ...two, settings: { ...two.settings, count: 2 } }, 'thread', 0)).not.toBe(thread);
  });

  it('carry errors of the port to the task that asked', async () => {
    const identity = await generateX25519Identity();
    await using lanes = openLanes({
      entry,
      count: 1,
      writing: {
        chunkIdSecret: randomBytes(32).toString('hex'),
        gearSecret: randomBytes(32).toString('hex'),
        dataRecipient: await identityToRecipient(identity),
        chunkSizes: { min: 1024, average: 4096, max: 16_384 },
        packSize: 10_000,
      },
      port: {
        claim: async () => {
          throw new HoldfastError('site-full', 'No room.');
        },
      },
    });
    await lanes.run('ask', 0).catch(() => {});
    await expect(lanes.flush()).rejects.toMatchObject({ code: 'site-full' });
  });

  it('reject everything when a thread crashes, or when aborted', async () => {
    await using crashing = openLanes({ entry, count: 2, port: {} });
    const all = await Promise.allSettled([
      crashing.run('hang', 0),
      crashing.run('crash', 0),
      crashing.run('thread', 0),
    ]);
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(crashing.run('thread', 0)).rejects.toThrow();

    const controller = new AbortController();
    await using lanes = openLanes({ entry, count: 2, port: {}, signal: controller.signal });
    const hanging = [lanes.run('hang', 0), lanes.run('hang', 0), lanes.run('hang', 0)];
    setTimeout(() => controller.abort(new HoldfastError('interrupted', 'Stopped.')), 50);
    for (const task of hanging) await expect(task).rejects.toMatchObject({ code: 'interrupted' });
  });

  it('close what tasks kept', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'holdfast-lanes-')), 'log');
    {
      await using lanes = openLanes({ entry, count: 1, port: {} });
      expect(await lanes.run('kept', file)).toBe(42);
      expect(await lanes.run('kept', file)).toBe(42);
    }
    expect(readFileSync(file, 'utf8')).toBe('opened\nclosed 42\n');
  });
});

describe('stored streams', () => {
  it('come back through threads, and damage is found', async () => {
    const repository = await MemoryRepository.open();
    const command = `head -c 9000000 /dev/zero | tr '\\0' x; head -c 5000000 /dev/urandom`;
    const { backupCommand } = await import('../../src/sources/command/backup.ts');
    await repository.backup((context) =>
      backupCommand(context, { name: 'c', command, filename: 'f', timeoutMs: 60_000, env: process.env }),
    );
    const line = repository.lines.find(({ kind }) => kind === 'output') as unknown as { stream: { size: number } };
    expect(line.stream.size).toBe(14_000_000);
    const read = () =>
      repository.restore(async (context) => {
        let size = 0;
        for await (const part of context.reader.read(line.stream as never)) size += part.length;
        return size;
      });
    expect(await read()).toBe(14_000_000);
    const pack = [...repository.packs.values()][0]!;
    pack.bytes[1000]! ^= 4;
    await expect(read()).rejects.toMatchObject({ code: 'object-damaged' });
  });
});
