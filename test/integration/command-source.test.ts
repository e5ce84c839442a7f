import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import { backupCommand, type CommandSettings } from '../../src/sources/command/backup.ts';
import { LastLines } from '../../src/sources/command/last-lines.ts';
import type { OutputLine } from '../../src/sources/command/manifest.ts';
import { catCommand, restoreCommand } from '../../src/sources/command/restore.ts';
import type { BackupContext, ManifestLine, RestoreContext } from '../../src/sources/source.ts';
import { sharedLanes } from '../support/files-tree.ts';
import { MemoryRepository } from '../support/memory-repository.ts';

const shared = sharedLanes();

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-command-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function run(
  command: string[] | string,
  rest: Partial<CommandSettings> = {},
  context: Partial<BackupContext> = {},
) {
  const lines: ManifestLine[] = [];
  const outcome = await backupCommand(
    { ...shared.backup, writeLine: async (line) => void lines.push(line), ...context },
    { name: 'redis', command, filename: 'dump.rdb', ...rest },
  );
  await shared.backup.lanes.flush();
  return { ...outcome, lines };
}

function restoredFrom(lines: ManifestLine[]): RestoreContext {
  return {
    ...shared.restore,
    lines: async function* () {
      yield* lines;
    },
  };
}

async function cat(lines: ManifestLine[]): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of catCommand(restoredFrom(lines))) pieces.push(piece);
  return Buffer.concat(pieces);
}

