import type { DatabaseLine } from './manifest.ts';

/** What is written beside the plain files of a database: how to load them with PostgreSQL's own programs. */
export function directoryReadme(database: DatabaseLine): string {
  const shell = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const locale =
    database.localeProvider === 'libc'
      ? ''
      : ` --locale-provider=${database.localeProvider}` +
        (database.locale === null || database.localeProvider !== 'icu'
          ? ''
          : ` --icu-locale=${shell(database.locale)}`);
  return `# A PostgreSQL database as plain files

Written by holdfast. \`schema.dump\` holds the definitions, \`tables/\` the rows of each table as COPY text, \`large-objects/\`
the large objects, and the JSON files beside them what belongs to each. Everything in this directory is in clear text.

To look at it: \`pg_restore -l schema.dump\` lists the definitions, \`tables.json\` says which file holds which table.

To load all of it into a new database, with \`psql\`, \`pg_restore\` and \`jq\`, as a superuser, in this directory. The roles
that \`database.json\` names must exist; \`PGHOST\`, \`PGPORT\` and \`PGUSER\` say where the server is.

\`\`\`sh
set -eu
new=\${new:-restored}
export PGOPTIONS="-c search_path= -c client_encoding=${database.encoding === 'SQL_ASCII' ? 'SQL_ASCII' : 'UTF8'} -c DateStyle=ISO -c IntervalStyle=postgres -c standard_conforming_strings=on -c session_replication_role=replica"
sql() { psql -X -q -v ON_ERROR_STOP=1 -d "$new" "$@"; }
createdb --template=template0 --encoding=${shell(database.encoding)} --lc-collate=${shell(database.collate)} --lc-ctype=${shell(database.ctype)}${locale} "$new"
${database.hasPublicSchema ? '' : `sql -c 'DROP SCHEMA public'\n`}pg_restore --exit-on-error --section=pre-data -d "$new" schema.dump
jq -c '.[]' tables.json | while read -r table; do
  sql -c "$(printf '%s' "$table" | jq -r .load)" < "$(printf '%s' "$table" | jq -r .file)" > /dev/null
done
jq -c '.[]' sequences.json | while read -r sequence; do
  sql -c "$(printf '%s' "$sequence" | jq -r .set)" < /dev/null > /dev/null
done
if [ -d large-objects ]; then
  # The objects themselves, with their owners, were made by pg_restore.
  for file in large-objects/*; do
    printf "SELECT pg_catalog.lo_put(%s, 0, pg_catalog.decode('%s', 'base64'));" "\${file##*/}" "$(base64 -w 0 "$file")" | sql > /dev/null
  done
fi
PGOPTIONS= pg_restore --exit-on-error --section=post-data -d "$new" schema.dump
\`\`\`

Settings, privileges and comment of the database itself are in \`database.json\`; ${
    database.settings.length === 0 ? 'it had no settings' : 'give it its settings with ALTER DATABASE … SET'
  }.
`;
}
