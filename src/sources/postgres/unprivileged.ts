import { execa } from 'execa';
import { HoldfastError } from '../../base/errors.ts';

/** Whom a PostgreSQL server runs as: it refuses root. */

export interface Account {
  uid: number;
  gid: number;
}

/**
 * The account to start a server with when this process is root; undefined when it is not, and the server simply runs
 * as the same user.
 *
 * @param name default `nobody`: an account that owns nothing and is trusted by no other server, so that what restored
 *   code may do under it stays small
 * @throws HoldfastError `tool-missing` when there is no such account
 */
export async function unprivilegedAccount(name = 'nobody'): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => execa('id', [flag, '--', name], { reject: false })));
  const account = { uid: Number(uid!.stdout || Number.NaN), gid: Number(gid!.stdout || Number.NaN) };
  if (uid!.failed || gid!.failed || !(account.uid > 0) || !(account.gid > 0)) {
    throw new HoldfastError('tool-missing', `There is no unprivileged account ${JSON.stringify(name)}.`, {
      why: 'A PostgreSQL server refuses to run as root, so an account without rights is needed to start one.',
      hint: `Run as root: useradd --system --no-create-home ${name}`,
    });
  }
  return account;
}
