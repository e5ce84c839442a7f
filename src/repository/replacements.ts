/**
 * Packs that others have taken the place of: docs/format.md §5. An index object may replace packs, for the snapshots that
 * it names and no others: whoever wrote it had read what those need. A snapshot that was made meanwhile, or lay at a site
 * that was away, is not among them, and needs its packs as it names them.
 */

/** An index object that replaces packs, signed by somebody who can open what it is about. */
export interface Replacement {
  /** SHA-256 of the index object. */
  id: string;
  /** Milliseconds since 1970. */
  time: number;
  replaces: readonly string[];
  /** What takes their place: name → bytes of the object. May be empty, where nothing in them was needed. */
  packs: ReadonlyMap<string, number>;
  /** Ids of the snapshots it counts for. */
  snapshots: ReadonlySet<string>;
  /** Names of the sites that list it. */
  sites: ReadonlySet<string>;
}

export interface NamedPacks {
  /** Id of the snapshot. */
  id: string;
  packs: readonly string[];
}

/** What is listed at one site, or at several together. */
export interface Listed {
  /** @param size bytes it must have; undefined: any */
  has(pack: string, size?: number): boolean;
  /** Name of the one site; undefined: several, and an index object counts wherever it lies. */
  site?: string;
}

export interface Needs {
  packs: Set<string>;
  /** Index objects that say so. */
  indexes: Set<string>;
  /** Named packs that neither are listed nor have a replacement that is whole. Whatever of one is left counts as needed. */
  missing: string[];
}

/** All replacements of a source. */
export class Replacements {
  readonly #byPack = new Map<string, Replacement[]>();
  readonly #times = new Map<string, number>();

  constructor(all: Iterable<Replacement> = []) {
    // In an order of their own, whatever that of reading was.
    for (const replacement of [...all].sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1))) {
      if (this.#closesCircle(replacement)) continue;
      for (const pack of replacement.replaces) {
        this.#byPack.set(pack, [replacement, ...this.of(pack)]);
        this.#times.set(pack, replacement.time);
      }
    }
  }

  get empty(): boolean {
    return this.#byPack.size === 0;
  }

  /** The newest first. */
  of(pack: string): readonly Replacement[] {
    return this.#byPack.get(pack) ?? [];
  }

  /** Packs that are replaced → when they were last, milliseconds since 1970. */
  get times(): ReadonlyMap<string, number> {
    return this.#times;
  }

  /** Whether something whole has taken the place of a pack, for whichever snapshot: then nobody may begin to rely on it. */
  isReplaced(pack: string, listed: Listed): boolean {
    return this.of(pack).some(
      (one) =>
        counts(one, listed) &&
        [...one.packs].every(([name, size]) => listed.has(name, size) || this.isReplaced(name, listed)),
    );
  }

  /** Honest ones never do: a pack is named by its hash, and what replaces it is made later. */
  #closesCircle({ replaces, packs }: Replacement): boolean {
    const gone = new Set(replaces);
    const seen = new Set<string>();
    const leadsBack = (pack: string): boolean => {
      if (gone.has(pack)) return true;
      if (seen.has(pack)) return false;
      seen.add(pack);
      return this.of(pack).some((one) => [...one.packs.keys()].some(leadsBack));
    };
    return [...packs.keys()].some(leadsBack);
  }
}

function counts({ sites }: Replacement, { site }: Listed): boolean {
  return site === undefined || sites.has(site);
}

/**
 * The packs that a snapshot needs: those it names, or what has taken their place, transitively. Pure.
 *
 * @param prefer `named`: a pack that is listed stands for itself, which is for readers; `replacement`: only where no whole
 *   replacement of it is listed, which is for whoever decides what stays
 */
export function neededPacks(
  snapshot: NamedPacks,
  replacements: Replacements,
  listed: Listed,
  prefer: 'named' | 'replacement',
): Needs {
  const needs: Needs = { packs: new Set(), indexes: new Set(), missing: [] };
  if (replacements.empty) {
    for (const pack of snapshot.packs) {
      needs.packs.add(pack);
      if (!listed.has(pack)) needs.missing.push(pack);
    }
    return needs;
  }
  const resolver = new Resolver(snapshot.id, replacements, listed, prefer);
  for (const pack of snapshot.packs) {
    const found = resolver.resolve(pack);
    if (found === undefined) {
      needs.missing.push(pack);
      resolver.addReachable(pack, needs);
    } else if (found === pack) needs.packs.add(pack);
    else resolver.addAll(found, needs);
  }
  return needs;
}

/** What stands for a pack: itself, or a replacement of it. */
type Stand = string | Replacement;

class Resolver {
  readonly #snapshot: string;
  readonly #replacements: Replacements;
  readonly #listed: Listed;
  readonly #prefer: 'named' | 'replacement';
  readonly #known = new Map<string, Stand | undefined>();

  constructor(snapshot: string, replacements: Replacements, listed: Listed, prefer: 'named' | 'replacement') {
    this.#snapshot = snapshot;
    this.#replacements = replacements;
    this.#listed = listed;
    this.#prefer = prefer;
  }

  resolve(pack: string, size?: number): Stand | undefined {
    const own = this.#listed.has(pack, size) ? pack : undefined;
    if (this.#replacements.of(pack).length === 0 || (own !== undefined && this.#prefer === 'named')) return own;
    if (this.#known.has(pack)) return this.#known.get(pack);
    const found = this.#counting(pack).find((one) =>
      [...one.packs].every(([name, bytes]) => this.resolve(name, bytes)),
    );
    const stand = found ?? own;
    this.#known.set(pack, stand);
    return stand;
  }

  /** Adds what a replacement that was found whole consists of. */
  addAll(stand: Stand, needs: Needs): void {
    if (typeof stand === 'string') return void needs.packs.add(stand);
    if (needs.indexes.has(stand.id)) return;
    needs.indexes.add(stand.id);
    for (const [pack, size] of stand.packs) this.addAll(this.resolve(pack, size) ?? pack, needs);
  }

  /** Adds all that could help to put a pack together again. */
  addReachable(pack: string, needs: Needs): void {
    needs.packs.add(pack);
    for (const one of this.#counting(pack)) {
      if (needs.indexes.has(one.id)) continue;
      needs.indexes.add(one.id);
      for (const name of one.packs.keys()) this.addReachable(name, needs);
    }
  }

  #counting(pack: string): Replacement[] {
    return this.#replacements.of(pack).filter((one) => one.snapshots.has(this.#snapshot) && counts(one, this.#listed));
  }
}
