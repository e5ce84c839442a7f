/** Makes a pseudonymized copy as its argument says, telling each step; to be killed meanwhile. */
import { copyDatabase } from '../../src/jobs/pseudonymize/copy-database.ts';
import { copySettings } from './copied-database.ts';

const { connection, lockFile, database, admin } = JSON.parse(process.argv[2]!);
await copyDatabase({
  ...copySettings({ connection, lockFile, database }),
  target: { admin, database, replace: true },
  emit: (event) => {
    if (event.type === 'step') process.stdout.write(`step ${event.text}\n`);
    else if (event.type === 'progress' && event.activity === 'rows') process.stdout.write(`rows ${event.done}\n`);
  },
});
process.stdout.write('copied\n');
