import { readFile } from 'node:fs/promises';
import { isIP, Socket, type SocketConstructorOpts } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { type ErrorCode, HoldfastError, systemCode } from '../../base/errors.ts';
import { describeConnection, type PostgresConnection } from './connection.ts';

/**
 * Opens the way to a server: socket, and TLS as libpq's sslmode asks. It is done here rather than by pg because pg knows
 * neither `prefer` nor `verify-ca`, and because each step that fails can then say which one it was.
 */

/** Milliseconds for name, connection and TLS together. */
const patience = 30_000;
/** Bytes of one read at most. */
const readSize = 256 * 1024;

/**
 * A socket to a server. Where `direct` is there, Node reads into one buffer over and over instead of a new one for each
 * read, which would keep the garbage collector busier than anything else does; it is not for sockets that TLS wraps.
 */
export interface ServerSocket extends Socket {
  direct?: {
    /**
     * Gets the bytes while it is set; otherwise they come as `data` events. The bytes are overwritten by the next read;
     * with `false` none follows before `resume()`.
     */
    take: ((bytes: Buffer) => boolean) | undefined;
  };
}

/** The code of an SSLRequest message. */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/**
 * @returns a connected socket on which no byte of the PostgreSQL protocol has been exchanged
 * @throws HoldfastError with code `code`; the signal's reason when aborted
 */
export async function dial(
  connection: PostgresConnection,
  code: ErrorCode,
  signal?: AbortSignal,
): Promise<ServerSocket> {
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(patience);
  const stop = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  const socket = await connect(connection, code, stop, signal);
  try {
    if (!usesTls(connection)) return socket;
    const mode = connection.sslmode ?? 'prefer';
    if (!(await offersTls(socket, stop))) {
      if (mode === 'prefer') return socket;
      throw new HoldfastError(code, `Could not connect to ${describeConnection(connection)} with TLS.`, {
        why: 'The server offers no TLS.',
        hint: `Set ssl = on at the server, or connect with another sslmode than ${mode}.`,
      });
    }
    return await secure(socket, connection, mode, code, stop);
  } catch (error) {
    socket.destroy();
    signal?.throwIfAborted();
    if (error instanceof HoldfastError) throw error;
    throw unreachable(connection, code, timeout.aborted ? undefined : error);
  }
}

/** Whether TLS is tried. As in libpq a Unix socket has none. */
function usesTls({ host, sslmode }: PostgresConnection): boolean {
  return sslmode !== 'disable' && !host.startsWith('/');
}

function directSocket(): ServerSocket {
  const direct: NonNullable<ServerSocket['direct']> = { take: undefined };
  const socket: ServerSocket = new Socket({
    onread: {
      buffer: Buffer.allocUnsafeSlow(readSize),
      callback: (length, buffer) => {
        const bytes = Buffer.from(buffer.buffer, buffer.byteOffset, length);
        if (direct.take) return direct.take(bytes);
        socket.emit('data', Buffer.from(bytes));
        return true;
      },
    },
  } as SocketConstructorOpts);
  socket.direct = direct;
  return socket;
}

async function connect(
  connection: PostgresConnection,
  code: ErrorCode,
  stop: AbortSignal,
  signal: AbortSignal | undefined,
): Promise<ServerSocket> {
  const { host, port, address } = connection;
  const socket = usesTls(connection) ? new Socket() : directSocket();
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 30_000);
  try {
    await settle<void>(socket, stop, (resolve) => {
      socket.once('connect', resolve);
      if (host.startsWith('/')) socket.connect(`${host}/.s.PGSQL.${port}`);
      else socket.connect(port, address ?? host);
    });
  } catch (error) {
    socket.destroy();
    signal?.throwIfAborted();
    throw unreachable(connection, code, stop.aborted ? undefined : error);
  }
  return socket;
}

