import type { Globals, Membership } from './globals.ts';

/** A membership, and by whom it is to be granted. */
export interface OrderedGrant {
  membership: Membership;
  /** undefined: by the superuser who restores. */
  grantedBy: string | undefined;
}

/**
 * The order in which memberships can be granted. From PostgreSQL 16 on a grantor must hold the admin option on the role
 * already, and has it from somebody else; the bootstrap superuser has it on every role.
 *
 * @param bootstrap name of that superuser in the snapshot
 * @returns every membership once; those whose grantor never comes to hold the option come last, in nobody's name
 */
export function grantOrder(memberships: readonly Membership[], bootstrap: string): OrderedGrant[] {
  const admins = new Set<string>();
  const key = (role: string, admin: string) => JSON.stringify([role, admin]);
  const ordered: OrderedGrant[] = [];
  let waiting = [...memberships];
  while (waiting.length > 0) {
    const later: Membership[] = [];
    const now: OrderedGrant[] = [];
    for (const membership of waiting) {
      const { role, grantor } = membership;
      if (grantor === bootstrap || grantor === null) now.push({ membership, grantedBy: undefined });
      else if (admins.has(key(role, grantor))) now.push({ membership, grantedBy: grantor });
      else later.push(membership);
    }
    if (now.length === 0) return [...ordered, ...later.map((membership) => ({ membership, grantedBy: undefined }))];
    for (const { membership } of now) if (membership.admin) admins.add(key(membership.role, membership.member));
    ordered.push(...now);
    waiting = later;
  }
  return ordered;
}

/**
 * In whose name to grant on a server of some version. Before 16 any role could be written down as a grantor, so what such
 * a server says is no proof that the grantor holds the admin option.
 *
 * @returns undefined: in that of the superuser who restores
 */
export function grantorFor(
  { membership, grantedBy }: OrderedGrant,
  { serverVersion, bootstrap }: Pick<Globals, 'serverVersion' | 'bootstrap'>,
  targetVersion: number,
): string | undefined {
  const { grantor } = membership;
  if (grantor === null || grantor === bootstrap) return undefined;
  if (targetVersion < 160_000) return grantor;
  return serverVersion < 160_000 ? undefined : grantedBy;
}
