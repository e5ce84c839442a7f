/** The configuration file that `init` writes: what was answered, and comments that say what it is for. */
import type { ConfigInput } from './schema.ts';
import { configVersion } from './schema.ts';

type Input<K extends keyof ConfigInput> = NonNullable<ConfigInput[K]>;
export type SourceInput = Input<'sources'>[number];

/** Everything in the words of the file. Nothing is checked here: load what was rendered to find its problems. */
export interface ConfigAnswers {
  /** Path or URL of holdfast.schema.json, for editors. */
  schema?: string;
  /** 32 hex digits. */
  repository: string;
  state?: string;
  host: { publicLine: string; identityFile?: string };
  owners: { publicLine: string; identityFile?: string; use?: 'owner' | 'verify'; sources?: string[] }[];
  hosts?: { publicLine: string; sources?: string[]; dedupWith?: boolean }[];
  sites: { name: string; path: string; operator: string; country: string }[];
  sources: SourceInput[];
  timeZone?: string;
}

/** The text of a configuration file. Parts that were not answered are left out, so they have their defaults. */
export function renderConfig(answers: ConfigAnswers): string {
  const { schema, repository, state, host, owners, hosts = [], sites, sources, timeZone } = answers;
  const parts: string[] = [];
  if (schema !== undefined) parts.push(`# yaml-language-server: $schema=${oneWord(schema)}`);
  parts.push(
    '# What Holdfast backs up, to where, and who can open it. docs/config.md describes every key.',
    '# This file holds no secrets, only where they are found: {env: NAME}, {file: path}, {command: [...]}, {credential: name}.',
    '# Relative paths count from the directory of this file.',
    ...block({ version: configVersion }),
    '',
    '# Names the repository: the same on every machine that uses it. Never change it.',
    ...block({ repository }),
  );
  if (state !== undefined) {
    parts.push('', '# Local state and caches. Losing them costs time, not backups.', ...block({ state }));
  }
  parts.push(
    '',
    '# This machine. It signs what it writes, and cannot read the data it has backed up.',
    ...block({ host: { public: host.publicLine, identity: fileSecret(host.identityFile) } }),
    '',
    '# Who can open the backups. Two people at least: what only one identity opens is lost with it.',
    '# An identity stands here only on a machine where its owner restores; keep it away from backup hosts.',
    ...block({
      owners: owners.map(({ publicLine, identityFile, use, sources: limit }) => ({
        public: publicLine,
        identity: fileSecret(identityFile),
        use,
        sources: limit,
      })),
    }),
  );
  if (hosts.length > 0) {
    parts.push(
      '',
      '# Other machines that may write to this repository.',
      ...block({
        hosts: hosts.map(({ publicLine, sources: limit, dedupWith }) => ({
          public: publicLine,
          sources: limit,
          dedupWith,
        })),
      }),
    );
  }
  parts.push(
    '',
    '# Where the copies lie, who runs the storage, and in which country.',
    ...block({
      sites: sites.map(({ name, path, operator, country }) => ({ name, type: 'disk', path, operator, country })),
    }),
    '',
    '# What is backed up. A source is found under its name, so it cannot be renamed later.',
    ...block({ sources: sources.map(nameFirst) }),
  );
  if (timeZone !== undefined) {
    parts.push(
      '',
      '# Days begin and schedules are read in this time zone. 30 daily and 12 monthly snapshots are kept; `keep` changes that.',
      ...block({ rotation: { timeZone } }),
    );
  }
  return `${parts.join('\n')}\n`;
}

function fileSecret(file: string | undefined): { file: string } | undefined {
  return file === undefined ? undefined : { file };
}

function nameFirst({ name, type, ...rest }: SourceInput): object {
  return { name, type, ...rest };
}

/** A URL as it can stand at the end of a comment: no white space, so that nothing can begin a new line. */
function oneWord(url: string): string {
  return url.replace(/[\s\p{Cc}]/gu, encodeURIComponent);
}

/**
 * A mapping in lines of block style: lists of mappings by lines, everything smaller in brackets. Written here rather
 * than with the library's printer, whose choice of style changes with the length and content of a value.
 */
function block(mapping: object, indent = ''): string[] {
  return Object.entries(mapping).flatMap(([key, value]) => {
    if (value === undefined) return [];
    const start = `${indent}${scalar(key)}:`;
    if (isMapping(value) && Object.values(value).some(isNested)) return [start, ...block(value, `${indent}  `)];
    if (isMapping(value) && indent === '') return [start, ...block(value, '  ')];
    if (Array.isArray(value) && value.some(isMapping)) {
      const item = `${indent}  - `;
      return [
        start,
        ...value.flatMap((one) =>
          block(one, ' '.repeat(item.length)).map((line, at) => (at === 0 ? item + line.slice(item.length) : line)),
        ),
      ];
    }
    return [`${start} ${flow(value)}`];
  });
}

function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (!isMapping(value)) return scalar(value);
  const pairs = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{ ${pairs.map(([key, inner]) => `${scalar(key)}: ${flow(inner)}`).join(', ')} }`;
}

/** Plain only where no YAML reader of any version could take it for something else. */
function scalar(value: unknown): string {
  if (typeof value !== 'string') return String(value);
  if (/^[A-Za-z/][A-Za-z0-9/._-]*$/.test(value) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(value)) return value;
  // JSON is YAML, but for the characters that YAML wants escaped and JSON does not.
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
