/** Which keys a server may have. Without one of them nothing is sent to it: whoever answers could be anybody. */
import { createHash, createHmac } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';

export interface HostKeys {
  /** @param key the server's public key as it sends it */
  accepts(key: Buffer): boolean;
  /** Types of the keys, in the order to ask for; undefined when only fingerprints are known. */
  types: string[] | undefined;
}

/** As ssh-keygen and ssh print it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/**
 * Reads `SHA256:…`, `ssh-ed25519 AAAA…` and lines of known_hosts, hashed ones too; of those, the ones for this host.
 *
 * @throws HoldfastError `config` when there is none for this host, or one is malformed
 */
export function parseHostKeys(site: string, lines: readonly string[], host: string, port: number): HostKeys {
  const fingerprints = new Set<string>();
  const types: string[] = [];
  let bare = false;
  const names = port === 22 ? [host, `[${host}]:22`] : [`[${host}]:${port}`];
  for (const line of lines.flatMap((text) => text.split('\n')).map((text) => text.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    if (/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(line)) {
      fingerprints.add(line.replace(/=$/, ''));
      bare = true;
      continue;
    }
    const fields = line.split(/\s+/);
    // A mark: the key is revoked, or signs the keys of hosts. Neither names a key that the host may have.
    if (fields[0]!.startsWith('@')) continue;
    const isName = !/^(ssh|ecdsa|sk)-/.test(fields[0]!);
    const [type, encoded] = isName ? fields.slice(1) : fields;
    const key = Buffer.from(encoded ?? '', 'base64');
    // A key begins with its type.
    if (!type || key.length < 8 || key.toString('latin1', 4, 4 + key.readUInt32BE(0)) !== type) {
      throw new HoldfastError('config', `A host key of the site "${site}" cannot be read.`, {
        why: 'It is neither SHA256:…, nor a public key, nor a line of known_hosts.',
        hint: hintFor(host, port),
      });
    }
    if (isName && !names.some((name) => isFor(fields[0]!, name))) continue;
    fingerprints.add(fingerprintOf(key));
    types.push(type);
  }
  if (fingerprints.size === 0) {
    throw new HoldfastError('config', `The site "${site}" has no host key for ${host}, port ${port}.`, {
      why: 'Without it, anybody who answers in its place would be believed.',
      hint: hintFor(host, port),
    });
  }
  return { accepts: (key) => fingerprints.has(fingerprintOf(key)), types: bare ? undefined : types };
}

function hintFor(host: string, port: number): string {
  return `Take it from "ssh-keyscan -p ${port} ${host}", and compare it with what the server's operator tells.`;
}

/** Whether the first field of a line of known_hosts means this name. Patterns with wildcards mean nothing here. */
function isFor(field: string, name: string): boolean {
  const hashed = /^\|1\|([^|]+)\|([^|]+)$/.exec(field);
  if (!hashed) return field.toLowerCase().split(',').includes(name.toLowerCase());
  const [salt, hash] = [hashed[1]!, hashed[2]!].map((text) => Buffer.from(text, 'base64')) as [Buffer, Buffer];
  return createHmac('sha1', salt).update(name).digest().equals(hash);
}
