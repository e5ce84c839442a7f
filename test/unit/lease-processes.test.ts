/** Leases of real processes, which are killed and stopped. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { type LeaseSettings, takeLease } from '../../src/repository/lease.ts';
import { isAlive, thisProcess } from '../../src/repository/lease-holder.ts';
import { disk, held, numbers, path, prefix, source, ttl, useArbiter } from '../support/lease-bench.ts';

useArbiter();

describe('real processes', () => {
  const own = (more: Partial<LeaseSettings> = {}): LeaseSettings => ({
    site: disk,
    source,
    prefix,
    holder: thisProcess('parent'),
    ttlMs: ttl,
    clock: systemClock,
    sign: (payload) => Buffer.from(JSON.stringify(payload)),
    verify: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
    isAlive,
    what: 'prune',
    ...more,
  });

  async function child(keep: boolean, ttlMs = ttl) {
    const script = join(import.meta.dirname, '../support/lease-child.ts');
    const address = { type: 'disk', path };
    const process_ = spawn(process.execPath, [script, JSON.stringify({ address, keep, ttlMs })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(process_, 'close');
    const [line] = await once(process_.stdout, 'data');
    expect(String(line).trim()).toBe('1');
    return { pid: process_.pid!, kill: (signal: NodeJS.Signals) => process_.kill(signal), ended };
  }

  it('a killed one is succeeded at once, a live one is not', async () => {
    const holder = await child(true, 800);
    try {
      const refusal = await takeLease(own({ ttlMs: 800 })).catch((error) => error);
      expect(refusal).toEqual(held);
      expect(refusal.message).toContain(`backup on child, process ${holder.pid}`);
    } finally {
      holder.kill('SIGKILL');
    }
    await holder.ended;
    const begun = performance.now();
    const lease = await takeLease(own());
    expect(performance.now() - begun).toBeLessThan(ttl / 12);
    expect(lease.number).toBe(2);
    await lease.assertHeld();
    await lease.release();
  });

  it('a stopped one is succeeded after a TTL, and told when it goes on', async () => {
    const lost = await child(true, 1000);
    try {
      lost.kill('SIGSTOP');
      // Until the end that it stated last it might be between two heartbeats, and others are turned away at once.
      await new Promise((resolve) => setTimeout(resolve, 1200));
      const lease = await takeLease(own({ ttlMs: 1000 }));
      expect(lease.number).toBe(2);
      lost.kill('SIGCONT');
      await new Promise((resolve) => setTimeout(resolve, 500));
      await lease.assertHeld();
      expect(numbers()).toEqual([2]);
      await lease.release();
    } finally {
      lost.kill('SIGKILL');
      await lost.ended;
    }
  });

  it('the heartbeat keeps no process alive', async () => {
    const holder = await child(false, 600_000);
    const [status] = await holder.ended;
    expect(status).toBe(0);
  });
});

describe('isAlive', () => {
  const self = thisProcess('here');

  it('knows this process, by a name of its own', () => {
    expect(isAlive(self)).toBe(true);
    expect(thisProcess('here')).toEqual(self);
    expect(self).toMatchObject({ host: 'here', pid: process.pid, process: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });

  it('does not take a recycled pid for the process that had it', () => {
    expect(isAlive({ ...self, startedAt: String(Number(self.startedAt) - 1) })).toBe(false);
  });

  it('tells a dead process, one that nobody has waited for included', async () => {
    // It ends after the exec: a shell might have waited for it.
    const zombie = spawn('sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [line] = await once(zombie.stdout, 'data');
      const pid = Number(line);
      const { startedAt, ...rest } = self;
      await expect.poll(() => stateOf(pid), { timeout: 20_000 }).toBe('Z');
      expect(isAlive({ ...rest, pid, startedAt: startedAtOf(pid) })).toBe(false);
      const sleeper = { ...rest, pid: zombie.pid!, startedAt: startedAtOf(zombie.pid!) };
      expect(isAlive(sleeper)).toBe(true);
      const closed = once(zombie, 'close');
      zombie.kill('SIGKILL');
      await closed;
      expect(isAlive(sleeper)).toBe(false);
    } finally {
      zombie.kill('SIGKILL');
    }
  });

  it('cannot tell of another machine, another boot, another container, or nonsense', () => {
    const [boot, namespace] = self.bootId.split('.');
    expect(boot).toMatch(/^[0-9a-f-]{36}$/);
    expect(namespace).toMatch(/^\d+$/);
    expect(isAlive({ ...self, bootId: 'another' })).toBeUndefined();
    expect(isAlive({ ...self, bootId: `${boot}.1` })).toBeUndefined();
    expect(isAlive({ ...self, startedAt: '' })).toBeUndefined();
    for (const pid of [0, -1, -999_999_999, 1.5, Number.NaN]) expect(isAlive({ ...self, pid })).toBeUndefined();
  });
});

function fieldsOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
}

function stateOf(pid: number): string {
  return fieldsOf(pid)[0]!;
}

function startedAtOf(pid: number): string {
  return fieldsOf(pid)[19]!;
}
