/**
 * Settings under which statements with password hashes, or rows of production, are run: they keep a server from writing
 * them to its log, and pg_stat_statements, where it is loaded, from keeping them. Only superusers may set them.
 */
export const quietSettings: readonly (readonly [name: string, value: string])[] = [
  ['log_statement', 'none'],
  // Without the context of errors, which quotes the statement.
  ['log_error_verbosity', 'terse'],
  ['log_min_error_statement', 'panic'],
  ['log_min_duration_statement', '-1'],
  ['log_min_duration_sample', '-1'],
  ['log_transaction_sample_rate', '0'],
  ['log_duration', 'off'],
  ['log_parser_stats', 'off'],
  ['debug_print_parse', 'off'],
  ['debug_print_rewritten', 'off'],
  ['debug_print_plan', 'off'],
  ['pg_stat_statements.track', 'none'],
];

/**
 * The same as one statement, and no message of an error either: what a type or a function refuses is quoted in it.
 * Whoever runs statements is told of errors all the same.
 */
export const quietStatements = [...quietSettings, ['log_min_messages', 'fatal']]
  .map(([name, value]) => `SET ${name} = '${value}'`)
  .join('; ');
