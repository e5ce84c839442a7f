import { HoldfastError } from '../../base/errors.ts';
import type { SftpSiteOptions } from './options.ts';

/** @throws HoldfastError `secret` when the private key cannot be used, `config` when there is neither key nor agent */
export async function checkedIdentity({ name, identity, passphrase, agent }: SftpSiteOptions): Promise<void> {
  if (identity === undefined) {
    if (agent !== undefined) return;
    throw new HoldfastError('config', `The site "${name}" has no identity to log in with.`, {
      hint: 'Give it a private key, or the socket of an SSH agent.',
    });
  }
  const { default: ssh2 } = await import('ssh2');
  const parsed = ssh2.utils.parseKey(identity, passphrase);
  if (!(parsed instanceof Error) && !Array.isArray(parsed) && parsed.isPrivateKey()) return;
  throw new HoldfastError('secret', `The identity of the site "${name}" cannot be used.`, {
    why: 'It is no private key in a known form, or its passphrase is missing or wrong.',
    hint: 'Make one with: ssh-keygen -t ed25519 -N "" -f site.key',
  });
}
