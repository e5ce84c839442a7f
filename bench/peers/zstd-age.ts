/** What a careful shell script does: compressed and encrypted, neither deduplicated nor proven. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { quoted, type Repetition, type Task } from '../task.ts';

const key = ({ scene }: Repetition) => join(scene.directory, 'age-key');
const output = ({ directory }: Repetition) => join(directory, 'dump.zst.age');

export const zstdAge: Task = {
  id: 'zstd-age',
  stage: 'first',
  title: 'pg_dump, zstd -3 -T2, age',
  programs: [
    { program: 'zstd', package: 'zstd' },
    { program: 'age', package: 'age' },
  ],
  prepare: async (repetition) => {
    const made = await access(key(repetition)).then(
      () => true,
      () => false,
    );
    if (!made) await execa('age-keygen', ['-o', key(repetition)]);
  },
  command: (repetition) => ({
    script:
      `pg_dump ${repetition.scene.database} | zstd -q -3 -T2 | ` +
      `age -e -i ${quoted(key(repetition))} -o ${quoted(output(repetition))}`,
  }),
  stores: output,
};
