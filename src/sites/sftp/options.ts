import type { RetrySettings } from '../retry.ts';

export interface SftpSiteOptions {
  /** The site's name, for messages. */
  name: string;
  host: string;
  /** Default 22. */
  port?: number;
  user: string;
  /** Directory on the server, absolute or from the user's home. */
  path: string;
  /** Text of a private key, as ssh-keygen writes it. */
  identity?: string;
  /** For an identity that is encrypted. */
  passphrase?: string;
  /** Path of an agent's socket, in place of an identity. */
  agent?: string;
  /** Keys the server may have, each `SHA256:…`, `ssh-ed25519 AAAA…` or a line of known_hosts. At least one. */
  hostKeys: readonly string[];
  /** Make the directory when it is missing. Off by default: a disk that is not mounted must not be mistaken for a new one. */
  create?: boolean;
  /** SSH connections; default 1. */
  connections?: number;
  /** Milliseconds until a connection must stand; default 20 s. */
  connectTimeoutMs?: number;
  /** Milliseconds without an answer after which a connection is given up; default 60 s. */
  idleTimeoutMs?: number;
  /** Where it differs from the default. */
  retry?: Partial<RetrySettings>;
}
