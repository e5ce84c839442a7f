/** Globals: made in a scratch cluster, which is then read like the source was. Never on a server that somebody runs. */
import { createHash } from 'node:crypto';
import type { OutputLine } from '../../sources/command/manifest.ts';
import { quoteIdentifier, quoteLiteral } from '../../sources/postgres/quote.ts';
import { alterRoleStatement } from '../../sources/postgres/role-attributes.ts';
import { openSession, type Session } from '../../sources/postgres/session.ts';
import { differencesOf } from '../../sources/postgres-globals/differences.ts';
import type { Globals } from '../../sources/postgres-globals/globals.ts';
import { readStoredGlobals } from '../../sources/postgres-globals/manifest.ts';
import { describeMembership, describeSettings } from '../../sources/postgres-globals/plan.ts';
import { databaseNames, readGlobals } from '../../sources/postgres-globals/read.ts';
import { restoreGlobals } from '../../sources/postgres-globals/restore.ts';
import {
  commentStatement,
  isHash,
  membershipStatement,
  settingStatements,
} from '../../sources/postgres-globals/statements.ts';
import type { Check } from '../../sources/source.ts';
import { verdictOfFindings } from './check-list.ts';
import { keptAtEnd, type ProofWork, restoreScratch, scratchNeeds } from './proof-work.ts';
import type { ContentProof } from './report.ts';
import type { DatabasePlace } from './scratch.ts';
import { openClusterScratch } from './scratch-cluster.ts';
import { prepareScratchParent } from './scratch-directory.ts';
import { assertRoom, clusterBytes } from './scratch-room.ts';

const applicationName = 'holdfast verify';

/** @throws HoldfastError what keeps the scratch from being made; the signal's reason */
export async function proveGlobals(work: ProofWork): Promise<void> {
  const { context, scratch: settings, limits, proof, checks } = work;
  const { signal } = context;
  await checks.make('content', () => readOutputs(work));
  const globals = await readStoredGlobals(context);
  await prepareScratchParent(settings.directory);
  await assertRoom(settings.directory, clusterBytes, limits.bytes);
  const needs = scratchNeeds(work);
  const kind = settings.kind === 'server' ? 'local' : settings.kind;
  await using scratch = await openClusterScratch(
    { ...needs, settings: { ...settings, kind } },
    {
      serverVersion: globals.serverVersion,
      encoding: 'UTF8',
      superuser: globals.bootstrap,
      database: 'postgres',
    },
  );
  proof.scratch = scratch.report;
  const place = scratch.place as DatabasePlace;
  const options = { applicationName, failure: 'target-failed', signal } as const;
  const tablespaceMap = await prepareCluster(place, globals, await openSession(place.admin, options));
  const sameMajor = place.serverMajor === Math.floor(globals.serverVersion / 10_000);
  const restored = await restoreScratch(work, scratch, {
    sameMajor,
    standard: async () => {
      const outcome = await restoreGlobals(context, { connection: place.admin, tablespaceMap });
      // What the first superuser lacks is given to it below, and compared then.
      return { ...outcome, shortfalls: outcome.shortfalls.filter(({ object }) => !isOfBootstrap(object, globals)) };
    },
  });
  if (restored === undefined) return;
  await using _kept = keptAtEnd(work, scratch);
  await checks.make('roles', async () => {
    await using session = await openSession(place.admin, options);
    await matchBootstrap(session, globals);
    const found = await readGlobals(session, { passwords: globals.passwords === 'read' });
    const placed = globals.tablespaces.map((one) => ({
      ...one,
      location: tablespaceMap.get(one.name) ?? one.location,
    }));
    const all = differencesOf({ ...globals, tablespaces: placed }, found, await databaseNames(session));
    const findings = all.flatMap(({ extra: _, expected, ...check }): Check[] => {
      if (check.verdict === 'equal') return [];
      // Where passwords were left out by choice there are none to compare.
      if (expected && check.verdict === 'could-not-compare' && globals.passwords === 'left-out') return [];
      return [check];
    });
    const { roles, memberships, tablespaces } = globals;
    return {
      verdict: verdictOfFindings(findings),
      equal: all.length - findings.length,
      figures: { roles: roles.length, memberships: memberships.length, tablespaces: tablespaces.length },
      findings,
    };
  });
  await work.others(scratch);
}

/** Both outputs, read to their last byte: each chunk is held against its id, the whole against its SHA-256. */
async function readOutputs({ context, proof }: ProofWork) {
  const contents: ContentProof[] = [];
  for await (const line of context.lines()) {
    if (line.kind !== 'output') continue;
    const { filename, stream } = line as OutputLine;
    const hash = createHash('sha256');
    for await (const piece of context.reader.read(stream)) hash.update(piece);
    const restored = hash.digest('hex');
    contents.push({ object: filename, bytes: stream.size, source: stream.sha256, restored, method: 'sha256' });
  }
  proof.contents.push(...contents);
  const bytes = contents.reduce((sum, one) => sum + one.bytes, 0);
  return { verdict: 'pass' as const, equal: contents.length, figures: { outputs: contents.length, bytes } };
}

/** Directories for tablespaces, and databases without anything in them where settings are about one. */
async function prepareCluster(place: DatabasePlace, globals: Globals, open: Session): Promise<Map<string, string>> {
  await using session = open;
  const directories = new Map<string, string>();
  for (const { name, location } of globals.tablespaces) {
    if (location !== '') directories.set(name, await place.tablespaces!(name));
  }
  const there = await databaseNames(session);
  const wanted = new Set(globals.settings.flatMap(({ database }) => database ?? []));
  for (const name of wanted) {
    if (!there.has(name)) await session.run(`CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0`);
  }
  return directories;
}

function isOfBootstrap(object: string, { bootstrap, settings, memberships }: Globals): boolean {
  const all = [
    `role ${bootstrap}`,
    ...settings.filter(({ role }) => role === bootstrap).map(describeSettings),
    ...memberships.filter(({ member }) => member === bootstrap).map(describeMembership),
  ];
  return all.includes(object);
}

/** A restore leaves roles that exist as they are, and this one exists in every cluster. */
async function matchBootstrap(session: Session, globals: Globals): Promise<void> {
  const { bootstrap } = globals;
  const role = globals.roles.find(({ name }) => name === bootstrap);
  const statements: string[] = [];
  if (role !== undefined) {
    const { password, comment } = role;
    const isKnown = typeof password === 'string' && isHash(password);
    statements.push(alterRoleStatement(role, isKnown ? [`PASSWORD ${quoteLiteral(password)}`] : []));
    if (comment !== null) statements.push(commentStatement(`ROLE ${quoteIdentifier(bootstrap)}`, comment));
  }
  for (const entry of globals.settings) if (entry.role === bootstrap) statements.push(...settingStatements(entry));
  const found = await readGlobals(session, { passwords: false });
  // Those in or of any other role the restore has made itself, or it has not, which must be told.
  const isThereBefore = (name: string) => name === bootstrap || name.startsWith('pg_');
  for (const membership of globals.memberships) {
    if (!isThereBefore(membership.role) || !isThereBefore(membership.member)) continue;
    const same = found.memberships.some(
      ({ role: of, member }) => of === membership.role && member === membership.member,
    );
    if (!same) statements.push(membershipStatement(membership, session.serverVersion));
  }
  if (statements.length === 0) return;
  await session.run(['BEGIN', ...statements, 'COMMIT'].join(';\n'), 'Could not match the first superuser.');
}