const isAlive = (pid: number) => {
  try {
    // A zombie nobody has waited for is dead for our purposes.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

async function eventually(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await sleep(50);
  expect(condition()).toBe(true);
}

describe('the output of a command', () => {
  it('is stored as it comes, and comes back', async () => {
    const { lines, totals, shortfalls } = await run(['printf', 'line %s\\n', 'one', '$HOME; echo two']);
    expect(lines).toMatchObject([{ kind: 'output', filename: 'dump.rdb' }]);
    expect(totals).toEqual({ bytes: 30 });
    expect(shortfalls).toEqual([]);
    expect((await cat(lines)).toString()).toBe('line one\nline $HOME; echo two\n');
  });

  it('may be of any size', async () => {
    const { lines, totals } = await run(`head -c 40000000 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00`);
    expect(totals.bytes).toBe(40_000_000);
    const { stream } = lines[0] as OutputLine;
    const content = await cat(lines);
    expect(createHash('sha256').update(content).digest('hex')).toBe(stream.sha256);
    expect(content.subarray(0, 3).equals(Buffer.alloc(3))).toBe(false);
  });

  it('of a text is that of a shell, in the environment it is given', async () => {
    const { lines } = await run('echo "$GREETING $0"', { env: { GREETING: 'hello', PATH: '/usr/bin:/bin' } });
    expect((await cat(lines)).toString()).toBe('hello /bin/sh\n');
  });

  it('does not read what the operator types', async () => {
    const { lines } = await run('cat; echo end');
    expect((await cat(lines)).toString()).toBe('end\n');
  });

  it('that is empty degrades the run', async () => {
    const { shortfalls, totals } = await run(['true']);
    expect(totals).toEqual({ bytes: 0 });
    expect(shortfalls).toEqual([{ object: 'dump.rdb', reason: 'the command wrote nothing', degrades: true }]);
  });
});

describe('a command that fails', () => {
  const failing = async (command: string[] | string, rest: Partial<CommandSettings> = {}) => {
    const lines: ManifestLine[] = [];
    const writeLine = async (line: ManifestLine) => void lines.push(line);
    const error = await run(command, rest, { writeLine }).then(
      () => undefined,
      (reason) => reason as HoldfastError,
    );
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error!.code).toBe('source-failed');
    expect(lines, 'no snapshot').toEqual([]);
    return error!;
  };

  it('with a status says so, with the end of what it complained about', async () => {
    const error = await failing(
      'echo data; printf "first\\nsecond \\033[31mred\\nthird\\n\\n" >&2; head -c 300000 /dev/zero | tr "\\0" x >&2; printf "\\nfourth\\nfifth" >&2; exit 3',
    );
    expect(error.why).toBe('It exited with status 3. It said: fourth / fifth');
  });

  it('by a signal', async () => {
    expect((await failing('kill -SEGV $$')).why).toBe('It was ended by SIGSEGV.');
  });

  it('because it does not exist, or may not be run', async () => {
    expect((await failing(['/nowhere/program'])).why).toBe('There is no such program.');
    const file = join(directory(), 'no-program');
    writeFileSync(file, '#!/bin/sh\n', { mode: 0o600 });
    expect((await failing([file])).why).toContain('EACCES');
    expect((await failing('no-such-program-at-all')).why).toContain('status 127');
  });

  it('after having started others, who are ended as well', async () => {
    const base = directory();
    const error = await failing(`sleep 300 & echo $! > ${base}/pid; exit 1`);
    expect(error.why).toBe('It exited with status 1.');
    const pid = Number(readFileSync(join(base, 'pid'), 'utf8'));
    await eventually(() => !isAlive(pid));
  });

  it('because it takes too long, with all it has started, even what does not listen', async () => {
    const base = directory();
    const started = performance.now();
    const error = await failing(
      `trap '' TERM; sh -c "trap '' TERM; echo \\$\\$ > ${base}/pid; while :; do sleep 0.1; done" & while :; do sleep 0.1; done`,
      { timeoutMs: 1000 },
    );
    expect(error.why).toBe('It was still running after 1.0 s.');
    expect(performance.now() - started).toBeGreaterThan(900);
    const pid = Number(readFileSync(join(base, 'pid'), 'utf8'));
    await eventually(() => !isAlive(pid));
  });
});

describe('a command that is stopped', () => {
  it('is asked first, and may tidy up', async () => {
    const base = directory();
    const command = `trap 'echo tidy > ${base}/done; exit 0' TERM; while :; do sleep 0.05; done`;
    // What it wrote until then is no snapshot, whatever status it gives.
    await expect(run(command, { timeoutMs: 500 })).rejects.toMatchObject({ code: 'source-failed' });
    expect(readFileSync(join(base, 'done'), 'utf8')).toBe('tidy\n');
  });
});

describe('an interruption', () => {
  it('ends the command and all it has started', async () => {
    const base = directory();
    const repository = await MemoryRepository.open();
    const abort = new AbortController();
    const backup = repository.backup(
      (context) =>
        backupCommand(context, {
          name: 'redis',
          command: `sleep 300 & echo $! > ${base}/pid; echo $$ >> ${base}/pid; yes`,
          filename: 'x',
        }),
      { lanes: 1, signal: abort.signal },
    );
    const rejected = expect(backup).rejects.toMatchObject({ code: 'interrupted' });
    await eventually(
      () => existsSync(join(base, 'pid')) && readFileSync(join(base, 'pid'), 'utf8').split('\n').length === 3,
    );
    abort.abort(new HoldfastError('interrupted', 'Stop.'));
    await rejected;
    const pids = readFileSync(join(base, 'pid'), 'utf8').trim().split('\n').map(Number);
    for (const pid of pids) await eventually(() => !isAlive(pid));
  });

  it('before it began starts nothing', async () => {
    const base = directory();
    const signal = AbortSignal.abort(new HoldfastError('interrupted', 'Stop.'));
    await expect(run(`touch ${base}/started`, {}, { signal })).rejects.toMatchObject({ code: 'interrupted' });
    expect(existsSync(join(base, 'started'))).toBe(false);
  });
});

describe('a failed store', () => {
  it('ends a command that would write for ever', async () => {
    const base = directory();
    const lanes = {
      ...shared.backup.lanes,
      count: 1,
      run: async () => {
        await eventually(() => existsSync(join(base, 'pid')) && readFileSync(join(base, 'pid'), 'utf8') !== '');
        throw new HoldfastError('site-full', 'The site is full.');
      },
    } as unknown as BackupContext['lanes'];
    await expect(run(`echo $$ > ${base}/pid; yes`, {}, { lanes })).rejects.toMatchObject({ code: 'site-full' });
    const pid = Number(readFileSync(join(base, 'pid'), 'utf8'));
    await eventually(() => !isAlive(pid));
  });
});

describe('restored output', () => {
  it('is a file of its own name in a directory, or the file that was named', async () => {
    const { lines } = await run(['echo', 'content']);
    const base = directory();
    const context = restoredFrom(lines);
    expect((await restoreCommand(context, { target: base })).totals).toEqual({ bytes: 8 });
    expect(readFileSync(join(base, 'dump.rdb'), 'utf8')).toBe('content\n');
    expect(statSync(join(base, 'dump.rdb')).mode & 0o777).toBe(0o600);
    await restoreCommand(context, { target: join(base, 'other') });
    expect(readFileSync(join(base, 'other'), 'utf8')).toBe('content\n');
    expect(readdirSync(base).sort()).toEqual(['dump.rdb', 'other']);
  });

  it('never replaces anything', async () => {
    const { lines } = await run(['echo', 'content']);
    const base = directory();
    writeFileSync(join(base, 'dump.rdb'), 'mine');
    symlinkSync(join(base, 'nowhere'), join(base, 'dangling'));
    for (const target of [base, join(base, 'dump.rdb'), join(base, 'dangling')]) {
      await expect(restoreCommand(restoredFrom(lines), { target })).rejects.toMatchObject({ code: 'target-exists' });
    }
    expect(readFileSync(join(base, 'dump.rdb'), 'utf8')).toBe('mine');
    expect(readdirSync(base).sort()).toEqual(['dangling', 'dump.rdb']);
  });

  it('that is damaged leaves nothing behind', async () => {
    const { lines } = await run(['echo', 'content']);
    const [line] = lines as OutputLine[];
    const base = directory();
    for (const stream of [
      { ...line!.stream, sha256: '00'.repeat(32) },
      { ...line!.stream, chunks: ['00'.repeat(32)] },
    ]) {
      const restore = restoreCommand(restoredFrom([{ ...line!, stream } as ManifestLine]), { target: base });
      await expect(restore).rejects.toMatchObject({ code: expect.stringMatching(/^object-(damaged|missing)$/) });
      expect(readdirSync(base)).toEqual([]);
    }
  });

  it.each(['../escaped', '/etc/escaped', '..', '.', '', 'a\0b'])('goes nowhere by the name %j', async (filename) => {
    const { lines } = await run(['echo', 'content']);
    const base = directory();
    mkdirSync(join(base, 'in'));
    const context = restoredFrom([{ ...lines[0]!, filename } as ManifestLine]);
    await expect(restoreCommand(context, { target: join(base, 'in') })).rejects.toMatchObject({
      code: 'object-damaged',
    });
    expect(readdirSync(base)).toEqual(['in']);
    expect(readdirSync(join(base, 'in'))).toEqual([]);
  });

  it('needs a directory that is there', async () => {
    const { lines } = await run(['echo', 'content']);
    const target = join(directory(), 'not/there');
    await expect(restoreCommand(restoredFrom(lines), { target })).rejects.toMatchObject({ code: 'target-failed' });
  });
});

describe('what a command complains about', () => {
  it('is cut to its end', () => {
    const lines = new LastLines();
    for (let i = 0; i < 10_000; i++) lines.add(Buffer.from(`line ${i}\r\n`));
    expect(lines.text()).toBe('line 9998 / line 9999');
    lines.add(Buffer.from('x'.repeat(100_000)));
    expect(lines.text()).toHaveLength(301);
  });
});
