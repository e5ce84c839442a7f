/** Leases when others interfere, sites fail and answers come late. */
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/base/errors.ts';
import { takeLease } from '../../src/repository/lease.ts';
import {
  arbiter,
  disk,
  held,
  Machine,
  numbers,
  outcome,
  prefix,
  rest,
  settings,
  signWith,
  source,
  stored,
  ttl,
  unwatched,
  useArbiter,
} from '../support/lease-bench.ts';

const noSite = expect.objectContaining({ name: 'HoldfastError', code: 'site-unavailable' });
const down = () => new HoldfastError('site-unavailable', 'The site is down.');

useArbiter();

describe('an object nobody trusted has signed', () => {
  const valid = {
    kind: 'lease',
    source,
    lease: 3,
    holder: { host: 'h', process: 'p', pid: 1, bootId: 'b', startedAt: '1' },
    what: 'backup',
    claim: 'c',
    beat: 1,
    taken: 't',
    until: 'u',
    released: true,
  };
  const trusted = signWith('trusted');
  const cases: [string, Uint8Array][] = [
    ['empty', new Uint8Array()],
    ['garbage', Buffer.from('\0garbage')],
    ['signed by a stranger', signWith('stranger')(valid)],
    ['signed for another source', trusted({ ...valid, source: 's2' })],
    ['copied from another number', trusted({ ...valid, lease: 2 })],
    ['of another kind', trusted({ ...valid, kind: 'tombstone' })],
    ['without a holder', trusted({ ...valid, holder: null })],
    ['with a name that would upset a terminal', trusted({ ...valid, holder: { ...valid.holder, host: '\u001b[2J' } })],
    ['with half a holder', trusted({ ...valid, holder: { host: 'h' } })],
    ['that does not say whether it is released', trusted({ ...valid, released: 'yes' })],
  ];

  it('is taken at its word when it is what it should be', async () => {
    await disk.create(`${prefix}3`, trusted(valid));
    const lease = await takeLease(settings(new Machine('web1')));
    expect(lease.number).toBe(4);
    await lease.release();
  });

  it.each(cases)('counts as held by somebody unknown for a TTL: %s', async (_, bytes) => {
    await disk.create(`${prefix}3`, bytes);
    const machine = new Machine('web1');
    const claim = outcome(machine, takeLease(settings(machine, { isAlive: () => false })));
    await machine.run(ttl - 1);
    expect(claim).toEqual({});
    await machine.run(1);
    expect(claim.value?.number).toBe(4);
    await claim.value!.release();
  });

  it('turns claimants away while it changes', async () => {
    await disk.create(`${prefix}3`, Buffer.from('garbage'));
    const machine = new Machine('web1');
    const claim = outcome(machine, takeLease(settings(machine)));
    await machine.run(ttl / 2);
    await disk.replace(`${prefix}3`, signWith('stranger')(valid));
    await machine.run(ttl / 12);
    expect(claim.error).toEqual(held);
    expect(claim.error!.why).toContain('not signed');
  });
});

describe('races', () => {
  it('are lost by one who creates a number that others have used and removed meanwhile', async () => {
    const [web1, web2, web3] = [new Machine('web1'), new Machine('web2'), new Machine('web3')];
    await (await takeLease(settings(web1))).release();
    let third: Awaited<ReturnType<typeof takeLease>> | undefined;
    const late = arbiter(async (operation) => {
      if (operation !== 'create' || third) return;
      await (await takeLease(settings(web2))).release();
      third = await takeLease(settings(web3));
      expect(numbers()).toEqual([3]);
    });
    const claim = takeLease(settings(web1, { site: late }));
    await expect(claim).rejects.toEqual(
      expect.objectContaining({ code: 'lease-held', message: expect.stringContaining('web3') }),
    );
    expect(numbers()).toEqual([3]);
    await third!.assertHeld();
    await third!.release();
  });

  it('are not lost to oneself: a create whose answer was lost is found to be ours', async () => {
    const site = arbiter();
    const { create } = site;
    site.create = async (name, body) => {
      await create(name, body);
      return create(name, body);
    };
    const lease = await takeLease(settings(new Machine('web1'), { site }));
    expect(lease.held).toBe(true);
    await lease.release();
  });

  it('end, also when the highest lease keeps vanishing', async () => {
    const site = arbiter();
    site.list = async function* () {
      yield { name: `${prefix}9`, size: 1 };
    };
    await expect(takeLease(settings(new Machine('web1'), { site }))).rejects.toEqual(held);
  });
});

