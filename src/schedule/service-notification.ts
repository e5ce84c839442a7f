/** Tells systemd how a service is: sd_notify(3), in as little as it takes. */
import { createRequire } from 'node:module';
import { HoldfastError } from '../base/errors.ts';

/** One datagram: lines such as `READY=1`. Never throws: who is not heard goes on working. */
export type Notify = (lines: readonly string[]) => void;

const afUnix = 1;
const sockDatagram = 2;
const closeOnExec = 0o2_000_000;
const noSignal = 0x4000;
const dontWait = 0x40;
/** `sun_path` of struct sockaddr_un. */
const longestPath = 108;

/**
 * Opens the way to the service manager. Node has no datagram sockets of the Unix kind, so the system's own calls are used.
 *
 * @param socket value of NOTIFY_SOCKET: a path, or a name in the abstract namespace after an `@`
 * @throws HoldfastError `tool-missing` when the native module does not load, `failed` for an address that cannot be one
 */
export function openNotify(socket: string): Notify {
  const address = socketAddress(socket);
  const calls = systemCalls();
  return (lines) => {
    const text = Buffer.from(lines.map((line) => line.replaceAll('\n', ' ')).join('\n'));
    const handle = calls.socket(afUnix, sockDatagram | closeOnExec, 0);
    if (handle < 0) return;
    calls.sendto(handle, text, text.length, noSignal | dontWait, address, address.length);
    calls.close(handle);
  };
}

/** struct sockaddr_un: the family in the machine's byte order, then the path. */
function socketAddress(socket: string): Buffer {
  const path = Buffer.from(socket);
  const isAbstract = socket.startsWith('@');
  if ((!isAbstract && !socket.startsWith('/')) || path.length < 2 || path.length >= longestPath) {
    throw new HoldfastError('failed', 'NOTIFY_SOCKET names no socket that can be reached.', {
      why: 'It is neither a full path nor a name that starts with @.',
    });
  }
  if (isAbstract) path[0] = 0;
  const family = Buffer.from(Uint16Array.of(afUnix).buffer);
  return Buffer.concat([family, path, Buffer.alloc(isAbstract ? 0 : 1)]);
}

interface SystemCalls {
  socket(family: number, type: number, protocol: number): number;
  sendto(
    handle: number,
    bytes: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: number,
  ): number;
  close(handle: number): number;
}

function systemCalls(): SystemCalls {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const library = koffi.load(null);
    return {
      socket: library.func('int socket(int family, int type, int protocol)'),
      sendto: library.func(
        'long sendto(int handle, const uint8_t *bytes, size_t length, int flags, const uint8_t *address, uint32_t addressLength)',
      ),
      close: library.func('int close(int handle)'),
    } as unknown as SystemCalls;
  } catch (cause) {
    throw new HoldfastError('tool-missing', 'systemd cannot be told how this service is.', {
      why: 'The native module koffi does not load here.',
      cause,
    });
  }
}

/** What the environment says about watching: milliseconds between two signs of life; undefined when nobody watches. */
export function watchdogInterval(
  { WATCHDOG_USEC, WATCHDOG_PID }: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  if (WATCHDOG_USEC === undefined || !/^[1-9]\d{0,15}$/.test(WATCHDOG_USEC)) return undefined;
  if (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== pid) return undefined;
  return Number(WATCHDOG_USEC) / 1000 / 2;
}
