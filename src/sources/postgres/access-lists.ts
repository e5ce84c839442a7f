import { quoteIdentifier } from './quote.ts';
import type { Session } from './session.ts';

interface Grant {
  at: number;
  grantor: string;
  /** null is PUBLIC. */
  grantee: string | null;
  privilege: string;
  grantable: boolean;
}

/** Parsed access lists, so that the many objects that share one cost one question. */
export class AccessLists {
  readonly #known: Map<string, Grant[]>;

  private constructor(known: Map<string, Grant[]>) {
    this.#known = known;
  }

  /**
   * Has the server take lists apart; it knows how their names are quoted.
   *
   * @param lists each one the text of every aclitem; null for the default, which needs nothing
   * @throws HoldfastError also when a role in one is missing
   */
  static async parse(session: Session, lists: Iterable<string[] | null>): Promise<AccessLists> {
    const distinct = new Map<string, string[]>();
    for (const list of lists) if (list !== null) distinct.set(JSON.stringify(list), list);
    const known = new Map<string, Grant[]>();
    for (const [key, items] of distinct) {
      const grants = await session.query<Grant>(
        `SELECT i.at::pg_catalog.int4 AS at, pg_catalog.pg_get_userbyid(x.grantor)::text AS grantor,
                CASE WHEN x.grantee <> 0 THEN pg_catalog.pg_get_userbyid(x.grantee)::text END AS grantee,
                x.privilege_type AS privilege, x.is_grantable AS grantable
         FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS i (item, at),
              pg_catalog.aclexplode(ARRAY[i.item::pg_catalog.aclitem]) AS x
         ORDER BY i.at`,
        [items],
        'Could not read a list of privileges.',
      );
      known.set(key, grants);
    }
    return new AccessLists(known);
  }

  /**
   * Statements that turn the default privileges of an object, whose owner is set already, into a list.
   *
   * @param object as GRANT names it: `DATABASE "x"`, `LARGE OBJECT 5`
   * @param list one of those that were parsed
   */
  statements(object: string, owner: string, list: string[] | null): string[] {
    if (list === null) return [];
    const statements = [
      `REVOKE ALL ON ${object} FROM PUBLIC`,
      `REVOKE ALL ON ${object} FROM ${quoteIdentifier(owner)}`,
    ];
    const grants = this.#known.get(JSON.stringify(list)) ?? [];
    for (const group of groups(grants)) {
      const { grantor, grantee, grantable } = group[0]!;
      const to = grantee === null ? 'PUBLIC' : quoteIdentifier(grantee);
      const grant =
        `GRANT ${group.map(({ privilege }) => privilege).join(', ')} ON ${object} TO ${to}` +
        (grantable ? ' WITH GRANT OPTION' : '');
      if (grantor === owner) statements.push(grant);
      else statements.push(`SET LOCAL ROLE ${quoteIdentifier(grantor)}`, grant, 'RESET ROLE');
    }
    return statements;
  }
}

/** Privileges of one item of a list that can be granted together. */
function groups(grants: readonly Grant[]): Grant[][] {
  const found = new Map<string, Grant[]>();
  for (const grant of grants) {
    const key = `${grant.at} ${grant.grantable}`;
    found.set(key, [...(found.get(key) ?? []), grant]);
  }
  return [...found.values()];
}
