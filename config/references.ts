/**
 * What no single section can tell: names given twice, references to nothing, sources that nobody could restore. It
 * looks at the file as it was written, so that these are reported together with whatever else is wrong.
 */
import { systemClock } from '../src/base/clock.ts';
import { parsePublicLine } from '../src/crypt/parties.ts';
import { clusterOf, databaseOf } from '../src/repository/source-name.ts';
import { type Finding, isShowable, type PathSegment } from './problems.ts';
import { proofFindings } from './proof-references.ts';
import { defaultJobsFor, defaultSchedule } from './rotation.ts';
import { didYouMean } from './suggestion.ts';

type Mapping = Readonly<Record<string, unknown>>;
interface Entry {
  path: PathSegment[];
  value: Mapping;
}

/** Findings on `raw`, which may be any value at all. */
export async function checkReferences(raw: unknown): Promise<Finding[]> {
  const config = mapping(raw);
  return [
    ...duplicates(entries(config, 'sources'), 'source'),
    ...duplicates(entries(config, 'sites'), 'site'),
    ...duplicates(entries(config, 'notify'), 'hook'),
    ...hookedJobs(config),
    ...partiesFindings(config),
    ...sourceReferences(config),
    ...unopenedSources(config),
    ...doubledPasswords(config),
    ...missingDatabases(config),
    ...proofFindings(config),
    ...(await schedules(config)),
  ];
}

function duplicates(all: readonly Entry[], what: string): Finding[] {
  const seen = new Set<string>();
  return all.flatMap(({ path, value: { name } }) => {
    if (typeof name !== 'string') return [];
    const again = seen.has(name);
    seen.add(name);
    return again ? [{ path: [...path, 'name'], message: `another ${what} has this name` }] : [];
  });
}

/** Names become object names on every site, and a key that two parties share would have both their roles. */
function partiesFindings(config: Mapping): Finding[] {
  const host = mapping(config.host);
  const all: Entry[] = [{ path: ['host'], value: host }, ...entries(config, 'owners'), ...entries(config, 'hosts')];
  const names = new Set<string>();
  const keys = new Set<string>();
  const findings: Finding[] = [];
  for (const { path, value } of all) {
    const party = publicPartyOf(value.public);
    if (!party) continue;
    const at = [...path, 'public'];
    if (names.has(party.name)) findings.push({ path: at, message: 'another party has this name' });
    else if (keys.has(party.recipient) || keys.has(party.publicSigningKey)) {
      findings.push({ path: at, message: 'another party has the same key under another name; each needs its own' });
    }
    names.add(party.name);
    keys.add(party.recipient).add(party.publicSigningKey);
  }
  const own = publicPartyOf(host.public);
  if (own && typeof host.name === 'string' && host.name !== own.name) {
    findings.push({ path: ['host', 'name'], message: 'expected the first word of `host.public`, or no name here' });
  }
  return findings;
}

