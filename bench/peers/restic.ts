/** restic: deduplicated and encrypted, like Holdfast. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { quoted, type Repetition, type Task } from '../task.ts';

const programs = [{ program: 'restic', package: 'restic' }];
type Which = 'database' | 'files';

const place = ({ directory }: Repetition, which: Which) => join(directory, `restic-${which}`);
const target = ({ directory }: Repetition) => join(directory, 'restic-restored');

function environment(repetition: Repetition, which: Which): Record<string, string> {
  return {
    RESTIC_REPOSITORY: join(place(repetition, which), 'repository'),
    RESTIC_PASSWORD: 'bench',
    RESTIC_CACHE_DIR: join(place(repetition, which), 'cache'),
  };
}

async function makeRepository(repetition: Repetition, which: Which): Promise<void> {
  await mkdir(place(repetition, which));
  await execa('restic', ['init', '--quiet'], { env: environment(repetition, which) });
}

const dump = ({ scene }: Repetition) =>
  `pg_dump -Fc -Z0 ${scene.database} | restic backup --quiet --stdin --stdin-filename database.dump`;
const stores = (which: Which) => (repetition: Repetition) => join(place(repetition, which), 'repository');

const database = (id: string, stage: 'first' | 'again' | 'changed', title: string, more: Partial<Task>): Task => ({
  id,
  stage,
  title: `pg_dump -Fc -Z0, restic, ${title}`,
  programs,
  command: (repetition) => ({ script: dump(repetition), environment: environment(repetition, 'database') }),
  stores: stores('database'),
  ...more,
});

const files = (id: string, stage: 'files-first' | 'files-again', title: string, more: Partial<Task>): Task => ({
  id,
  stage,
  title: `restic, files, ${title}`,
  programs,
  command: (repetition) => ({
    script: `restic backup --quiet ${quoted(repetition.scene.tree)}`,
    environment: environment(repetition, 'files'),
  }),
  stores: stores('files'),
  ...more,
});

export const restic: readonly Task[] = [
  database('restic-first', 'first', 'first', { prepare: (repetition) => makeRepository(repetition, 'database') }),
  database('restic-again', 'again', 'unchanged', { needs: ['restic-first'] }),
  database('restic-changed', 'changed', '1 % changed', { needs: ['restic-first'] }),
  files('restic-files-first', 'files-first', 'first', { prepare: (repetition) => makeRepository(repetition, 'files') }),
  files('restic-files-again', 'files-again', 'unchanged', { needs: ['restic-files-first'] }),
  {
    id: 'restic-files-restore',
    stage: 'files-restore',
    title: 'restic, files, restore',
    programs,
    needs: ['restic-files-first'],
    command: (repetition) => ({
      script: `restic restore latest --quiet --target ${quoted(target(repetition))}`,
      environment: environment(repetition, 'files'),
    }),
  },
];
