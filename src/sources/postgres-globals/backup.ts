import type { EndedStream } from '../../repository/stored-stream.ts';
import type { OutputLine } from '../command/manifest.ts';
import type { PostgresConnection } from '../postgres/connection.ts';
import { openSession } from '../postgres/session.ts';
import type { BackupContext, BackupOutcome, Shortfall } from '../source.ts';
import { type Globals, totalsOf } from './globals.ts';
import { storeTextTask } from './lane-tasks.ts';
import { dataName, scriptName } from './manifest.ts';
import { readGlobals } from './read.ts';
import { globalsScript } from './script.ts';

export interface GlobalsSettings {
  connection: PostgresConnection;
  /** False: roles are carried without their passwords, and nothing lacks then. */
  passwords: boolean;
}

/**
 * Stores what the cluster holds beside its databases, as data and as a script. Both go into data streams, which hosts cannot
 * open; what hosts see of the snapshot are figures.
 *
 * Totals: `roles`, `passwords`, `memberships`, `settings`, `tablespaces`, `parameters`.
 *
 * @throws HoldfastError `source-failed`
 */
export async function backupGlobals(context: BackupContext, settings: GlobalsSettings): Promise<BackupOutcome> {
  const { signal, lanes } = context;
  context.emit({ type: 'step', text: 'Reading roles' });
  await using session = await openSession(settings.connection, { applicationName: 'holdfast backup', signal });
  const globals = await readGlobals(session, settings);
  const store = async (filename: string, text: string) => {
    const { stored } = await lanes.run<EndedStream>(storeTextTask, Buffer.from(text));
    const line: OutputLine = { kind: 'output', filename, stream: stored };
    await context.writeLine(line);
  };
  await store(scriptName, globalsScript(globals));
  await store(dataName, `${JSON.stringify(globals, null, 1)}\n`);
  return { totals: totalsOf(globals), shortfalls: shortfallsOf(globals, session.encoding) };
}

/** Hosts can read these: no names, no values. */
function shortfallsOf(globals: Globals, encoding: string): Shortfall[] {
  const { roles, passwords } = globals;
  const shortfalls: Shortfall[] = [];
  if (passwords === 'unreadable') {
    const reason = `Those of ${roles.length} roles are not in the snapshot: the role that backs up may not read pg_authid. Say \`passwords: false\` if that is wanted.`;
    shortfalls.push({ object: 'passwords', reason, degrades: true });
  }
  if (passwords === 'left-out') {
    shortfalls.push({ object: 'passwords', reason: 'The configuration leaves them out.', degrades: false });
  }
  const text = JSON.stringify(globals);
  if (encoding !== 'UTF8' && Buffer.byteLength(text) !== text.length) {
    const reason = `Some are not ASCII, and were read as ${encoding}, the encoding of the database that was connected to; a role made in a database of another encoding has another name here.`;
    shortfalls.push({ object: 'names', reason, degrades: false });
  }
  return shortfalls;
}
