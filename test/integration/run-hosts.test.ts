/** One configuration, several hosts: each source is done once for a slot, also when a host dies over it. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { signEnvelope } from '../../src/crypt/dsse.ts';
import { type RunReport, type RunRequest, runJob } from '../../src/jobs/run.ts';
import { SourceLayout } from '../../src/repository/layout.ts';
import { takeLease } from '../../src/repository/lease.ts';
import { thisProcess } from '../../src/repository/lease-holder.ts';
import type { Site } from '../../src/sites/site.ts';
import { clockAt, parties, RepositoryFixture } from '../support/repository-fixture.ts';

const names = ['one', 'two', 'three', 'four'];
const slot = Date.parse('2026-11-24T04:00Z');
let fixture: RepositoryFixture;

beforeEach(async () => {
  fixture = new RepositoryFixture();
  await fixture.init();
  for (const name of names) {
    mkdirSync(join(fixture.directory, name));
    writeFileSync(join(fixture.directory, name, 'file'), name);
  }
});
afterEach(() => rmSync(fixture.directory, { recursive: true, force: true }));

type Host = 'web1' | 'web2';

async function runOn(host: Host, at: string, more: Partial<RunRequest> = {}, site?: Site): Promise<RunReport> {
  const access = await fixture.access({
    host: parties[host],
    machine: host,
    clock: clockAt(Date.parse(at)),
    ...(site && { site }),
  });
  return runJob(access, {
    job: 'daily',
    slot,
    force: false,
    backup: names.map((name) => ({
      name,
      type: 'files' as const,
      settings: async () => ({
        name,
        type: 'files' as const,
        path: join(fixture.directory, name),
        exclude: [],
        oneFileSystem: false,
      }),
    })),
    sources: async () => names,
    env: {},
    leaseTtlMs: 2000,
    ...more,
  });
}

/** Sources that a host backed up itself. */
const own = ({ backup }: RunReport) => backup!.sources.filter(({ already }) => !already).map(({ source }) => source);

it('two hosts share the sources, and each tells what the other did', async () => {
  const [first, second] = await Promise.all([
    runOn('web1', '2026-11-24T04:00:10Z'),
    runOn('web2', '2026-11-24T04:00:10Z'),
  ]);
  expect([...own(first), ...own(second)].sort()).toEqual([...names].sort());
  for (const [report, other] of [
    [first, 'web2'],
    [second, 'web1'],
  ] as const) {
    expect(report.outcome).toBe('done');
    for (const { already, snapshot } of report.backup!.sources) {
      expect(snapshot).toBeDefined();
      if (already) expect(already.host).toBe(other);
    }
  }
}, 30_000);

it('looks again once it has the lease: another host may have been through in between', async () => {
  const { site } = await fixture.access();
  let others: RunReport | undefined;
  // The other host does everything after this one has looked and before it takes its first lease.
  const raced = new Proxy(site, {
    get(target, key) {
      if (key === 'list') {
        return async function* (prefix: string) {
          if (prefix.endsWith('/leases/') && !others) others = await runOn('web2', '2026-11-24T04:00:10Z');
          yield* target.list(prefix);
        };
      }
      const value = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const report = await runOn('web1', '2026-11-24T04:00:20Z', {}, raced);
  expect(own(others!)).toHaveLength(4);
  expect(own(report)).toEqual([]);
  expect(report).toMatchObject({ outcome: 'done', already: true });
}, 30_000);

it('the next slot is another day, and what was made just before it does not count', async () => {
  expect(own(await runOn('web1', '2026-11-24T04:00:10Z'))).toHaveLength(4);
  expect(own(await runOn('web2', '2026-11-25T03:59:00Z'))).toEqual([]);
  const next = slot + 86_400_000;
  expect(own(await runOn('web2', '2026-11-25T04:00:10Z', { slot: next }))).toHaveLength(4);
  expect(own(await runOn('web1', '2026-11-25T04:01:00Z', { slot: next }))).toEqual([]);
}, 30_000);

it('a snapshot from a clock that is far ahead keeps nobody from their backup', async () => {
  await runOn('web2', '2031-01-01T00:00Z');
  const report = await runOn('web1', '2026-11-24T04:00:10Z');
  expect(own(report)).toHaveLength(4);
  expect(fixture.events).toContainEqual(
    expect.objectContaining({ type: 'warning', hint: 'Look at the clock of web2.', source: 'one' }),
  );
}, 30_000);

it('what a host that fell silent was at is done after its lease, and not before', async () => {
  const silent = await fixture.access({ host: parties.web2 });
  const { id, leases } = new SourceLayout(silent.trust.sourceId('two'));
  const ttlMs = 2000;
  // As a host that took the lease and lost its power: nothing is ever heard of it again.
  await takeLease({
    site: silent.site,
    source: id,
    prefix: leases,
    holder: { ...thisProcess('web2'), bootId: 'another machine' },
    ttlMs,
    clock: { ...systemClock, sleep: () => new Promise(() => {}) },
    sign: (payload) =>
      signEnvelope(
        { ...payload, kind: 'lease', repository: silent.trust.repositoryId, source: id, signer: 'web2' },
        parties.web2,
      ),
    verify: () => undefined,
    what: 'backup',
  });
  const begun = performance.now();
  const report = await runOn('web1', '2026-11-24T04:00:10Z');
  expect(performance.now() - begun).toBeGreaterThan(ttlMs - 50);
  expect(own(report)).toHaveLength(4);
  expect(report.outcome).toBe('done');
}, 30_000);

it('a source whose password cannot be had fails alone', async () => {
  const report = await runOn('web1', '2026-11-24T04:00:10Z', {
    backup: names.map((name) => ({
      name,
      type: 'files' as const,
      settings: async () => {
        if (name === 'two') throw new Error('no password');
        return { name, type: 'files' as const, path: join(fixture.directory, name), exclude: [], oneFileSystem: false };
      },
    })),
  });
  expect(report).toMatchObject({ outcome: 'partial', retry: true });
  expect(report.backup!.sources.map(({ source, outcome }) => `${source} ${outcome}`)).toEqual([
    'one done',
    'two failed',
    'three done',
    'four done',
  ]);
}, 30_000);