async function offersTls(socket: Socket, stop: AbortSignal): Promise<boolean> {
  const answer = await settle<Buffer>(socket, stop, (resolve) => {
    socket.once('data', (bytes: Buffer) => {
      socket.pause();
      resolve(bytes);
    });
    socket.write(sslRequest);
  });
  // More than one byte before TLS would be somebody in between putting words into the server's mouth.
  if (answer.length !== 1) throw new Error('the answer to the request for TLS is not one byte');
  return answer[0] === 0x53;
}

async function secure(
  socket: Socket,
  connection: PostgresConnection,
  mode: Exclude<PostgresConnection['sslmode'], undefined>,
  code: ErrorCode,
  stop: AbortSignal,
): Promise<TLSSocket> {
  const { host, sslrootcert } = connection;
  if (mode.startsWith('verify') && sslrootcert === undefined) {
    throw new HoldfastError('config', `sslmode ${mode} needs sslrootcert.`, {
      why: "Without the certificate of its authority the server's cannot be verified.",
      hint: 'Set sslrootcert to the path of a CA certificate; for public ones that is /etc/ssl/certs/ca-certificates.crt.',
    });
  }
  const options: ConnectionOptions = { socket, host };
  if (isIP(host) === 0) options.servername = host;
  if (sslrootcert !== undefined) options.ca = await readCertificate(sslrootcert);
  // As libpq: with a root certificate at hand `require` checks the chain too.
  options.rejectUnauthorized = mode.startsWith('verify') || (mode === 'require' && sslrootcert !== undefined);
  if (mode !== 'verify-full') options.checkServerIdentity = () => undefined;
  const { connect: connectTls } = await import('node:tls');
  const secured = connectTls(options);
  try {
    await settle<void>(secured, stop, (resolve) => secured.once('secureConnect', resolve));
  } catch (error) {
    secured.destroy();
    if (stop.aborted) throw error;
    throw new HoldfastError(code, `Could not connect to ${describeConnection(connection)} with TLS.`, {
      why: `The TLS connection failed: ${(error as Error).message}`,
      hint: 'Check sslmode and sslrootcert against the certificate of the server.',
      cause: error,
    });
  }
  return secured;
}

async function readCertificate(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new HoldfastError('config', `Could not read the certificate ${path}.`, {
      why: (error as Error).message,
      hint: 'Check sslrootcert.',
      cause: error,
    });
  }
}

/** Waits for one thing of a socket: it, an error, the end, or the signal. */
function settle<T>(socket: Socket, stop: AbortSignal, begin: (resolve: (value: T) => void) => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const done = () => {
      socket.removeListener('error', failed);
      socket.removeListener('close', closed);
      stop.removeEventListener('abort', stopped);
    };
    const failed = (error: unknown) => {
      done();
      reject(error);
    };
    const closed = () => failed(new Error('the server closed the connection'));
    const stopped = () => failed(stop.reason);
    socket.once('error', failed);
    socket.once('close', closed);
    stop.addEventListener('abort', stopped, { once: true });
    begin((value) => {
      done();
      resolve(value);
    });
  });
}

function unreachable(connection: PostgresConnection, code: ErrorCode, error: unknown): HoldfastError {
  const whys: Record<string, string> = {
    ECONNREFUSED: 'Nothing listens there.',
    ENOENT: 'There is no such socket: the server does not run, or has another socket directory.',
    ENOTFOUND: 'The name of the host is not known.',
    EAI_AGAIN: 'The name of the host could not be looked up.',
    EACCES: 'This user may not use the socket.',
    EHOSTUNREACH: 'There is no route to the host.',
    ENETUNREACH: 'There is no route to the network.',
  };
  const why =
    error === undefined
      ? `It did not answer within ${patience / 1000} s.`
      : (whys[systemCode(error) ?? ''] ?? (error as Error).message);
  return new HoldfastError(code, `Could not reach the server of ${describeConnection(connection)}.`, {
    why,
    hint: 'Check host and port, and that the server runs: pg_isready -h … -p …',
    ...(error === undefined ? {} : { cause: error }),
  });
}
