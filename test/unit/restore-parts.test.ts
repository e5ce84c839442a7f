import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import type { ArchiveToc, TocEntry } from '../../src/sources/postgres/archive-toc.ts';
import { BinaryRows } from '../../src/sources/postgres/binary-rows.ts';
import { entryJobs, rowCounts, tableEntries } from '../../src/sources/postgres/restore-jobs.ts';
import { type Job, runJobs, runPersistently } from '../../src/sources/postgres/restore-schedule.ts';
import { setClause, splitNames } from '../../src/sources/postgres/setting-values.ts';
import { splitItems } from '../../src/sources/postgres/sql-items.ts';

describe('settings', () => {
  it.each([
    ['"$user", public', ['$user', 'public']],
    ['""', ['']],
    ['', ['']],
    ['"a""b, c",  d ,e', ['a"b, c', 'd', 'e']],
  ])('takes the list %s apart', (list, names) => expect(splitNames(list)).toEqual(names));

  it('quotes what is a list as a list, and nothing else', () => {
    expect(setClause('search_path="$user", public')).toBe(`SET "search_path" TO '$user', 'public'`);
    expect(setClause(`my.ext=a, 'b'=c`)).toBe(`SET "my"."ext" TO 'a, ''b''=c'`);
  });
});

describe('splitItems', () => {
  it('is not led astray by quotes, names and nesting', () => {
    const sql = `CREATE TABLE "a(b" (\n "x,y" int DEFAULT f(1, ')'),\n z text DEFAULT 'it''s (, ') INHERITS (p)`;
    expect(splitItems(sql)).toEqual({
      before: 'CREATE TABLE "a(b" ',
      items: [`"x,y" int DEFAULT f(1, ')')`, `z text DEFAULT 'it''s (, '`],
      after: ' INHERITS (p)',
    });
  });
  it('finds no list that does not end', () => {
    expect(splitItems(`CREATE TABLE a (b text DEFAULT 'x`)).toBeUndefined();
    expect(splitItems('SELECT 1')).toBeUndefined();
  });
});

describe('BinaryRows', () => {
  const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
  const row = (oid: number, content: Buffer) => {
    const start = Buffer.alloc(14);
    start.writeInt16BE(2, 0);
    start.writeInt32BE(4, 2);
    start.writeUInt32BE(oid, 6);
    start.writeInt32BE(content.length, 10);
    return Buffer.concat([start, content]);
  };
  const trailer = Buffer.from([0xff, 0xff]);
  const contents = [Buffer.alloc(3000, 'a'), Buffer.alloc(0), Buffer.from([0xff, 0xff, 0, 2]), Buffer.alloc(700, 'b')];
  const stream = Buffer.concat([header, ...contents.map((content, i) => row(i + 1, content)), trailer]);
  async function* sliced(bytes: Buffer, length: number) {
    for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
  }
  const all = async (source: AsyncIterable<Buffer>) => {
    const pieces: Buffer[] = [];
    for await (const piece of source) pieces.push(piece);
    return Buffer.concat(pieces);
  };

  it.each([1, 2, 3, 7, 13, 64, 100_000])('gives the objects, read %i bytes at a time', async (length) => {
    const rows = new BinaryRows(sliced(stream, length));
    const found: [number, Buffer][] = [];
    while (await rows.more()) {
      const { oid, content } = await rows.object();
      found.push([oid, await all(content)]);
    }
    expect(found).toEqual(contents.map((content, i) => [i + 1, content]));
  });

  it('notices a stream that ends early, or goes on', async () => {
    const drain = async (bytes: Buffer) => {
      const rows = new BinaryRows(sliced(bytes, 64));
      while (await rows.more()) await all((await rows.object()).content);
    };
    await drain(stream);
    for (const bad of [
      stream.subarray(0, -1),
      stream.subarray(0, 500),
      Buffer.concat([stream, trailer]),
      stream.subarray(1),
    ]) {
      await expect(drain(bad)).rejects.toMatchObject({ code: 'object-damaged' });
    }
  });
});

describe('jobs of an archive', () => {
  const entry = (dumpId: number, desc: string, dependencies: number[] = [], tag = `t${dumpId}`) =>
    ({ dumpId, desc, tag, namespace: 's', dependencies }) as TocEntry;
  const toc = {
    entries: [
      entry(1, 'TABLE'),
      entry(2, 'TABLE'),
      entry(3, 'TABLE'),
      entry(4, 'TABLE'),
      entry(5, 'TABLE ATTACH', [1, 2]),
      entry(6, 'TABLE ATTACH', [2, 3]),
      entry(7, 'FK CONSTRAINT', [4]),
      entry(8, 'FK CONSTRAINT', [1]),
      entry(9, 'TRIGGER', [1]),
    ],
  } as ArchiveToc;

  it('hold the foreign keys of most rows against them first, those of partitions together', () => {
    const entries = tableEntries(toc);
    const loads = new Map(
      [...entries].map(([name, { dumpId }]) => [name, { after: [], weight: 1e6, rows: [0, 0, 5, 70, 60][dumpId]! }]),
    );
    const counts = rowCounts(toc, entries, loads);
    expect(Object.fromEntries(counts)).toEqual({ 1: 75, 2: 75, 3: 70, 4: 60 });
    const byId = new Map(toc.entries.map((each) => [each.dumpId, each]));
    const jobs = entryJobs(undefined as never, toc.entries.slice(6), byId, counts);
    const order = jobs.sort((a, b) => b.weight - a.weight).map(({ id }) => id);
    expect(order).toEqual(['e8', 'e7', 'e9']);
  });
});

