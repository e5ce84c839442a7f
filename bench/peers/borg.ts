/** BorgBackup: deduplicated and encrypted. */
import { join } from 'node:path';
import { execa } from 'execa';
import { quoted, type Repetition, type Task } from '../task.ts';

const repository = ({ directory }: Repetition) => join(directory, 'borg');
const environment = ({ scene }: Repetition) => ({
  BORG_PASSPHRASE: 'bench',
  BORG_BASE_DIR: join(scene.directory, 'borg-home'),
});

export const borg: Task = {
  id: 'borg-first',
  stage: 'first',
  title: 'pg_dump -Fc -Z0, borg -C zstd,3',
  programs: [{ program: 'borg', package: 'borgbackup' }],
  prepare: async (repetition) => {
    await execa('borg', ['init', '--encryption', 'repokey-blake2', repository(repetition)], {
      env: environment(repetition),
    });
  },
  command: (repetition) => ({
    script: `pg_dump -Fc -Z0 ${repetition.scene.database} | borg create -C zstd,3 ${quoted(repository(repetition))}::first -`,
    environment: environment(repetition),
  }),
  stores: repository,
};
