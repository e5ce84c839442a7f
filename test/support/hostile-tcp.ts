/** A TCP proxy in front of a real server that behaves like a bad network. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface TcpFaults {
  /** Each piece of data waits this long, in both directions. */
  latencyMs?: number;
  /** Asked for each piece of data from the server: whether the connection breaks now, and the piece is lost. */
  loseAnswer?(): boolean;
  /** Asked for each piece of data to the server, the same. */
  loseRequest?(): boolean;
  /** Takes connections and data, and passes nothing on. */
  silent?: boolean;
  /** Closes each connection at once. */
  refuse?: boolean;
}

export interface HostileTcp {
  readonly port: number;
  /** May be changed at any time. */
  faults: TcpFaults;
  /** Connections broken so far. */
  readonly cuts: number;
  /** Breaks all that are open. */
  cut(): void;
  stop(): Promise<void>;
}

export async function startHostileTcp(target: number): Promise<HostileTcp> {
  const pairs = new Set<Socket[]>();
  let cuts = 0;
  const server = createServer((near) => {
    if (hostile.faults.refuse) {
      near.destroy();
      return;
    }
    const far = connect(target, '127.0.0.1');
    const pair = [near, far];
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const [from, to, lose] of [
      [near, far, () => hostile.faults.loseRequest?.()],
      [far, near, () => hostile.faults.loseAnswer?.()],
    ] as const) {
      from.setNoDelay(true);
      from.on('error', end);
      from.on('close', end);
      from.on('data', (data) => {
        if (hostile.faults.silent) return;
        if (lose()) {
          cuts++;
          end();
          return;
        }
        const pass = () => {
          if (to.destroyed) return;
          if (!to.write(data)) {
            from.pause();
            to.once('drain', () => from.resume());
          }
        };
        const { latencyMs = 0 } = hostile.faults;
        if (latencyMs > 0) setTimeout(pass, latencyMs);
        else pass();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const hostile: HostileTcp = {
    port: (server.address() as { port: number }).port,
    faults: {},
    get cuts() {
      return cuts;
    },
    cut() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
    },
    async stop() {
      server.close();
      hostile.cut();
    },
  };
  return hostile;
}

/** Numbers from 0 up to 1, the same in each run. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
