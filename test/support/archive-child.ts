/** Copies a database into an archive, telling the steps; to be killed meanwhile. */
import { copyToArchive } from '../../src/jobs/pseudonymize/to-archive.ts';
import { copySettings } from './copied-database.ts';

const { connection, lockFile, archive } = JSON.parse(process.argv[2]!);
const { target: _, ...settings } = copySettings({
  connection,
  lockFile,
  database: 'unused',
  emit: (event) => void (event.type === 'step' && process.stdout.write(`${event.text}\n`)),
});
await copyToArchive(settings, archive);
process.stdout.write('done\n');
