import { HoldfastError } from '../../base/errors.ts';
import type { Shortfall } from '../source.ts';
import type { DatabaseLine } from './manifest.ts';
import { quoteIdentifier, quoteLiteral } from './quote.ts';
import type { Session } from './session.ts';

type Extension = DatabaseLine['extensions'][number];

/** How each extension is created on a server. */
export interface ExtensionPlan {
  /** `CREATE EXTENSION …`, by name. */
  statements: Map<string, string>;
  shortfalls: Shortfall[];
}

/**
 * Plans the extensions in the versions they had. A version that the server lacks is replaced by its default one, and
 * named: a newer server often has only newer ones.
 *
 * @throws HoldfastError `target-failed` naming all extensions that the server does not have at all
 */
export async function planExtensions(session: Session, extensions: readonly Extension[]): Promise<ExtensionPlan> {
  const available = await session.query<{ name: string; version: string }>(
    'SELECT name::text AS name, version FROM pg_catalog.pg_available_extension_versions WHERE name = ANY ($1)',
    [extensions.map(({ name }) => name)],
    'Could not list the extensions of the server.',
  );
  const missing = extensions.filter(({ name }) => !available.some((found) => found.name === name));
  if (missing.length > 0) {
    const names = missing.map(({ name, version }) => `${name} ${version}`).join(', ');
    throw new HoldfastError('target-failed', `The server lacks extensions that the database needs: ${names}.`, {
      hint: 'Install their packages on the server, such as postgresql-contrib, then restore again.',
    });
  }
  const statements = new Map<string, string>();
  const shortfalls: Shortfall[] = [];
  for (const { name, version, schema } of extensions) {
    const hasVersion = available.some((found) => found.name === name && found.version === version);
    statements.set(
      name,
      `CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(name)} WITH SCHEMA ${quoteIdentifier(schema)}` +
        (hasVersion ? ` VERSION ${quoteLiteral(version)}` : ''),
    );
    if (hasVersion) continue;
    shortfalls.push({
      object: `extension ${name}`,
      reason: `The server does not have version ${version}; its default version was created.`,
      degrades: true,
    });
  }
  return { statements, shortfalls };
}