function publicPartyOf(line: unknown): ReturnType<typeof parsePublicLine> | undefined {
  try {
    return typeof line === 'string' ? parsePublicLine(line) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Other hosts' sources are not among them: those may be known to that host alone, and a typo there only makes this one
 * trust less. A typo in an owner's would leave somebody without a key, and nobody would notice.
 */
function sourceReferences(config: Mapping): Finding[] {
  const known = sourceNames(config);
  const clusters = clusterNames(config);
  // A database of a cluster need not exist yet.
  const isKnown = (name: string) =>
    known.has(name) || (databaseOf(name) !== undefined && clusters.has(clusterOf(name)));
  const lists: [PathSegment[], unknown][] = [
    ...entries(config, 'owners').map(({ path, value }): [PathSegment[], unknown] => [
      [...path, 'sources'],
      value.sources,
    ]),
    ...Object.entries(mapping(config.jobs)).flatMap(([name, job]): [PathSegment[], unknown][] =>
      ['backup', 'verify'].map((step) => [['jobs', name, step], mapping(job)[step]]),
    ),
  ];
  return lists.flatMap(([path, list]) =>
    !Array.isArray(list)
      ? []
      : list.flatMap((name, index): Finding[] => {
          if (typeof name !== 'string' || isKnown(name)) return [];
          const shown = isShowable(name) ? ` \`${name}\`` : '';
          const meant =
            didYouMean(name, known) ?? `known are ${[...known].filter((one) => isShowable(one)).join(', ') || 'none'}`;
          return [{ path: [...path, index], message: `there is no source${shown}; ${meant}` }];
        }),
  );
}

/** A typo would make a hook that is never called. */
function hookedJobs(config: Mapping): Finding[] {
  const owners = entries(config, 'owners').map(({ value }) => value);
  const known = new Set(Object.keys(config.jobs === undefined ? defaultJobsFor(owners) : mapping(config.jobs)));
  return entries(config, 'notify').flatMap(({ path, value: { jobs } }) =>
    !Array.isArray(jobs)
      ? []
      : jobs.flatMap((name, index): Finding[] => {
          if (typeof name !== 'string' || known.has(name)) return [];
          const meant =
            didYouMean(name, known) ?? `known are ${[...known].filter((one) => isShowable(one)).join(', ')}`;
          const shown = isShowable(name) ? ` \`${name}\`` : '';
          return [{ path: [...path, 'jobs', index], message: `there is no job${shown}; ${meant}` }];
        }),
  );
}

function unopenedSources(config: Mapping): Finding[] {
  const owners = entries(config, 'owners').filter(({ value }) => value.use !== 'verify' && value.retired !== true);
  if (!Array.isArray(config.owners) || config.owners.length === 0) return [];
  if (owners.length === 0) {
    return [
      {
        path: ['owners'],
        message:
          'expected at least one owner with `use: owner` who is not retired: verifiers cannot erase or change keys',
      },
    ];
  }
  return entries(config, 'sources').flatMap(({ path, value: { name } }) => {
    const opened = owners.some(({ value: { sources } }) => !Array.isArray(sources) || sources.includes(name));
    if (opened || typeof name !== 'string') return [];
    return [{ path: [...path, 'name'], message: 'no owner may open this source; add it to the `sources` of one' }];
  });
}

function doubledPasswords(config: Mapping): Finding[] {
  return entries(config, 'sources').flatMap(({ path, value }) =>
    value.password !== undefined && mapping(value.connection).password !== undefined
      ? [
          {
            path: [...path, 'password'],
            at: 'key' as const,
            message: 'the password is here and in `connection`; one is enough',
          },
        ]
      : [],
  );
}

/** Told here too, since the schema looks for it only once all else is well. */
function missingDatabases(config: Mapping): Finding[] {
  return entries(config, 'sources').flatMap(({ path, value: { type, connection, databases } }) => {
    const isOne = type === 'postgres-globals' || (type === 'postgres' && databases === undefined);
    const isMapping = typeof connection === 'object' && connection !== null && !Array.isArray(connection);
    if (!isOne || !isMapping || mapping(connection).database !== undefined) return [];
    return [{ path: [...path, 'connection', 'database'], message: 'is missing (The database)' }];
  });
}

async function schedules(config: Mapping): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, job] of Object.entries(mapping(config.jobs))) {
    const { schedule } = mapping(job);
    if (typeof schedule !== 'string') continue;
    const problem = await problemOf(schedule);
    if (problem === undefined) continue;
    findings.push({
      path: ['jobs', name, 'schedule'],
      message:
        problem === 'never'
          ? 'expected a time that comes: there is no such day'
          : 'expected five fields as in a crontab: minute, hour, day, month, weekday, such as "0 4 * * *"',
    });
  }
  return findings;
}

/** As the scheduler itself reads it. The default is known to be one: most commands need not load it for that. */
async function problemOf(text: string): Promise<'malformed' | 'never' | undefined> {
  if (text === defaultSchedule) return undefined;
  const { scheduleProblem } = await import('../src/schedule/slots.ts');
  return scheduleProblem(text, systemClock.now());
}

function clusterNames(config: Mapping): Set<unknown> {
  return new Set(
    entries(config, 'sources').flatMap(({ value: { name, databases } }) => (databases === undefined ? [] : [name])),
  );
}

function sourceNames(config: Mapping): Set<string> {
  const names = entries(config, 'sources').map(({ value: { name } }) => name);
  return new Set(names.filter((name) => typeof name === 'string'));
}

function entries(config: Mapping, key: string): Entry[] {
  const list = config[key];
  if (!Array.isArray(list)) return [];
  return list.map((value, index) => ({ path: [key, index], value: mapping(value) }));
}

function mapping(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
}
