import type { Socket } from 'node:net';
import type { Client } from 'pg';
import { type ErrorCode, HoldfastError } from '../../base/errors.ts';
import { describeConnection, type PostgresConnection } from './connection.ts';
import { dial } from './dial.ts';
import { quoteLiteral } from './quote.ts';
import { ConnectionEnded, isConnectionLost, serverError, sqlstateOf } from './server-errors.ts';
import { laterSettings, startupOptions } from './session-settings.ts';

export interface SessionOptions {
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** Aborting destroys the connection; what waits for it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** The code of errors; default `source-failed`. */
  failure?: ErrorCode | undefined;
}

/** One connection to a server, with the fixed settings. `await using` closes it. */
export interface Session extends AsyncDisposable {
  /** As asked for, with `address` set when it goes over the network. */
  readonly connection: PostgresConnection;
  /** `server_version_num`, as 150018. */
  readonly serverVersion: number;
  /** `server_encoding`, as `UTF8`. */
  readonly encoding: string;
  /** Whether the server is a standby. */
  readonly inRecovery: boolean;
  readonly superuser: boolean;
  /** Process id of the backend. */
  readonly pid: number;
  /** Whether the connection has ended. */
  readonly lost: boolean;
  /** The code of this session's errors. */
  readonly failure: ErrorCode;
  /** For COPY, which pg leaves to others. Its errors go through `fail`. */
  readonly client: Client;
  /**
   * Runs one statement. Columns come as pg parses them: bigint and numeric as text, json parsed.
   *
   * @param what one sentence for the error: what failed; by default that a query did
   * @throws HoldfastError with code `failure` and the server's error as `cause` (see sqlstateOf)
   */
  query<Row = Record<string, unknown>>(text: string, values?: unknown[], what?: string): Promise<Row[]>;
  /** Runs one or several statements in one round trip, without their rows. @throws as `query` */
  run(text: string, what?: string): Promise<void>;
  /** Turns an error of `client` into what `query` would throw; the signal's reason when aborted. */
  fail(error: unknown, what?: string): unknown;
  /** Takes leave of the server; open transactions are rolled back. Never throws. */
  close(): Promise<void>;
  /** Cuts the connection at once. */
  destroy(): void;
}

/**
 * Connects, and makes sure that the server itself answers with our settings.
 *
 * @throws HoldfastError with code `failure`: wrong password, unknown database, unreachable, TLS, a pooler in between
 */
export async function openSession(connection: PostgresConnection, options: SessionOptions): Promise<Session> {
  const failure = options.failure ?? 'source-failed';
  const { signal } = options;
  const socket = await dial(connection, failure, signal);
  const session = new OpenSession(await makeClient(connection, options, socket), connection, socket, failure, signal);
  try {
    await session.begin();
    return session;
  } catch (error) {
    session.destroy();
    throw error;
  }
}

async function makeClient(connection: PostgresConnection, options: SessionOptions, socket: Socket): Promise<Client> {
  const { default: pg } = await import('pg');
  // pg connects the stream it is given; ours is connected already, perhaps with TLS.
  socket.connect = () => {
    process.nextTick(() => {
      socket.emit('connect');
      // pg listens by now; a socket that was asked about TLS had been paused.
      socket.resume();
    });
    return socket;
  };
  return new pg.Client({
    stream: () => socket,
    ssl: false,
    // What is left out pg would look up in its own environment.
    host: connection.host,
    port: connection.port,
    user: connection.user,
    database: connection.database,
    password: () => {
      if (connection.password !== undefined) return connection.password;
      throw new HoldfastError(options.failure ?? 'source-failed', notConnected(connection), {
        why: 'The server asks for a password, and none is configured.',
        hint: "Set the source's password.",
      });
    },
    application_name: options.applicationName,
    options: startupOptions(),
    connectionTimeoutMillis: 30_000,
  });
}

function notConnected(connection: PostgresConnection): string {
  return `Could not connect to ${describeConnection(connection)}.`;
}

