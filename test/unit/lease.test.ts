import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import { type LeaseSettings, takeLease } from '../../src/repository/lease.ts';
import {
  arbiter,
  disk,
  held,
  Machine,
  noDelete,
  numbers,
  outcome,
  prefix,
  rest,
  settings,
  source,
  stored,
  ttl,
  useArbiter,
} from '../support/lease-bench.ts';

useArbiter();

describe('a free source', () => {
  it('gives lease 1, which says who, what, since when', async () => {
    const lease = await takeLease(settings(new Machine('web1')));
    expect(lease.number).toBe(1);
    expect(lease.held).toBe(true);
    await lease.assertHeld();
    expect(await stored(1)).toEqual({
      kind: 'lease',
      source,
      lease: 1,
      holder: { host: 'web1', process: 'p-web1', pid: 4711, bootId: 'web1', startedAt: '1' },
      what: 'backup',
      claim: expect.stringMatching(/^[0-9a-f]{32}$/),
      beat: 0,
      taken: '2026-11-22T10:00:00.000Z',
      until: '2026-11-22T10:01:00.000Z',
      released: false,
    });
    await lease.release();
  });

  it('is what release leaves, at once, and numbers rise', async () => {
    const machine = new Machine('web1');
    for (let number = 1; number <= 12; number++) {
      await using lease = await takeLease(settings(machine));
      expect(lease.number).toBe(number);
      expect(numbers()).toEqual([number]);
    }
    expect(await stored(12)).toMatchObject({ released: true });
    expect(machine.time).toBe(5);
  });

  it('needs no right to delete', async () => {
    const machine = new Machine('web1');
    for (let number = 1; number <= 11; number++) {
      const lease = await takeLease(settings(machine, { site: noDelete() }));
      expect(lease.number).toBe(number);
      await machine.run(ttl);
      await lease.assertHeld();
      await lease.release();
      expect(await stored(number)).toMatchObject({ released: true });
    }
    expect(numbers()).toHaveLength(11);
    // Somebody who may delete tidies up.
    const lease = await takeLease(settings(machine));
    expect(numbers()).toEqual([12]);
    await lease.release();
  });

  it('goes to one of many claimants', async () => {
    const claims = Array.from({ length: 8 }, (_, i) => takeLease(settings(new Machine(`web${i}`))));
    const results = await Promise.allSettled(claims);
    const taken = results.filter((result) => result.status === 'fulfilled');
    expect(taken).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toEqual(held);
    await taken[0]!.value.release();
  });

  it('is looked for among objects that are no leases', async () => {
    for (const name of ['0', '007', 'x', '-1', '1e3', '9'.repeat(40), '5/6']) await disk.create(prefix + name, []);
    const lease = await takeLease(settings(new Machine('web1')));
    expect(lease.number).toBe(1);
    await lease.release();
  });
});