describe('runJobs', () => {
  const trail: string[] = [];
  const job = (id: string, more: Partial<Job> = {}): Job => ({
    id,
    weight: 0,
    after: [],
    holds: [],
    uses: [],
    run: async () => {
      trail.push(`+${id}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      trail.push(`-${id}`);
    },
    ...more,
  });
  const run = async (jobs: Job[], places = 2) => {
    trail.length = 0;
    return runJobs(jobs, places, () => false);
  };

  it('starts heavy ones first, as many as there are places', async () => {
    await run([job('light'), job('heavy', { weight: 3 }), job('middle', { weight: 2 })]);
    expect(trail.slice(0, 2)).toEqual(['+heavy', '+middle']);
    expect(trail.indexOf('+light')).toBeGreaterThan(1);
  });

  it('keeps order and exclusion', async () => {
    await run([job('b', { after: ['a', 'unknown'], weight: 9 }), job('a')], 9);
    expect(trail).toEqual(['+a', '-a', '+b', '-b']);
    await run([job('a', { holds: ['t'] }), job('b', { uses: ['t'] }), job('c', { uses: ['t'] })], 9);
    expect(trail.slice(0, 4)).toEqual(['+a', '-a', '+b', '+c']);
    await run([job('a', { uses: ['t'] }), job('b', { holds: ['t'] })], 9);
    expect(trail).toEqual(['+a', '-a', '+b', '-b']);
  });

  it('goes on after a failure, without what waits for it', async () => {
    const failing = job('bad', { run: () => Promise.reject(new Error('no')) });
    const { failed, blocked } = await run([failing, job('good'), job('waits', { after: ['bad'] })]);
    expect(failed.map((each) => each.job.id)).toEqual(['bad']);
    expect(blocked.map(({ id }) => id)).toEqual(['waits']);
    expect(trail).toEqual(['+good', '-good']);
  });

  it('ends on a fatal one, once nothing runs any more', async () => {
    let ended = false;
    const slow = job('slow', {
      run: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        ended = true;
      },
    });
    const failing = job('bad', { run: () => Promise.reject(new Error('fatal')) });
    await expect(runJobs([failing, slow, job('never')], 2, () => true)).rejects.toThrow('fatal');
    expect(ended).toBe(true);
  });

  it('tells of a server that went down what it said, and not that others found it gone', async () => {
    const said = Object.assign(new Error('no space left'), { severity: 'PANIC', code: '53100' });
    const gone = Object.assign(new Error('not yet accepting connections'), { severity: 'FATAL', code: '57P03' });
    const wrapped = new HoldfastError('target-failed', 'Could not connect.', { cause: gone });
    const jobs = [
      { ...job('other'), run: () => Promise.reject(wrapped) },
      { ...job('writer'), run: () => new Promise<void>((_, reject) => setTimeout(() => reject(said), 20)) },
    ];
    await expect(runJobs(jobs, 2, () => true)).rejects.toBe(said);
    await expect(runJobs(jobs.slice(0, 1), 2, () => true)).rejects.toBe(wrapped);

    // Tried again, the server takes nobody: what it had said before stays the reason.
    const said1 = [said, wrapped];
    const again = [
      { ...job('lost'), weight: 1, run: () => Promise.reject(wrapped) },
      { ...job('full'), run: () => Promise.reject(said1.shift() ?? wrapped) },
      job('fine'),
    ];
    const { failed } = await runPersistently(again, 2, () => false);
    expect(failed.map(({ job: { id }, error }) => [id, error])).toEqual([
      ['full', said],
      ['lost', wrapped],
    ]);
    // And in another call, as those of rows are tried again with what comes after them.
    const kept = new Map<string, unknown>();
    const first = { ...job('table'), run: () => Promise.reject(said) };
    await runPersistently([first], 1, () => false, kept);
    const later = await runPersistently([{ ...first, run: () => Promise.reject(wrapped) }], 1, () => false, kept);
    expect(later.failed[0]!.error).toBe(said);
  });

  it('tries again for as long as that gets further', async () => {
    let attempts = 0;
    const third = job('third', {
      run: async () => void (++attempts < 3 && (await Promise.reject(new Error('not yet')))),
    });
    const needing = (id: string, at: number) =>
      job(id, { run: async () => void (attempts < at && (await Promise.reject(new Error('not yet')))) });
    expect(await runPersistently([third, needing('one', 1), needing('two', 2)], 1, () => false)).toEqual({
      failed: [],
      blocked: [],
    });
    const never = job('never', { run: () => Promise.reject(new Error('never')) });
    const outcome = await runPersistently([never, job('fine')], 1, () => false);
    expect(outcome.failed.map((each) => each.job.id)).toEqual(['never']);
  });
});
