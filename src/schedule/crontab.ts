/** A file for /etc/cron.d. */
import { HoldfastError } from '../base/errors.ts';
import { restricts, scheduleFields } from './fields.ts';
import { type Installation, type InstalledFile, marker } from './installation.ts';

/**
 * @param systemTimeZone what cron on this machine goes by
 * @throws HoldfastError `config` when that is another one than the configuration's
 */
export function crontabFile(installation: Installation, path: string, systemTimeZone: string): InstalledFile {
  const { timeZone, jobs, user, command, credentials } = installation;
  if (sameZone(timeZone) !== sameZone(systemTimeZone)) {
    throw new HoldfastError('config', `cron would run the jobs at other times than the configuration says.`, {
      why: `It goes by the time zone of the system, ${systemTimeZone}, and \`rotation.timeZone\` is ${timeZone}.`,
      hint: 'Use --systemd, which knows time zones; or set both to the same one.',
    });
  }
  if (credentials.length > 0) {
    throw new HoldfastError('config', 'cron has no systemd credentials.', {
      why: `The configuration takes secrets from them: ${credentials.join(', ')}.`,
      hint: 'Use --systemd, or keep these secrets in files.',
    });
  }
  const lines = jobs.map(
    ({ name, schedule }) =>
      `${crontabFields(schedule)}  ${user}  ${shellLine([...command, '-q', 'run', '--retry', name])}`,
  );
  const head = [
    marker,
    `# Times are of the zone of the system, which was ${systemTimeZone}. cron itself does not catch up what it missed.`,
    'SHELL=/bin/sh',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ];
  return { path, text: `${[...head, ...lines].join('\n')}\n` };
}

/** Every number written out where a step stands: implementations of cron differ in what they make of `*` with a step. */
function crontabFields(schedule: string): string {
  const fields = scheduleFields(schedule);
  const restricted = restricts(fields);
  const list = (values: readonly number[], isWhole: boolean) => (isWhole ? '*' : values.join(','));
  return [
    list(fields.minutes, fields.minutes.length === 60),
    list(fields.hours, fields.hours.length === 24),
    list(fields.days, !restricted.days),
    list(fields.months, fields.months.length === 12),
    list(fields.weekdays, !restricted.weekdays),
  ].join(' ');
}

/** cron takes a `%` as the end of the line, unless it stands behind a backslash. */
function shellLine(words: readonly string[]): string {
  const quoted = words.map((word) => (/^[\w@+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`));
  return quoted.join(' ').replaceAll('%', '\\%');
}

/** Several names mean the same zone: `UTC` and `Etc/UTC`. */
function sameZone(timeZone: string): string {
  return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
}
