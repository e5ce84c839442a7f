/** Holdfast, driven as people do: through its command line. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { quoted, type Repetition, type Scene, type Task } from './task.ts';

/** The program, as a command line begins. */
const program = [process.execPath, join(import.meta.dirname, '..', 'dist', 'bin', 'holdfast.js')];

type Which = 'database' | 'files';

const place = ({ directory }: Repetition, which: Which) => join(directory, `holdfast-${which}`);
const config = (repetition: Repetition, which: Which) => join(place(repetition, which), 'holdfast.yaml');
const vault = (which: Which) => (repetition: Repetition) => join(place(repetition, which), 'vault');
const restoredFiles = ({ directory }: Repetition) => join(directory, 'holdfast-restored');
const restoredDatabase = 'bench_holdfast';

function url({ server }: Scene, database: string): string {
  return `postgres://${server.user}@${encodeURIComponent(server.host)}:${server.port}/${database}`;
}

/** A repository of its own for the source, in the directory `at`: configuration, key of the host, two owners, a site on disk. */
export async function setUp(repetition: Repetition, which: Which, at = place(repetition, which)): Promise<void> {
  const { scene } = repetition;
  await mkdir(at);
  const source =
    which === 'database' ? ['--postgres', `source=${url(scene, scene.database)}`] : ['--files', `source=${scene.tree}`];
  const [command, ...before] = program;
  await execa(command!, [
    ...before,
    'init',
    '--yes',
    ...['--config', join(at, 'holdfast.yaml')],
    ...['--site', join(at, 'vault'), '--operator', 'Bench', '--country', 'FR'],
    ...['--host-name', 'bench', '--owner', 'anna', '--owner', 'bert'],
    ...['--owner-directory', join(at, 'owners')],
    ...['--state', join(at, 'state')],
    ...source,
  ]);
}

export function commandLine(...words: string[]): string {
  return [...program, ...words].map(quoted).join(' ');
}

function backup(repetition: Repetition, which: Which): string {
  return commandLine('backup', '--quiet', '--config', config(repetition, which));
}

function restore(repetition: Repetition, which: Which, target: string): string {
  const owner = join(place(repetition, which), 'owners', 'anna.key');
  const shared = ['--quiet', '--config', config(repetition, which), '--identity', owner];
  return commandLine('restore', 'source', ...shared, '--yes', '--to', target);
}

/** As it stands in a configuration that says nothing of it: a cluster of its own, and every check that is made by itself. */
function verify(repetition: Repetition): string {
  const at = place(repetition, 'database');
  const owner = join(at, 'owners', 'anna.key');
  const shared = ['--quiet', '--config', config(repetition, 'database'), '--identity', owner];
  return commandLine('verify', 'source', ...shared, '--scratch-dir', join(at, 'scratch'));
}

const task = (id: string, stage: Task['stage'], title: string, which: Which, more: Partial<Task>): Task => ({
  id,
  stage,
  title: `holdfast, ${title}`,
  programs: [],
  command: (repetition) => ({ script: backup(repetition, which) }),
  ...(stage.endsWith('restore') ? {} : { stores: vault(which) }),
  ...more,
});

export const holdfast: readonly Task[] = [
  task('holdfast-first', 'first', 'first', 'database', { prepare: (repetition) => setUp(repetition, 'database') }),
  task('holdfast-again', 'again', 'unchanged', 'database', { needs: ['holdfast-first'] }),
  task('holdfast-changed', 'changed', '1 % changed', 'database', { needs: ['holdfast-first'] }),
  task('holdfast-restore', 'restore', 'restore of the database', 'database', {
    needs: ['holdfast-first'],
    prepare: ({ scene }) => scene.dropDatabase(restoredDatabase),
    command: (repetition) => ({ script: restore(repetition, 'database', url(repetition.scene, restoredDatabase)) }),
    cleanUp: ({ scene }) => scene.dropDatabase(restoredDatabase),
  }),
  task('holdfast-verify', 'verify', 'verification of the database', 'database', {
    needs: ['holdfast-first'],
    command: (repetition) => ({ script: verify(repetition) }),
    stores: undefined,
  }),
  task('holdfast-files-first', 'files-first', 'files, first', 'files', {
    prepare: (repetition) => setUp(repetition, 'files'),
  }),
  task('holdfast-files-again', 'files-again', 'files, unchanged', 'files', { needs: ['holdfast-files-first'] }),
  task('holdfast-files-restore', 'files-restore', 'files, restore', 'files', {
    needs: ['holdfast-files-first'],
    command: (repetition) => ({ script: restore(repetition, 'files', restoredFiles(repetition)) }),
  }),
  {
    id: 'holdfast-version',
    stage: 'start',
    title: 'holdfast --version',
    programs: [],
    command: () => ({ script: commandLine('--version') }),
    times: 10,
  },
  {
    id: 'node-start',
    stage: 'start',
    title: 'node -e 0',
    programs: [],
    command: () => ({ script: `${quoted(process.execPath)} -e 0` }),
    times: 10,
  },
];
