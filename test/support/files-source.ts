import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { backupFiles, type FilesSettings } from '../../src/sources/files/backup.ts';
import type { EntryLine } from '../../src/sources/files/manifest.ts';
import type { BackupContext, BackupOutcome, ManifestLine, RestoreContext } from '../../src/sources/source.ts';
import { type SharedLanes, temporaryDirectory } from './files-tree.ts';

/** Small trees and repeated runs over them, for tests of backups. */

/** Later than every file was touched: what the cache knows is then trusted. */
export const later = (context: BackupContext): BackupContext['clock'] => ({
  ...context.clock,
  now: () => context.clock.now() + 60_000,
});

export interface Run extends BackupOutcome {
  lines: EntryLine[];
}

/** A source, with what one run of it leaves to the next. */
export class Source {
  readonly #shared: SharedLanes;
  readonly root: string;
  readonly cacheDirectory = temporaryDirectory();
  lines: ManifestLine[] = [];

  constructor(shared: SharedLanes, root: string) {
    this.#shared = shared;
    this.root = root;
  }

  /** Backs up as the next run. */
  async run(
    rest: Partial<FilesSettings> = {},
    change: (context: BackupContext) => BackupContext = (context) => ({ ...context, clock: later(context) }),
  ): Promise<Run> {
    this.lines = [];
    const context: BackupContext = {
      ...this.#shared.backup,
      cacheDirectory: this.cacheDirectory,
      writeLine: async (line) => void this.lines.push(JSON.parse(JSON.stringify(line))),
    };
    const settings = { name: 'tree', path: this.root, exclude: [], oneFileSystem: false, ...rest };
    const outcome = await backupFiles(change(context), settings);
    await this.#shared.backup.lanes.flush();
    return { ...outcome, lines: this.lines.slice(1) as EntryLine[] };
  }

  /** What a restore of the last run is given. */
  get restored(): RestoreContext {
    const { lines } = this;
    return {
      ...this.#shared.restore,
      lines: async function* () {
        yield* lines;
      },
    };
  }
}

/** A tree of these files, by path. */
export function tree(files: Record<string, string>): string {
  const root = join(temporaryDirectory(), 'tree');
  mkdirSync(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

export const paths = (lines: EntryLine[]) => lines.map(({ path }) => path);
