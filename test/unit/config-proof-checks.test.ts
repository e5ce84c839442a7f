import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { checksRequest, proofChecksOf } from '../../commands/proof-checks.ts';
import { parseConfig } from '../../config/load.ts';
import { nameParts } from '../../config/name-parts.ts';
import { ConfigError } from '../../config/problems.ts';
import { parseShare } from '../../config/proof-checks.ts';
import { readSecret } from '../../config/secrets.ts';

const example = parse(readFileSync(join(import.meta.dirname, '../../config/example.yaml'), 'utf8'));
const database = { type: 'postgres', connection: 'postgres://u@db/app' };
const sources = [
  { name: 'app', ...database },
  { name: 'main', type: 'postgres', connection: 'postgres://u@db/', databases: 'all' },
  { name: 'documents', type: 'files', path: '/srv/files' },
];

async function read(verify: object) {
  const { jobs: _, verify: __, owners, ...rest } = example;
  const config = { ...rest, owners: owners.slice(0, 2), sources, verify };
  return (await parseConfig(stringify(config), 'f')).verify;
}

async function checksOf(verify: object, env: Record<string, string> = {}) {
  return proofChecksOf(await read(verify), (secret) => readSecret(secret, { directory: '/', env }));
}

async function problems(verify: object): Promise<string[]> {
  const error = await read(verify).catch((thrown: unknown) => thrown);
  if (!(error instanceof ConfigError)) throw new Error(`accepted: ${JSON.stringify(error)}`);
  return error.problems.map(({ path, message }) => `${path}: ${message}`);
}

const sql = 'SELECT 1';
const one = { name: 'one', source: 'app', sql, expect: 1 };

