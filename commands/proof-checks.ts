/** What a proof asks beside the comparison, from the configuration to what the job takes. */
import {
  type CanaryValue,
  type ConfiguredAssertion,
  type ConfiguredReference,
  type ProofCheckConfig,
  parseShare,
} from '../config/proof-checks.ts';
import type { Secret } from '../config/secrets.ts';
import type { Assertion, Expectation } from '../src/jobs/verify/checks/assertion.ts';
import type { ProofChecks } from '../src/jobs/verify/checks/extra-checks.ts';
import type { Objectives } from '../src/jobs/verify/checks/objectives.ts';
import type { Reference } from '../src/jobs/verify/checks/reference.ts';
import type { VerifyRequest } from '../src/jobs/verify/request.ts';
import { badUsage } from './usage.ts';

type FetchSecret = (secret: Secret) => Promise<string>;

/** @param secret fetches one, when it is needed */
export function proofChecksOf(verify: ProofCheckConfig, secret: FetchSecret): ProofChecks {
  const { amcheck, foreignKeys, assertions, references, objectives } = verify;
  return {
    amcheck,
    foreignKeys,
    assertions: assertions.map((each) => assertionOf(each, secret)),
    references: references.map(referenceOf),
    objectives: objectivesOf(objectives),
    objectivesBySource: new Map(Object.entries(objectives.sources).map(([name, each]) => [name, objectivesOf(each)])),
  };
}

function objectivesOf({
  restoreTime,
  dataAge,
}: {
  restoreTime?: number | undefined;
  dataAge?: number | undefined;
}): Objectives {
  // What is left out must not hide what is stated for all.
  return {
    ...(restoreTime !== undefined && { restoreTimeMs: restoreTime }),
    ...(dataAge !== undefined && { dataAgeMs: dataAge }),
  };
}

function assertionOf(assertion: ConfiguredAssertion, secret: FetchSecret): Assertion {
  const { name, source, timeout: timeoutMs, show, sql, expect, canary, freshness } = assertion;
  const named = { name, source, timeoutMs };
  if (canary !== undefined) {
    const { table, column, value } = canary;
    return { ...named, kind: 'canary', table, column, value: () => canaryText(value, secret) };
  }
  if (freshness !== undefined) {
    const { table, column, within: withinMs } = freshness;
    return { ...named, kind: 'freshness', table, column, withinMs, show };
  }
  return { ...named, kind: 'query', sql: sql!, expect: expectationOf(expect!), show };
}

async function canaryText(value: CanaryValue, secret: FetchSecret): Promise<string> {
  return typeof value === 'object' ? secret(value) : String(value);
}

function expectationOf(expect: NonNullable<ConfiguredAssertion['expect']>): Expectation {
  if (typeof expect !== 'object') return { kind: 'equals', value: expect };
  if (!('rows' in expect)) return { kind: 'between', ...expect };
  const { rows } = expect;
  return typeof rows === 'number'
    ? { kind: 'rows', min: rows, max: rows }
    : { kind: 'rows', min: rows.min ?? 0, max: rows.max };
}

function referenceOf(reference: ConfiguredReference): Reference {
  const { source, files, from, sql, hash, timeout: timeoutMs, name = files, strip, prepend, missing } = reference;
  const common = { name, source, files, strip, prepend, missing, timeoutMs };
  if (from === undefined) return { ...common, rows: { kind: 'query', sql: sql! } };
  const { column, ...table } = from;
  return { ...common, rows: { kind: 'column', table, column, hash } };
}

/** Of the command line. */
export interface SampleOptions {
  /** `0.1`, `10%`. */
  sample?: string | undefined;
  /** Of an earlier proof, to compare the same tables again. */
  seed?: string | undefined;
}

/**
 * What of a request is about these checks.
 *
 * @throws HoldfastError `usage`
 */
export async function checksRequest(
  verify: ProofCheckConfig,
  secret: FetchSecret,
  options: SampleOptions,
): Promise<Pick<VerifyRequest, 'objectives' | 'sample' | 'extra'>> {
  const { extraChecks } = await import('../src/jobs/verify/checks/extra-checks.ts');
  const checks = proofChecksOf(verify, secret);
  const share = options.sample === undefined ? verify.sample : parseShare(options.sample);
  if (options.sample !== undefined && !(share !== undefined && share > 0 && share <= 1)) {
    throw badUsage('--sample wants a share above 0 and at most 1, such as 0.1 or 10%.');
  }
  if (options.seed !== undefined && (share === undefined || share === 1)) {
    throw badUsage('--seed is for --sample: it chooses which part is compared.');
  }
  const sample = share === undefined || share === 1 ? undefined : await sampleOf(share, options.seed);
  return {
    extra: extraChecks(checks),
    objectives: (source) => definedOnly({ ...checks.objectives, ...checks.objectivesBySource.get(source) }),
    ...(sample && { sample }),
  };
}

async function sampleOf(share: number, given: string | undefined): Promise<NonNullable<VerifyRequest['sample']>> {
  const { chooseTables, newSeed } = await import('../src/jobs/verify/checks/sample.ts');
  const seed = given ?? newSeed();
  return { share, seed, choose: (tables) => chooseTables(tables, share, seed).lines };
}

function definedOnly({ restoreTimeMs, dataAgeMs }: Objectives): { restoreTimeMs?: number; dataAgeMs?: number } {
  return { ...(restoreTimeMs !== undefined && { restoreTimeMs }), ...(dataAgeMs !== undefined && { dataAgeMs }) };
}
