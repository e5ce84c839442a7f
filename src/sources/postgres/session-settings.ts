/**
 * The settings that every session of ours has, whatever the database or the role sets for itself: a dump that was read
 * with German dates, or restored with another search path, is not the same dump.
 */
const always: Readonly<Record<string, string>> = {
  search_path: '',
  client_encoding: 'UTF8',
  DateStyle: 'ISO',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '3',
  bytea_output: 'hex',
  xmloption: 'content',
  lc_monetary: 'C',
  array_nulls: 'on',
  quote_all_identifiers: 'off',
  standard_conforming_strings: 'on',
  // An error where a policy would hide rows.
  row_security: 'off',
  // A sequential scan starts at the first block and runs in one process: rows come in their order on disk.
  synchronize_seqscans: 'off',
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  client_min_messages: 'warning',
};

/** Settings that not every supported server knows, with the oldest major that does. */
const since: readonly { major: number; name: string; value: string }[] = [
  { major: 14, name: 'idle_session_timeout', value: '0' },
  { major: 17, name: 'transaction_timeout', value: '0' },
];

/** The value of the startup parameter `options` (and of PGOPTIONS) that sets what every server knows. */
export function startupOptions(): string {
  return optionsText(always);
}

/** PGOPTIONS for a program that talks to a server of this version (`server_version_num`) and encoding. */
export function programOptions(serverVersion: number, encoding: string): string {
  return optionsText({ ...always, ...laterSettings(serverVersion, encoding) });
}

/** What must be set once the server's version and encoding are known. */
export function laterSettings(serverVersion: number, encoding: string): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const { major, name, value } of since) if (serverVersion >= major * 10_000) settings[name] = value;
  // Such a database holds bytes of any encoding; asked for UTF8 the server would refuse to send those that are not.
  if (encoding === 'SQL_ASCII') settings.client_encoding = 'SQL_ASCII';
  return settings;
}

function optionsText(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replace(/[\\ ]/g, '\\$&')}`)
    .join(' ');
}
