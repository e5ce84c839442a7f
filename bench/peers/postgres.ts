/** PostgreSQL's own programs. */
import { join } from 'node:path';
import { quoted, type Repetition, type Task } from '../task.ts';

const plainDump = ({ directory }: Repetition) => join(directory, 'plain-dump');
const restored = 'bench_pg_restore';

/** The least that any backup of the database has to do. */
export const readAlone: Task = {
  id: 'read-alone',
  stage: 'first',
  title: 'read alone: pg_dump -Fd -j2 -Z0',
  programs: [],
  command: (repetition) => ({
    script: `pg_dump -Fd -j2 -Z0 -f ${quoted(plainDump(repetition))} ${repetition.scene.database}`,
  }),
  stores: plainDump,
};

export const pgDump: Task = {
  id: 'pg-dump',
  stage: 'first',
  title: 'pg_dump -Fc (its own gzip)',
  programs: [],
  command: ({ directory, scene }) => ({
    script: `pg_dump -Fc -f ${quoted(join(directory, 'dump'))} ${scene.database}`,
  }),
  stores: ({ directory }) => join(directory, 'dump'),
};

export const pgRestore: Task = {
  id: 'pg-restore',
  stage: 'restore',
  title: 'pg_restore -j2 of the plain directory dump',
  programs: [],
  needs: ['read-alone'],
  prepare: ({ scene }) => scene.createDatabase(restored),
  command: (repetition) => ({ script: `pg_restore -j2 -d ${restored} ${quoted(plainDump(repetition))}` }),
  cleanUp: ({ scene }) => scene.dropDatabase(restored),
};