describe('a held lease', () => {
  it('is rewritten four times in a TTL, with a rising beat and a later end', async () => {
    const machine = new Machine('web1');
    const lease = await takeLease(settings(machine));
    for (let beat = 1; beat <= 8; beat++) {
      await machine.run(ttl / 4);
      expect(await stored(1)).toMatchObject({
        beat,
        taken: '2026-11-22T10:00:00.000Z',
        until: new Date(machine.wall + ttl).toISOString(),
      });
    }
    expect(lease.held).toBe(true);
    await lease.release();
    await machine.run(ttl);
    expect(await stored(1)).toMatchObject({ beat: 9, released: true });
  });

  it('turns others away as soon as its heart is seen to beat, naming the holder', async () => {
    const [web1, web2] = [new Machine('web1'), new Machine('web2', 777)];
    const lease = await takeLease(settings(web1, { what: 'prune' }));
    const claim = outcome(web2, takeLease(settings(web2)));
    await web2.run(ttl / 4);
    expect(claim).toEqual({});
    await web1.run(ttl / 4);
    await web2.run(ttl / 12);
    expect(claim.error).toEqual(held);
    expect(claim.at! - 777).toBeLessThanOrEqual(ttl / 4 + ttl / 12);
    const text = `${claim.error!.message} ${claim.error!.why}`;
    for (const word of ['web1', '4711', 'prune', '2026-11-22T10:00:00.000Z', '2026-11-22T10:01:15.000Z'])
      expect(text).toContain(word);
    expect(claim.error!.hint).toContain('1 min 0 s');
    expect(numbers()).toEqual([1]);
    await lease.release();
  });

  it('that is released while another waits is his at once', async () => {
    const [web1, web2] = [new Machine('web1'), new Machine('web2')];
    const lease = await takeLease(settings(web1));
    const claim = outcome(web2, takeLease(settings(web2)));
    await web2.run(ttl / 4);
    await lease.release();
    await web2.run(ttl / 12);
    expect(claim.value?.number).toBe(2);
    await claim.value!.release();
  });

  it('that is succeeded while another waits turns him away', async () => {
    const [web1, web2, web3] = [new Machine('web1'), new Machine('web2'), new Machine('web3')];
    const first = await takeLease(settings(web1));
    const claim = outcome(web2, takeLease(settings(web2)));
    await web2.run(ttl / 4);
    await first.release();
    const second = await takeLease(settings(web3));
    expect(numbers()).toEqual([2]);
    await web2.run(ttl / 12);
    await web3.run(ttl / 4);
    await web2.run(ttl / 12);
    expect(claim.error).toEqual(held);
    expect(claim.error!.message).toContain('web3');
    expect(second.held).toBe(true);
    await second.release();
  });
});

describe('a silent holder on another machine', () => {
  it.each(['2000-01-01T00:00:00Z', '2099-01-01T00:00:00Z'])(
    'is succeeded after one TTL on the claimant’s monotonic clock, not before, though its own clock says %s',
    async (wrong) => {
      const [web1, web2] = [new Machine('web1'), new Machine('web2', 9999)];
      web1.wall = Date.parse(wrong);
      const first = await takeLease(settings(web1));
      const claim = outcome(web2, takeLease(settings(web2)));
      await web2.run(ttl - 1);
      expect(claim).toEqual({});
      expect(numbers()).toEqual([1]);
      await web2.run(1);
      expect(claim).toMatchObject({ at: 9999 + ttl, value: { number: 2, held: true } });
      expect(numbers()).toEqual([2]);
      await claim.value!.release();
      await first.release();
    },
  );

  it('has one successor of two who wait', async () => {
    const [web1, web2, web3] = [new Machine('web1'), new Machine('web2'), new Machine('web3')];
    await takeLease(settings(web1));
    const claims = [outcome(web2, takeLease(settings(web2))), outcome(web3, takeLease(settings(web3)))];
    await Promise.all([web2.run(ttl), web3.run(ttl)]);
    await rest();
    // The one who came second may find the first one's object silent so far, and look on for a beat.
    await Promise.all([web2.run(ttl / 2), web3.run(ttl / 2)]);
    expect(claims.filter((claim) => claim.value?.held)).toHaveLength(1);
    const loser = claims.find((claim) => claim.error);
    expect(loser?.error).toEqual(held);
    await claims.find((claim) => claim.value)!.value!.release();
  });

  it('is not succeeded by a claimant who slept, when it had beaten meanwhile', async () => {
    const [web1, web2] = [new Machine('web1'), new Machine('web2')];
    const lease = await takeLease(settings(web1));
    const claim = outcome(web2, takeLease(settings(web2)));
    await rest();
    await web1.run(ttl / 4);
    web2.skip(10 * ttl);
    await web2.run(0);
    expect(claim.error).toEqual(held);
    await lease.release();
  });

  it('is given its TTL by a claimant whose looks take long', async () => {
    const [web1, web2] = [new Machine('web1'), new Machine('web2')];
    const lease = await takeLease(settings(web1));
    const site = arbiter((operation) => {
      if (operation === 'read') web2.skip(ttl);
    });
    const claim = outcome(web2, takeLease(settings(web2, { site })));
    await rest();
    // The first look is over, the second one was asked a twelfth of a TTL after it.
    await web2.run(ttl / 12);
    expect(claim).toEqual({});
    expect(numbers()).toEqual([1]);
    await web2.run(ttl);
    expect(claim.value?.number).toBe(2);
    await claim.value!.release();
    await lease.release();
  });

  it('lets its claimant be interrupted', async () => {
    const [web1, web2] = [new Machine('web1'), new Machine('web2')];
    const lease = await takeLease(settings(web1));
    const controller = new AbortController();
    const claim = outcome(web2, takeLease(settings(web2, { signal: controller.signal })));
    await web2.run(ttl / 2);
    controller.abort(new HoldfastError('interrupted', 'Stopped.'));
    await rest();
    expect(claim.error).toMatchObject({ code: 'interrupted' });
    expect(numbers()).toEqual([1]);
    await lease.release();
  });

  it('finds out when it wakes, and does no harm then', async () => {
    const [web1, web2] = [new Machine('web1'), new Machine('web2')];
    const lost = await takeLease(settings(web1));
    const claim = outcome(web2, takeLease(settings(web2)));
    await web2.run(ttl);
    const lease = claim.value!;
    // Its clock stood still with it, as after a suspended machine: only the site can tell it.
    expect(lost.held).toBe(true);
    await expect(lost.assertHeld()).rejects.toEqual(
      expect.objectContaining({ code: 'lease-held', why: expect.stringContaining('web2') }),
    );
    expect(lost.held).toBe(false);
    await web1.run(2 * ttl);
    await lost.release();
    expect(lost.held).toBe(false);
    expect(numbers()).toEqual([2]);
    await lease.assertHeld();
    expect(await stored(2)).toMatchObject({ released: false });
    await lease.release();
  });

  it('notices with its next heartbeat too, and stops', async () => {
    const [web1, web2] = [new Machine('web1'), new Machine('web2')];
    const operations: string[] = [];
    const site = arbiter((operation) => void operations.push(operation));
    const lost = await takeLease(settings(web1, { site }));
    const claim = outcome(web2, takeLease(settings(web2, { site: noDelete() })));
    await web2.run(ttl);
    operations.length = 0;
    await web1.run(ttl / 4);
    expect(lost.held).toBe(false);
    await web1.run(ttl);
    expect(operations).toEqual(['list']);
    expect(await stored(1)).toMatchObject({ beat: 0 });
    await claim.value!.release();
  });
});

