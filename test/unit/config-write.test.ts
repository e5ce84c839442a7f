import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { describedSchema, type JsonSchema, jsonSchemaText } from '../../config/json-schema.ts';
import { loadConfig, parseConfig } from '../../config/load.ts';
import { referenceText } from '../../config/reference.ts';
import { configSchema } from '../../config/schema.ts';
import { partiesOf } from '../../config/trust-parties.ts';
import { type ConfigAnswers, renderConfig } from '../../config/write.ts';
import { publicLine } from '../../src/crypt/parties.ts';

const root = join(import.meta.dirname, '../..');
const example = await loadConfig(join(root, 'config/example.yaml'));
const [web1, anna, bert, prover, web2] = partiesOf(example.config).map(publicLine) as [
  string,
  string,
  string,
  string,
  string,
];

const answers: ConfigAnswers = {
  schema: '/usr/lib/holdfast/holdfast.schema.json',
  repository: '00000000000000000000000000000123',
  state: '/var/lib/holdfast',
  host: { publicLine: web1, identityFile: 'host.key' },
  owners: [
    { publicLine: anna },
    { publicLine: bert, identityFile: '/media/key/bert.key' },
    { publicLine: prover, use: 'verify', sources: ['app'] },
  ],
  hosts: [{ publicLine: web2, sources: ['crm'], dedupWith: true }],
  sites: [{ name: 'vault', path: '/mnt/vault', operator: 'Example Ltd', country: 'FR' }],
  sources: [
    {
      name: 'app',
      type: 'postgres',
      connection: 'postgres://u@db/app',
      password: { env: 'PW' },
      exclude: { tables: ['a.b'] },
    },
    {
      name: 'parts',
      type: 'postgres',
      connection: { host: '/run', user: 'u', database: 'd', password: { command: ['pass', 'd'] } },
    },
    { name: 'documents', type: 'files', path: '/srv', exclude: ['*.tmp', '#x'], oneFileSystem: true },
    { name: 'redis', type: 'command', command: ['redis-cli', '--rdb', '-'], filename: 'redis.rdb', timeout: '1h' },
  ],
  timeZone: 'Europe/Paris',
};

describe('a rendered configuration', () => {
  it('loads to what was answered', async () => {
    const text = renderConfig(answers);
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=/usr/lib/holdfast/holdfast.schema.json');
    const config = await parseConfig(text, 'f');
    expect(partiesOf(config).map(publicLine)).toEqual([web1, anna, bert, prover, web2]);
    expect(config).toMatchObject({
      repository: answers.repository,
      state: answers.state,
      host: { identity: { file: 'host.key' } },
      hosts: [{ sources: ['crm'], dedupWith: true }],
      sites: [{ type: 'disk', ...answers.sites[0] }],
      rotation: { timeZone: 'Europe/Paris', keep: { daily: 30, monthly: 12 } },
    });
    expect(config.owners.map(({ identity, use, sources }) => ({ identity, use, sources }))).toEqual([
      { use: 'owner' },
      { use: 'owner', identity: { file: '/media/key/bert.key' } },
      { use: 'verify', sources: ['app'] },
    ]);
    const asWritten = configSchema.parse({ ...parse(text), sources: answers.sources });
    expect(config.sources).toEqual(asWritten.sources);
  });

  it('leaves out what was not answered', async () => {
    const { repository, sites, sources } = answers;
    const text = renderConfig({
      repository,
      host: { publicLine: web1 },
      owners: [{ publicLine: anna }],
      sites,
      sources,
    });
    expect(text).not.toMatch(/yaml-language-server|^state|^hosts|^rotation|identity:|undefined/m);
    expect((await parseConfig(text, 'f')).hosts).toEqual([]);
  });

  const hostile = [
    'a: b',
    'a #b',
    '#a',
    '- a',
    '? a',
    '@a',
    '%a',
    '&a',
    '*a',
    '!a',
    '|',
    '>',
    '`a`',
    "it's",
    '"a"',
    '\\',
    '\\n',
    'a\nb: c',
    '\n',
    '\r\n',
    '\t',
    ' a',
    'a ',
    'yes',
    'No',
    'null',
    '~x',
    '1e3',
    '0x10',
    '010',
    '.inf',
    '1:30',
    '2024-01-01',
    '[a]',
    '{a: b}',
    'a,b',
    'é',
    '日本',
    '🐘',
    '\u0085',
    '\u007f',
    '\u2028',
    '\ufeff',
    '\ufffe',
    '---',
    '...',
    '$HOME',
    '=',
    '<<',
    'y',
    'N',
    'true',
  ];
  const survives = async (value: string) => {
    const text = renderConfig({
      ...answers,
      schema: value,
      state: `/s/${value}`,
      host: { publicLine: web1, identityFile: `./${value}` },
      sites: [{ name: 'vault', path: `/${value}`, operator: value, country: 'FR' }],
      sources: [
        { name: 'app', type: 'command', command: ['a', value], filename: 'f' },
        { name: 'text', type: 'command', command: value, filename: 'f' },
        { name: 'files', type: 'files', path: `/${value}`, exclude: [value, value] },
        { name: 'db', type: 'postgres', connection: { host: value, user: value, database: value } },
      ],
    });
    const config = await parseConfig(text, 'f');
    expect(config).toMatchObject({
      state: `/s/${value}`,
      host: { identity: { file: `./${value}` } },
      sites: [{ path: `/${value}`, operator: value }],
      sources: [
        { command: ['a', value] },
        { command: value },
        { path: `/${value}`, exclude: [value, value] },
        { connection: { host: value, user: value, database: value } },
      ],
    });
    // A reader of YAML 1.1 takes it for the same text.
    expect(parse(text, { version: '1.1' }).sites[0].operator).toBe(value);
  };
  it.each(hostile)('carries %j unharmed', survives);

  it('carries any text unharmed', async () => {
    const any = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => !text.includes('\0'));
    await fc.assert(fc.asyncProperty(any, survives), { numRuns: 300 });
  });
});

