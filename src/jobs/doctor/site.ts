import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, isoTime } from '../../base/clock.ts';
import { HoldfastError, isHoldfastError } from '../../base/errors.ts';
import { probePrefix } from '../../repository/layout.ts';
import type { Site } from '../../sites/site.ts';
import { judgeClock } from './clocks.ts';
import { examine, type Finding, type Findings } from './finding.ts';

/** Creators of one name at the same time. */
const racers = 4;
/** A probe this old was left by a doctor that was killed; younger ones may belong to one that runs. */
const staleMs = 3600_000;

/**
 * Tries at a site, for real, everything that other commands rely on. What it writes lies under one prefix that nothing
 * else reads, and is removed again, come what may.
 *
 * @param path of the directory, where it is one: its file times are looked at too
 */
export async function probeSite(
  site: Site,
  clock: Clock,
  path: string | undefined,
  signal: AbortSignal,
): Promise<Finding[]> {
  const name = `${probePrefix}${randomBytes(16).toString('hex')}`;
  const list: Finding[] = [];
  const step = async (check: (findings: Findings) => Promise<void>) => {
    const found = await examine('sites', site.name, check, signal);
    list.push(...found);
    return found.every(({ status }) => status !== 'problem');
  };
  let written = false;
  try {
    written = await step((findings) => writeOnce(site, name, body(clock, 'first'), findings));
    if (written) {
      await step((findings) => readBack(site, name, clock, findings));
      if (path !== undefined) {
        const clocks = (findings: Findings) => examineTimes(join(path, name), clock, findings);
        list.push(...(await examine('clocks', site.name, clocks, signal)));
      }
      await step((findings) => race(site, `${name}-race`, clock, findings));
    }
  } finally {
    const names = [name, `${name}-race`];
    if (written) await step((findings) => cleanUp(site, names, clock, findings));
    // A create that failed may have left the object whole.
    else for (const left of names) await site.remove(left).catch(() => {});
  }
  return list;
}

/** What a probe holds: when it was written, so that a later doctor can tell an old one. */
function body(clock: Clock, text: string): Buffer {
  return Buffer.from(`${JSON.stringify({ probe: isoTime(clock.now()), text })}\n`);
}

async function writeOnce(site: Site, name: string, first: Buffer, findings: Findings): Promise<void> {
  if ((await site.create(name, first)) !== 'created') throw broken(site, 'a name that nobody has used exists already');
  if ((await site.create(name, Buffer.from('second'))) !== 'exists') {
    throw broken(site, 'what exists can be created once more');
  }
  if (!(await site.read(name)).equals(first)) throw broken(site, 'a refused create changed what was there');
  findings.ok('Objects can be written, and what exists is not written over.');
}

async function readBack(site: Site, name: string, clock: Clock, findings: Findings): Promise<void> {
  const replaced = body(clock, 'replaced');
  const { length } = await site.read(name);
  if ((await site.stat(name))?.size !== length) throw broken(site, 'the size of an object is told wrongly');
  if ((await site.read(name, { offset: 2, length: 5 })).toString() !== 'probe')
    throw broken(site, 'a range comes wrong');
  let listed = 0;
  for await (const object of site.list(probePrefix)) if (object.name === name) listed++;
  if (listed !== 1) throw broken(site, `an object is listed ${listed} times`);
  await site.replace(name, replaced);
  if (!(await site.read(name)).equals(replaced)) throw broken(site, 'what was replaced comes back as it was');
  findings.ok('Objects can be read whole and in parts, listed and replaced.');
}

async function race(site: Site, name: string, clock: Clock, findings: Findings): Promise<void> {
  if (site.capabilities?.conditionalCreate === false) {
    const hint = 'Let another site hold the leases: the first in the configuration that can.';
    return findings.warn('Of several who create one name at once, several may succeed here: it holds no leases.', {
      why: 'Then two backups of one source at the same time do the same work twice. What is stored stays right.',
      hint,
    });
  }
  const bodies = Array.from({ length: racers }, (_, i) => body(clock, `racer ${i}`));
  const outcomes = await Promise.all(bodies.map((bytes) => site.create(name, bytes)));
  const winners = bodies.filter((_, i) => outcomes[i] === 'created');
  if (winners.length !== 1) throw broken(site, `${winners.length} of ${racers} who create one name at once succeed`);
  if (!(await site.read(name)).equals(winners[0]!)) throw broken(site, 'of several who create one name, a loser wins');
  findings.ok('Of several who create one name at once, exactly one does.');
}

async function cleanUp(site: Site, names: readonly string[], clock: Clock, findings: Findings): Promise<void> {
  for (const name of names) {
    if (!(await mayRemove(site, name))) {
      findings.ok('These credentials cannot remove objects, as it should be for a backup. Trial objects stay.');
      return;
    }
    if ((await site.stat(name)) !== undefined) throw broken(site, 'what was removed is still there');
  }
  for await (const { name } of site.list(probePrefix)) {
    const bytes = await site.read(name).catch(() => undefined);
    const written = bytes && /"probe":"([^"]+)"/.exec(bytes.toString('utf8'))?.[1];
    if (!written || clock.now() - Date.parse(written) > staleMs) await site.remove(name);
  }
  findings.ok('Objects can be removed.');
}

/** @returns false where the site refuses it, and is there otherwise */
async function mayRemove(site: Site, name: string): Promise<boolean> {
  try {
    await site.remove(name);
    return true;
  } catch (error) {
    if (!site.versions || !isHoldfastError(error, 'site-unavailable')) throw error;
    if ((await site.stat(name)) === undefined) throw error;
    return false;
  }
}

async function examineTimes(file: string, clock: Clock, findings: Findings): Promise<void> {
  const { mtimeMs } = await stat(file);
  judgeClock(findings, 'the site', mtimeMs, clock.now());
}

function broken(site: Site, how: string): HoldfastError {
  return new HoldfastError('site-unavailable', `The site "${site.name}" does not keep what a site must: ${how}.`, {
    hint: 'Do not trust it with backups; use another kind of storage.',
  });
}
