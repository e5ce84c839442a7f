import { isHoldfastError } from '../base/errors.ts';
import { sha256Hex } from '../crypt/secrets.ts';
import { formatVersion, promisedHash, rootObjects, sourcesPrefix } from './layout.ts';
import type { SourceRecord } from './source-record.ts';
import type { PartyRole, SignedPayload, Trust } from './trust.ts';

/**
 * Tells of any object of a repository, by its name alone, whether bytes can be what was stored there: by the hash in the
 * name, by a signature, or by the hash that a signed record tells. What nothing is known of is taken for genuine.
 */
export function genuineBy(trust: Trust): (name: string, bytes: Buffer) => boolean {
  /** Key object → the hashes that genuine records told of it. */
  const keys = new Map<string, Set<string>>();
  const signed = <P extends SignedPayload>(bytes: Buffer, kind: string, roles: readonly PartyRole[]): P | undefined => {
    try {
      return trust.verify<P>(bytes, { kind, roles });
    } catch (error) {
      if (!isHoldfastError(error, 'not-trusted', 'object-damaged')) throw error;
      return undefined;
    }
  };
  return (name, bytes) => {
    const hash = promisedHash(name);
    if (hash !== undefined) return sha256Hex(bytes) === hash;
    if (name === rootObjects.repository) return isRepository(trust, bytes);
    const [root, id, directory] = name.split('/');
    if (`${root}/` !== sourcesPrefix) return true;
    if (directory === 'source.json') {
      const record = signed<SourceRecord>(bytes, 'source', ['backup', 'owner']);
      if (record === undefined || record.source !== id) return false;
      for (const { generation, keys: entries } of record.generations) {
        for (const { party, sha256 } of entries) {
          const key = `${sourcesPrefix}${id}/keys/${generation}/${party}.age`;
          keys.set(key, (keys.get(key) ?? new Set()).add(sha256));
        }
      }
      return true;
    }
    if (directory === 'answers') return signed(bytes, 'answer', ['owner', 'verify']) !== undefined;
    return keys.get(name)?.has(sha256Hex(bytes)) ?? true;
  };
}

function isRepository(trust: Trust, bytes: Buffer): boolean {
  try {
    const { format, repository } = JSON.parse(bytes.toString('utf8')) as { format?: unknown; repository?: unknown };
    return format === formatVersion && repository === trust.repositoryId;
  } catch {
    return false;
  }
}