describe('what is generated from the schema', () => {
  const hint = 'run: node config/generate.ts';
  it('is on disk: holdfast.schema.json', () => {
    expect(readFileSync(join(root, 'config/holdfast.schema.json'), 'utf8'), hint).toBe(jsonSchemaText());
  });
  it('is on disk: docs/config.md', () => {
    expect(readFileSync(join(root, 'docs/config.md'), 'utf8'), hint).toBe(referenceText());
  });

  it('describes every key, with an example or a constant', () => {
    const bare: string[] = [];
    let keys = 0;
    const look = (schema: JsonSchema, path: string): void => {
      for (const [key, child] of Object.entries(schema.properties ?? {})) {
        keys++;
        if (!child.description) bare.push(`${path}.${key}: description`);
        const nested = child.properties ?? child.items?.properties ?? child.items?.oneOf;
        if (!nested && !child.examples && child.const === undefined) bare.push(`${path}.${key}: example`);
        look(child, `${path}.${key}`);
      }
      const { items, additionalProperties, anyOf = [], oneOf = [], definitions = {} } = schema;
      const inner = [items, additionalProperties, ...anyOf, ...oneOf, ...Object.values(definitions)];
      for (const one of inner) if (typeof one === 'object') look(one, path);
    };
    look(describedSchema(), '');
    expect(bare).toEqual([]);
    expect(keys).toBeGreaterThan(50);
  });

  it('has examples that load', async () => {
    const { properties = {} } = describedSchema();
    const lines: Record<string, string> = { web1, web2, anna, bert, prover };
    const samples = Object.fromEntries(Object.entries(properties).map(([key, schema]) => [key, schema.examples?.[0]]));
    samples.sources = properties.sources!.items!.oneOf!.map((one) => one.examples![0]);
    for (const key of ['host', 'owners', 'hosts', 'sites', 'rotation', 'jobs']) expect(samples[key], key).toBeDefined();
    const text = JSON.stringify(samples).replace(/"(\w+) age1… hfsig1…"/g, (_, name) => JSON.stringify(lines[name]));
    const config = await parseConfig(text, 'f');
    expect(config.sources.map(({ type }) => type)).toEqual(['postgres', 'postgres-globals', 'files', 'command']);
    expect(Object.keys(config.jobs)).toEqual(['daily', 'hourly', 'weekly']);
  });
});
