/** Sources that `verify` names: that they exist, and are of the type that a check needs. As the file was written. */
import { clusterOf, databaseOf } from '../src/repository/source-name.ts';
import { type Finding, isShowable, type PathSegment } from './problems.ts';
import { didYouMean } from './suggestion.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** Findings on `raw`, which may be any value at all. */
export function proofFindings(raw: unknown): Finding[] {
  const config = mapping(raw);
  const verify = mapping(config.verify);
  const sources = new Sources(config);
  const assertions = entries(verify, 'assertions');
  const references = entries(verify, 'references');
  return [
    ...twice(assertions, ({ name }) => name),
    ...twice(references, ({ name, files }) => name ?? files),
    ...[...assertions, ...references].flatMap(({ path, value }) =>
      sources.findings(value.source, [...path, 'source'], 'postgres'),
    ),
    ...references.flatMap(({ path, value }) => sources.findings(value.files, [...path, 'files'], 'files')),
    ...Object.keys(mapping(mapping(verify.objectives).sources)).flatMap((name) =>
      sources.findings(name, ['verify', 'objectives', 'sources', name], undefined),
    ),
  ];
}

interface Entry {
  path: PathSegment[];
  value: Mapping;
}

function twice(all: readonly Entry[], nameOf: (value: Mapping) => unknown): Finding[] {
  const seen = new Set<unknown>();
  return all.flatMap(({ path, value }) => {
    const name = nameOf(value);
    if (typeof name !== 'string') return [];
    const again = seen.has(name);
    seen.add(name);
    if (!again) return [];
    const message =
      value.name === undefined ? 'another one is called so; give one of them a name' : 'another one has this name';
    return [{ path: value.name === undefined ? path : [...path, 'name'], message }];
  });
}

class Sources {
  readonly #types = new Map<string, unknown>();
  readonly #clusters = new Set<string>();

  constructor(config: Mapping) {
    if (!Array.isArray(config.sources)) return;
    for (const source of config.sources.map(mapping)) {
      if (typeof source.name !== 'string') continue;
      this.#types.set(source.name, source.type);
      if (source.databases !== undefined) this.#clusters.add(source.name);
    }
  }

  /** @param type that it must be of; undefined: any */
  findings(name: unknown, path: PathSegment[], type: 'postgres' | 'files' | undefined): Finding[] {
    if (typeof name !== 'string') return [];
    const cluster = clusterOf(name);
    // A database of a cluster need not exist yet.
    if (cluster !== undefined && this.#clusters.has(cluster) && databaseOf(name) !== undefined) {
      return type === 'files' ? [{ path, message: 'expected a source of type `files`' }] : [];
    }
    if (!this.#types.has(name)) {
      const shown = isShowable(name) ? ` \`${name}\`` : '';
      const known = [...this.#types.keys()];
      const meant =
        didYouMean(name, known) ?? `known are ${known.filter((one) => isShowable(one)).join(', ') || 'none'}`;
      return [{ path, message: `there is no source${shown}; ${meant}` }];
    }
    if (type === undefined) return [];
    if (type === 'postgres' && this.#clusters.has(name)) {
      return [{ path, message: 'it is a cluster; expected a database of it, written `cluster/database`' }];
    }
    if (this.#types.get(name) === type) return [];
    return [{ path, message: `expected a source of type \`${type}\`` }];
  }
}

function entries(config: Mapping, key: string): Entry[] {
  const list = config[key];
  if (!Array.isArray(list)) return [];
  return list.map((value, index) => ({ path: ['verify', key, index], value: mapping(value) }));
}

function mapping(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
}
