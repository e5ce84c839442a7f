/** The command line: global options, the commands, and what becomes of errors. */
import { Command, CommanderError, Option } from 'commander';
import { exitStatus, HoldfastError } from '../src/base/errors.ts';
import { addBackup } from './backup.ts';
import { addCat } from './cat.ts';
import { addCheck } from './check.ts';
import { addCompact } from './compact.ts';
import { Context, isBrokenPipe, leftPrompt, type Start, type Surroundings } from './context.ts';
import { addDemo } from './demo.ts';
import { addDoctor } from './doctor.ts';
import { addInit } from './init.ts';
import { addKeys } from './keys.ts';
import { addLs } from './ls.ts';
import { addNotify } from './notify.ts';
import { type Flags, Output } from './output.ts';
import { addPrune } from './prune.ts';
import { addPseudonymize } from './pseudonymize.ts';
import { addRepair } from './repair.ts';
import { addRestore } from './restore.ts';
import { addRun } from './run.ts';
import { addSchedule } from './schedule.ts';
import { addSnapshots } from './snapshots.ts';
import { addStatus } from './status.ts';
import { addSync } from './sync.ts';
import { collect, usageError } from './usage.ts';
import { addVerify } from './verify.ts';
import { errorDocument, errorText, shownError } from './views/error.ts';
import { type Style, styleFor, wantsColor } from './views/style.ts';

export interface MainOptions {
  args: readonly string[];
  version: string;
  /** Aborted with a HoldfastError `interrupted`. */
  signal: AbortSignal;
}

export interface MainOutcome {
  status: number;
  /** What it ended with, already reported. */
  error?: unknown;
}

/** Runs one command line to its end. Never throws. */
export async function main({ args, version, signal }: MainOptions): Promise<MainOutcome> {
  const surroundings: Surroundings = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    cwd: process.cwd(),
    signal,
  };
  const flags = flagsOf(args);
  let context: Context | undefined;
  let status = 0;
  const start: Start = async (work) => {
    Object.assign(flags, program.opts());
    context = await Context.open(flags, surroundings);
    const { emit } = context;
    const told = () => emit({ type: 'note', text: 'Stopping; interrupt again to stop at once.' });
    signal.addEventListener('abort', told, { once: true });
    try {
      signal.throwIfAborted();
      const code = await work(context);
      if (code) status = exitStatus[code];
    } finally {
      signal.removeEventListener('abort', told);
      context.finishProgress();
    }
  };
  const style = await styleFor(wantsColor(surroundings.stdout, flags, surroundings.environment));
  const program = createProgram(start, { version, style });
  try {
    await program.parseAsync(args, { from: 'user' });
    return { status };
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return { status: 0 };
    if (isBrokenPipe(thrown)) return { status: 1, error: thrown };
    const error = shownError(meantError(thrown, args, program, signal));
    const output = context?.output ?? (await Output.open(surroundings, flags, surroundings.environment));
    surroundings.stderr.write(errorText(error, output.errorStyle, flags.verbose));
    if (flags.json && !output.documentWritten) output.document('error/1', errorDocument(error));
    return { status: exitStatus[error.code], error };
  }
}

/** After an interruption whatever breaks breaks because of it. */
function meantError(thrown: unknown, args: readonly string[], program: Command, signal: AbortSignal): unknown {
  if (thrown instanceof CommanderError) return usageError(thrown, args, program);
  if (signal.aborted) return signal.reason;
  if (leftPrompt(thrown)) {
    return new HoldfastError('interrupted', 'A question was left unanswered.', { why: 'Nothing was written.' });
  }
  return thrown;
}

/** What is needed before, or instead of, parsing: how to report that the line cannot be parsed. */
function flagsOf(args: readonly string[]): Flags {
  const end = args.indexOf('--');
  const own = end < 0 ? args : args.slice(0, end);
  return {
    json: own.includes('--json'),
    quiet: own.includes('-q') || own.includes('--quiet'),
    verbose: own.includes('-v') || own.includes('--verbose'),
    color: !own.includes('--no-color'),
    identity: [],
  };
}

const examples = `
Examples:
  $ holdfast init                           asks, and writes holdfast.yaml
  $ holdfast backup                         every source, to every site
  $ holdfast snapshots app                  what there is of the source app
  $ holdfast restore app@latest --to new    into a new database, same server
  $ holdfast demo                           the whole story on throw-away data

A snapshot is written app, app@latest, app@2026-11-22 or app@<start of its id>.
Exit status: 0 done, 1 failed, 2 usage or configuration, 3 partly done,
4 differs or damaged, 5 could not verify, 10 no repository, 11 somebody else
works on it, 12 wrong or missing key, 130 interrupted.
`;

/** The program with every command; `start` is called by the command that is meant. */
export function createProgram(start: Start, options: { version: string; style: Style }): Command {
  const { version, style } = options;
  const program = new Command('holdfast')
    .description('Backups that are proven, not assumed: PostgreSQL and files, encrypted, restorable without Holdfast.')
    .usage('<command> [options]')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({
      showGlobalOptions: true,
      styleTitle: (text) => style.bold(text),
      styleCommandText: (text) => style.cyan(text),
    })
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .addHelpCommand(new Command('help').argument('[command]').description('show help for a command').helpGroup('Help:'))
    .option('-c, --config <file>', 'configuration (default: ./holdfast.yaml, $HOLDFAST_CONFIG, /etc/holdfast/…)')
    .option(
      '-i, --identity <file>',
      'identity file of an owner, besides those the configuration names; repeatable',
      collect,
    )
    .option('--json', 'one JSON document on standard output')
    .addOption(new Option('-q, --quiet', 'only warnings and errors').conflicts('verbose'))
    .option('-v, --verbose', 'more about what is done, and where errors come from')
    .option('--no-color', 'no colours (also with NO_COLOR, and where there is no terminal)')
    .addHelpText('after', examples);

  program.commandsGroup('Set up:');
  addInit(program, start);
  addKeys(program, start);
  addDoctor(program, start);
  addDemo(program, start);
  program.commandsGroup('Back up and restore:');
  addBackup(program, start);
  addRestore(program, start);
  addVerify(program, start);
  addPseudonymize(program, start);
  program.commandsGroup('Unattended:');
  addRun(program, start);
  addSchedule(program, start);
  addStatus(program, start);
  addNotify(program, start);
  program.commandsGroup('Look inside:');
  addSnapshots(program, start);
  addLs(program, start);
  addCat(program, start);
  program.commandsGroup('Care:');
  addCheck(program, start);
  addRepair(program, start);
  addSync(program, start);
  addPrune(program, start);
  addCompact(program, start);
  return program;
}