describe('a holder on the same machine', () => {
  const neighbour = (machine: Machine, alive: boolean | undefined): LeaseSettings =>
    settings(machine, {
      isAlive: (holder) => {
        expect(holder).toMatchObject({ host: 'web1', pid: 4711, bootId: 'web1', startedAt: '1' });
        return alive;
      },
    });

  it('is succeeded at once when its process is dead', async () => {
    await takeLease(settings(new Machine('web1')));
    const machine = new Machine('web1');
    const lease = await takeLease(neighbour(machine, false));
    expect(lease.number).toBe(2);
    expect(machine.time).toBe(5);
    expect(numbers()).toEqual([2]);
    await lease.release();
  });

  it('is reported at once when its process lives and has beaten in time', async () => {
    await takeLease(settings(new Machine('web1')));
    const machine = new Machine('web1');
    await expect(takeLease(neighbour(machine, true))).rejects.toEqual(held);
    expect(machine.time).toBe(5);
    expect(numbers()).toEqual([1]);
  });

  it.each([true, undefined])('is given a TTL when its process may hang (alive: %s)', async (alive) => {
    await takeLease(settings(new Machine('web1')));
    const machine = new Machine('web1');
    machine.wall += 2 * ttl;
    const claim = outcome(machine, takeLease(neighbour(machine, alive)));
    await machine.run(ttl - 1);
    expect(claim).toEqual({});
    await machine.run(1);
    expect(claim.value?.number).toBe(2);
    await claim.value!.release();
  });

  it('is not mistaken for one after a reboot, or on another machine', async () => {
    await takeLease(settings(new Machine('web1')));
    const machine = new Machine('web2');
    const claim = outcome(machine, takeLease(neighbour(machine, false)));
    await machine.run(ttl - 1);
    expect(claim).toEqual({});
    await machine.run(1);
    await claim.value!.release();
  });
});