class OpenSession implements Session {
  readonly client: Client;
  readonly failure: ErrorCode;
  connection: PostgresConnection;
  serverVersion = 0;
  encoding = '';
  inRecovery = false;
  superuser = false;
  pid = 0;
  readonly #socket: Socket;
  readonly #signal: AbortSignal | undefined;
  readonly #aborted = () => this.destroy();
  /** Why the connection ended, where that came outside of a query. */
  #ended: unknown;

  constructor(
    client: Client,
    connection: PostgresConnection,
    socket: Socket,
    failure: ErrorCode,
    signal: AbortSignal | undefined,
  ) {
    this.client = client;
    this.failure = failure;
    this.connection = connection;
    this.#socket = socket;
    this.#signal = signal;
    // Without a listener an error between two queries would end the process.
    client.on('error', (error) => {
      this.#ended ??= error;
    });
    signal?.addEventListener('abort', this.#aborted, { once: true });
  }

  get lost(): boolean {
    // The server's goodbye comes before the end of the socket, and pg takes no query after it.
    return this.#ended !== undefined || this.#socket.destroyed || this.#socket.readableEnded;
  }

  async begin(): Promise<void> {
    const what = notConnected(this.connection);
    await this.client.connect().catch((error) => Promise.reject(this.fail(error, what)));
    const [row] = await this.query<{
      pid: number;
      version: number;
      encoding: string;
      recovery: boolean;
      superuser: boolean;
    }>(
      `SELECT pg_catalog.pg_backend_pid() AS pid,
              pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version,
              pg_catalog.current_setting('server_encoding') AS encoding,
              pg_catalog.pg_is_in_recovery() AS recovery,
              pg_catalog.current_setting('is_superuser') = 'on' AS superuser`,
      [],
      what,
    );
    // A pooler makes up its own process id; behind it neither settings nor exported snapshots stay with a session.
    if (row!.pid !== (this.client as unknown as { processID: number | null }).processID) {
      throw new HoldfastError(this.failure, what, {
        why: 'A connection pooler answers there, not the server: the process id it gave is not that of the session.',
        hint: 'Connect to the server itself, by its own host and port.',
      });
    }
    this.pid = row!.pid;
    this.serverVersion = row!.version;
    this.encoding = row!.encoding;
    this.inRecovery = row!.recovery;
    this.superuser = row!.superuser;
    const address = this.#socket.remoteAddress;
    if (address !== undefined) this.connection = { ...this.connection, address };
    const later = Object.entries(laterSettings(row!.version, row!.encoding));
    if (later.length > 0) {
      await this.run(later.map(([name, value]) => `SET ${name} = ${quoteLiteral(value)}`).join('; '), what);
    }
  }

  async query<Row>(text: string, values: unknown[] = [], what?: string): Promise<Row[]> {
    try {
      // With values, even none, pg uses the extended protocol, which takes one statement only.
      const result = await this.client.query(values.length > 0 ? { text, values } : text);
      return result.rows as Row[];
    } catch (error) {
      throw this.fail(error, what);
    }
  }

  async run(text: string, what?: string): Promise<void> {
    try {
      await this.client.query(text);
    } catch (error) {
      throw this.fail(error, what);
    }
  }

  fail(error: unknown, what?: string): unknown {
    if (this.#signal?.aborted) return this.#signal.reason;
    return serverError(
      this.#reason(error),
      this.failure,
      what ?? `A query to ${describeConnection(this.connection)} failed.`,
    );
  }

  /** What the server said last tells more than that the socket closed. */
  #reason(error: unknown): unknown {
    if (error instanceof HoldfastError || sqlstateOf(error) !== undefined || !this.lost) return error;
    // A standby says goodbye with the state of a conflict, not with one of a lost connection.
    if (isConnectionLost(this.#ended) || sqlstateOf(this.#ended) !== undefined) return this.#ended;
    return isConnectionLost(error) ? error : new ConnectionEnded();
  }

  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#aborted);
    if (this.#socket.destroyed) return;
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.client.end().catch(() => {});
    const timer = setTimeout(() => this.#socket.destroy(), 2_000);
    await closed;
    clearTimeout(timer);
  }

  destroy(): void {
    this.#signal?.removeEventListener('abort', this.#aborted);
    this.#socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