describe('checks of a proof', () => {
  it('have defaults', async () => {
    expect(await checksOf({})).toEqual({
      amcheck: 'auto',
      foreignKeys: 'doubtful',
      assertions: [],
      references: [],
      objectives: {},
      objectivesBySource: new Map(),
    });
    expect((await read({})).sample).toBeUndefined();
  });

  it.each<[unknown, object]>([
    [0, { kind: 'equals', value: 0 }],
    [true, { kind: 'equals', value: true }],
    ['on', { kind: 'equals', value: 'on' }],
    [{ min: 1 }, { kind: 'between', min: 1 }],
    [
      { min: 0.5, max: 2 },
      { kind: 'between', min: 0.5, max: 2 },
    ],
    [{ rows: 3 }, { kind: 'rows', min: 3, max: 3 }],
    [{ rows: { max: 3 } }, { kind: 'rows', min: 0, max: 3 }],
    [{ rows: { min: 3 } }, { kind: 'rows', min: 3, max: undefined }],
  ])('expect %j', async (expected, meaning) => {
    const { assertions } = await checksOf({ assertions: [{ ...one, expect: expected }] });
    expect(assertions).toEqual([
      { name: 'one', source: 'app', kind: 'query', sql, expect: meaning, show: false, timeoutMs: 300_000 },
    ]);
  });

  it('know canaries, whose value may be a secret, and freshness', async () => {
    const canary = { table: '"My.schema".t', column: 'c', value: { env: 'CANARY' } };
    const freshness = { table: 'app.orders', column: 'at', within: '26h' };
    const { assertions } = await checksOf(
      {
        assertions: [
          { name: 'a', source: 'main/tenant', canary, timeout: '10s' },
          { name: 'b', source: 'app', canary: { ...canary, value: 7 } },
          { name: 'c', source: 'app', freshness, show: true },
        ],
      },
      { CANARY: 'yellow' },
    );
    const [secret, number, age] = assertions;
    expect(secret).toMatchObject({ kind: 'canary', table: { schema: 'My.schema', table: 't' }, timeoutMs: 10_000 });
    if (secret?.kind !== 'canary' || number?.kind !== 'canary') throw new Error('no canary');
    expect([await secret.value(), await number.value()]).toEqual(['yellow', '7']);
    expect(age).toMatchObject({ kind: 'freshness', withinMs: 26 * 3_600_000, show: true });
  });

  it('know references', async () => {
    const { references } = await checksOf({
      references: [
        { source: 'app', from: 'app.documents.path', hash: 'sha256', files: 'documents' },
        { name: 'more', source: 'app', sql, files: 'documents', strip: '/a/', prepend: 'b', missing: 2 },
      ],
    });
    const common = { source: 'app', files: 'documents', timeoutMs: 300_000 };
    const table = { schema: 'app', table: 'documents' };
    expect(references).toEqual([
      { ...common, name: 'documents', missing: 0, rows: { kind: 'column', table, column: 'path', hash: 'sha256' } },
      { ...common, name: 'more', missing: 2, strip: '/a/', prepend: 'b', rows: { kind: 'query', sql } },
    ]);
  });

  it('know objectives, some of them of one source', async () => {
    const { objectives, objectivesBySource } = await checksOf({
      objectives: { restoreTime: '2h', dataAge: '26h', sources: { documents: { restoreTime: '8h' } } },
    });
    expect(objectives).toEqual({ restoreTimeMs: 7_200_000, dataAgeMs: 93_600_000 });
    expect([...objectivesBySource]).toEqual([['documents', { restoreTimeMs: 28_800_000 }]]);
  });

  it.each([
    ['10%', 0.1],
    [0.25, 0.25],
    ['100%', 1],
  ])('take the share %s', async (sample, share) => {
    expect((await read({ sample })).sample).toBe(share);
    expect(parseShare(`${sample}`)).toBe(share);
  });

  it('tell all problems at once, each with its key', async () => {
    const found = await problems({
      amcheck: 'yes',
      sample: '200%',
      objectives: { restoreTime: 'soon', sources: { ap: {} } },
      assertions: [
        { ...one, expect: undefined },
        { ...one, source: 'ap' },
        { name: 'two', source: 'main', canary: { table: 't', column: 'c', value: 1 } },
        { name: 'three', source: 'documents', sql, expect: { min: 3, max: 1 } },
        { name: 'four', source: 'app' },
      ],
      references: [
        { source: 'app', from: 'documents.path', files: 'app' },
        { name: 'r', source: 'app', sql, hash: 'h', files: 'documents' },
      ],
    });
    for (const expected of [
      /^verify\.amcheck: expected `auto`, `quick`, `full` or `off`/,
      /^verify\.sample: expected a share above 0 and at most 1/,
      /^verify\.objectives\.restoreTime: expected a duration/,
      /^verify\.objectives\.sources\.ap: there is no source `ap`; did you mean `app`\?/,
      /^verify\.assertions\[0\]: `sql` needs `expect`$/,
      /^verify\.assertions\[1\]\.name: another one has this name$/,
      /^verify\.assertions\[1\]\.source: there is no source `ap`/,
      /^verify\.assertions\[2\]\.source: it is a cluster; expected a database of it/,
      /^verify\.assertions\[2\]\.canary\.table: expected schema\.table/,
      /^verify\.assertions\[3\]\.source: expected a source of type `postgres`$/,
      /^verify\.assertions\[3\]\.expect: expected a `min` that is not above `max`$/,
      /^verify\.assertions\[4\]: expected exactly one of `sql`, `canary` and `freshness`$/,
      /^verify\.references\[0\]\.from: expected schema\.table\.column/,
      /^verify\.references\[0\]\.files: expected a source of type `files`$/,
      /^verify\.references\[1\]\.hash: `hash` belongs to `from`/,
    ]) {
      expect(found.filter((text) => expected.test(text))).toHaveLength(1);
    }
    expect(found).toHaveLength(15);
  });

  it('never quote a value', async () => {
    const found = await problems({
      assertions: [{ ...one, canary: { table: 'geheim', column: 'c', value: 'geheim' } }],
    });
    expect(found.length).toBeGreaterThan(0);
    expect(found.join()).not.toContain('geheim');
  });
});

describe('a sample', () => {
  const secret = () => Promise.reject(new Error('not asked for'));
  const wish = async (verify: object, options: { sample?: string; seed?: string }) =>
    (await checksRequest(await read(verify), secret, options)).sample;

  it('is of the command line before the configuration, with a new seed or the one that is given', async () => {
    expect(await wish({}, {})).toBeUndefined();
    expect(await wish({ sample: 0.5 }, { sample: '1' })).toBeUndefined();
    expect(await wish({ sample: 0.5 }, { sample: '10%', seed: 'again' })).toMatchObject({ share: 0.1, seed: 'again' });
    expect(await wish({ sample: 0.5 }, {})).toMatchObject({
      share: 0.5,
      seed: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });

  it.each([{ sample: '0' }, { sample: '200%' }, { sample: 'half' }, { seed: 'x' }, { sample: '1', seed: 'x' }])(
    'cannot be %j',
    async (options) => {
      await expect(wish({}, options)).rejects.toMatchObject({ code: 'usage' });
    },
  );
});

describe('a name with dots', () => {
  it.each([
    ['a.b.c', ['a', 'b', 'c']],
    ['"a.b".c', ['a.b', 'c']],
    ['"say ""hi""".Ünï cöde', ['say "hi"', 'Ünï cöde']],
    ['a', ['a']],
  ])('%s', (text, parts) => expect(nameParts(text)).toEqual(parts));
  it.each(['', '.', 'a.', '.a', 'a..b', '"a', 'a"b', 'a"b".c', '""', '"a"b', 'a\0.b'])('%j is none', (text) =>
    expect(nameParts(text)).toBeUndefined(),
  );
});