describe('a site in trouble', () => {
  it('is reported when the lease cannot be taken', async () => {
    for (const broken of ['list', 'create'] as const) {
      const site = arbiter((operation) => {
        if (operation === broken) throw down();
      });
      await expect(takeLease(settings(new Machine('web1'), { site }))).rejects.toEqual(noSite);
    }
  });

  it('leaves no lease behind when it fails after the create', async () => {
    let created = false;
    const site = arbiter((operation) => {
      if (operation === 'create') created = true;
      else if (operation === 'list' && created) {
        created = false;
        throw down();
      }
    });
    await expect(takeLease(settings(new Machine('web1'), { site }))).rejects.toEqual(noSite);
    expect(await stored(1)).toMatchObject({ released: true });
  });

  it.each(['replace', 'list'] as const)(
    'costs the lease after a TTL without a heartbeat, for good (%s)',
    async (broken) => {
      let works = true;
      const site = arbiter((operation) => {
        if (operation === broken && !works) throw down();
      });
      const machine = new Machine('web1');
      const lease = await takeLease(settings(machine, { site }));
      await machine.run(ttl / 4);
      works = false;
      await machine.run(ttl - 1);
      expect(lease.held).toBe(true);
      await machine.run(1);
      expect(lease.held).toBe(false);
      works = true;
      await machine.run(ttl);
      expect(lease.held).toBe(false);
      await expect(lease.assertHeld()).rejects.toEqual(held);
      expect(await stored(1)).toMatchObject({ beat: 1 });
      // Nobody has taken over: the next one need not wait.
      await lease.release();
      expect(await stored(1)).toMatchObject({ released: true });
    },
  );

  it('is got over when it lasts less than a TTL', async () => {
    let works = true;
    const site = arbiter(() => {
      if (!works) throw down();
    });
    const machine = new Machine('web1');
    const lease = await takeLease(settings(machine, { site }));
    works = false;
    await machine.run(0.9 * ttl);
    await expect(lease.assertHeld()).rejects.toEqual(noSite);
    works = true;
    expect(lease.held).toBe(true);
    await lease.assertHeld();
    await machine.run(2 * ttl);
    expect(lease.held).toBe(true);
    await lease.assertHeld();
    await lease.release();
  });

  it('that answers too late costs the lease: another may have begun', async () => {
    const machine = new Machine('web1');
    const site = arbiter((operation) => {
      if (operation === 'replace') machine.skip(ttl);
    });
    const lease = await takeLease(settings(machine, { site }));
    await machine.run(ttl / 4);
    expect(lease.held).toBe(false);
    await lease.release();
  });

  it('does not give a lease back that was lost, when a late heartbeat arrives', async () => {
    const machine = new Machine('web1');
    let open = () => {};
    const site = arbiter(async (operation) => {
      if (operation !== 'replace') return;
      await unwatched(
        new Promise<void>((resolve) => {
          open = resolve;
        }),
      );
    });
    const lease = await takeLease(settings(machine, { site }));
    await machine.run(ttl);
    expect(lease.held).toBe(false);
    open();
    await rest();
    expect(await stored(1)).toMatchObject({ beat: 1 });
    expect(lease.held).toBe(false);
    const release = lease.release();
    await rest();
    open();
    await release;
  });

  it('does not make release fail', async () => {
    let works = true;
    const site = arbiter(() => {
      if (!works) throw down();
    });
    const lease = await takeLease(settings(new Machine('web1'), { site }));
    works = false;
    await lease.release();
    await lease.release();
    expect(lease.held).toBe(false);
  });
});

it('release waits for a heartbeat under way, which would undo it', async () => {
  const machine = new Machine('web1');
  let open = () => {};
  let stuck = false;
  const site = arbiter(async (operation) => {
    if (operation !== 'replace' || stuck) return;
    stuck = true;
    await unwatched(
      new Promise<void>((resolve) => {
        open = resolve;
      }),
    );
  });
  const lease = await takeLease(settings(machine, { site }));
  await machine.run(ttl / 4);
  expect(stuck).toBe(true);
  const release = lease.release();
  await rest();
  expect(await stored(1)).toMatchObject({ beat: 0, released: false });
  open();
  await release;
  expect(await stored(1)).toMatchObject({ released: true });
  await expect(lease.assertHeld()).rejects.toEqual(held);
});
