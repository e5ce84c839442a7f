import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Throwaway, throwawaySettings } from '../../src/sources/postgres/throwaway.ts';

/** A shell script that starts and stops the demo's server again, as the account that owns its data. */
export async function serverScript({ directory, binaries, connection }: Throwaway): Promise<string> {
  const data = join(directory, 'data');
  const { uid, gid } = await stat(data);
  const settings = { ...throwawaySettings, unix_socket_directories: connection.host, port: connection.port };
  const options = Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value === '' ? "''" : value}`)
    .join(' ');
  return `#!/bin/sh
# Starts and stops the throw-away PostgreSQL of this demo: ./postgres start | stop
set -eu
data=${quote(data)}
socket=${quote(connection.host)}
as_server() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid=${uid} --regid=${gid} --clear-groups env -i PATH=/usr/bin:/bin HOME=/ LC_ALL=C "$@"
  else
    env -i PATH=/usr/bin:/bin HOME=/ LC_ALL=C "$@"
  fi
}
cd /
case "\${1:-}" in
  start)
    if [ ! -d "$socket" ]; then
      mkdir -m 700 "$socket"
      if [ "$(id -u)" = 0 ]; then chown ${uid}:${gid} "$socket"; fi
    fi
    as_server ${quote(join(binaries.directory, 'pg_ctl'))} -D "$data" -l "$data/server.log" -w -o ${quote(options)} start
    ;;
  stop) as_server ${quote(join(binaries.directory, 'pg_ctl'))} -D "$data" -m fast stop ;;
  *) echo "usage: $0 start | stop" >&2; exit 2 ;;
esac
`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
