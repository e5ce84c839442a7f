import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PlainError, systemCode } from '../base/errors.ts';
import { writeDurably } from '../repository/local-state.ts';
import type { Occasion } from './event.ts';

/** What this machine remembers of a hook. */
export interface NotifyRecord {
  /** ISO 8601, as the others. */
  last: string;
  event: Occasion;
  /** Missing: it was told. */
  error?: Omit<PlainError, 'stack'>;
  lastSuccess?: string;
  /** In a row, up to the last. */
  failures: number;
}

/** One small file for each hook in the state directory. */
export class NotifyRecords {
  readonly #directory: string;

  constructor(stateDirectory: string, repositoryId: string) {
    this.#directory = join(stateDirectory, repositoryId, 'notify');
  }

  /** Undefined as well when the file makes no sense. */
  async read(hook: string): Promise<NotifyRecord | undefined> {
    try {
      return JSON.parse(await readFile(this.#path(hook), 'utf8')) as NotifyRecord;
    } catch (error) {
      if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async write(hook: string, told: Pick<NotifyRecord, 'last' | 'event' | 'error'>): Promise<void> {
    const before = await this.read(hook);
    const lastSuccess = told.error ? before?.lastSuccess : told.last;
    const record: NotifyRecord = {
      ...told,
      ...(lastSuccess !== undefined && { lastSuccess }),
      failures: told.error ? (before?.failures ?? 0) + 1 : 0,
    };
    await writeDurably(this.#path(hook), Buffer.from(`${JSON.stringify(record)}\n`));
  }

  #path(hook: string): string {
    return join(this.#directory, `${hook}.json`);
  }
}
