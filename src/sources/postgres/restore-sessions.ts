import { EntryRunner, type RestorePlace, restoreSettings } from './archive-statements.ts';
import type { PostgresConnection } from './connection.ts';
import { quietStatements } from './quiet-settings.ts';
import { openSession, type Session } from './session.ts';

/** Sessions in a database under construction, opened when needed and used again. `await using` closes them. */
export class RestoreSessions implements AsyncDisposable {
  readonly #connection: PostgresConnection;
  readonly #place: RestorePlace;
  readonly #signal: AbortSignal;
  readonly #free: EntryRunner[] = [];
  readonly #open = new Set<Session>();

  constructor(connection: PostgresConnection, place: RestorePlace, signal: AbortSignal) {
    this.#connection = connection;
    this.#place = place;
    this.#signal = signal;
  }

  /** Runs `work` in a session that nobody else uses meanwhile. @throws HoldfastError */
  async use<T>(work: (runner: EntryRunner) => Promise<T>): Promise<T> {
    const runner = this.#free.pop() ?? (await this.#start());
    try {
      return await work(runner);
    } finally {
      if (runner.session.lost) this.#open.delete(runner.session);
      else this.#free.push(runner);
    }
  }

  async #start(): Promise<EntryRunner> {
    const session = await openSession(this.#connection, {
      applicationName: 'holdfast restore',
      failure: 'target-failed',
      signal: this.#signal,
    });
    this.#open.add(session);
    await session.run(restoreSettings);
    if (this.#place.quiet && session.superuser) await session.run(quietStatements);
    const [row] = await session.query<{ role: string }>('SELECT current_user::text AS role');
    return new EntryRunner(session, this.#place, row!.role);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open].map((session) => session.close()));
    this.#open.clear();
    this.#free.length = 0;
  }
}
