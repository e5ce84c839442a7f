import { isHoldfastError } from '../base/errors.ts';
import { signEnvelope } from '../crypt/dsse.ts';
import type { Party } from '../crypt/parties.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import { type RepositoryAccess, sitesOf } from './access.ts';
import type { NamedObject } from './catalog-object.ts';
import type { SourceLayout } from './layout.ts';
import { readAcross } from './objects-across-sites.ts';
import type { SignedPayload, Trust } from './trust.ts';

/** An owner's statement that of what a stolen host signed nothing counts but these snapshots: docs/format.md §3. */
export interface DistrustPayload extends SignedPayload {
  kind: 'distrust';
  source: string;
  /** Name of the host. */
  party: string;
  /** Its snapshots with this sequence and later ones do not count. */
  since: number;
  /** Ids of the snapshots by it that do. */
  snapshots: string[];
  time: string;
}

/** How the record of a source names the statement about a party that counts. */
export interface DistrustEntry {
  party: string;
  /** SHA-256 of the statement's object. */
  statement: string;
}

/** The part of a record that names statements. */
interface Named {
  distrusted?: DistrustEntry[];
}

/** Signs a statement. */
export function makeDistrust(
  { trust }: Pick<RepositoryAccess, 'trust'>,
  signer: Party,
  source: { readonly layout: SourceLayout },
  about: Pick<DistrustPayload, 'party' | 'since' | 'snapshots' | 'time'>,
): NamedObject {
  const payload: DistrustPayload = {
    kind: 'distrust',
    repository: trust.repositoryId,
    source: source.layout.id,
    signer: signer.name,
    ...about,
  };
  const bytes = signEnvelope(payload, signer);
  return { name: sha256Hex(bytes), bytes };
}

/** What still counts of what distrusted hosts signed. Where the statement is missing, nothing does. */
export class Distrusted {
  /** Party → ids of its snapshots that count; undefined: no statement tells. */
  readonly #parties: ReadonlyMap<string, ReadonlySet<string> | undefined>;

  constructor(parties: ReadonlyMap<string, ReadonlySet<string> | undefined> = new Map()) {
    this.#parties = parties;
  }

  /** The same, but for one party: for the owner who looks at what counts of it. */
  without(party: string): Distrusted {
    return new Distrusted(new Map([...this.#parties].filter(([name]) => name !== party)));
  }

  has(party: string): boolean {
    return this.#parties.has(party);
  }

  /** Whether nobody can tell which snapshots of the party count. */
  isUntold(party: string): boolean {
    return this.#parties.has(party) && this.#parties.get(party) === undefined;
  }

  /** Why an object signed by the party does not count; undefined when it does. @param snapshot the id, of a snapshot */
  whyNot(party: string, snapshot?: string): string | undefined {
    if (!this.#parties.has(party)) return undefined;
    const counting = this.#parties.get(party);
    if (snapshot === undefined) return `${party} signed it, which is distrusted.`;
    if (counting === undefined) {
      return `${party} signed it, which is distrusted, and no statement of an owner at the site tells whether it counts.`;
    }
    return counting.has(snapshot) ? undefined : `${party} signed it, which is distrusted since an earlier one.`;
  }
}

/**
 * Reads the statements that the record names. A host that only the configuration distrusts has none: nothing of it counts.
 *
 * @throws HoldfastError when no site is left
 */
export async function readDistrusted(
  access: RepositoryAccess,
  layout: SourceLayout,
  name: string,
  record: Named,
): Promise<Distrusted> {
  const parties = untold(access.trust, record);
  const sites = sitesOf(access);
  for (const { party, statement } of record.distrusted ?? []) {
    const object = { name: layout.distrusted + statement, sites: sites.live };
    try {
      const payload = await readAcross(sites, object, async (bytes) =>
        access.trust.verify<DistrustPayload>(bytes, { kind: 'distrust', source: name, roles: ['owner'] }),
      );
      if (payload.party === party) parties.set(party, new Set(payload.snapshots));
    } catch (error) {
      if (!isHoldfastError(error, 'object-damaged', 'not-trusted', 'object-missing')) throw error;
      access.emit({
        type: 'warning',
        source: name,
        text: `The statement that tells which snapshots of ${party} count is missing or damaged, so none of them does.`,
        hint: 'Another site may have it: holdfast sync',
      });
    }
  }
  return new Distrusted(parties);
}

/** What the record and the configuration say without any statement: nothing of these parties counts. */
export function withoutStatements(trust: Trust, record: Named): Distrusted {
  return new Distrusted(untold(trust, record));
}

function untold(trust: Trust, record: Named): Map<string, Set<string> | undefined> {
  const flagged = trust.parties.filter(({ distrusted }) => distrusted).map(({ name }) => name);
  const named = (record.distrusted ?? []).map(({ party }) => party);
  return new Map([...flagged, ...named].map((party) => [party, undefined]));
}
