#!/usr/bin/env node
// The executable: Node's version, signals, exit status. Everything is imported when it is needed, so that an older Node
// gets as far as the sentence below, and `--version` is answered at once.
import { readFileSync } from 'node:fs';

const oldestNode = [22, 18] as const;
const killedBySigpipe = 141;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
  console.error(`error: Holdfast needs Node.js ${oldestNode.join('.')} or newer; this is ${process.versions.node}.`);
  console.error('hint: Install a current one from your distribution or https://nodejs.org, and run this again.');
  process.exit(1);
}

const args = process.argv.slice(2);
// Beside this file's directory there is a package.json in the sources and in the package alike.
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  console.log(version);
} else {
  await run();
}

async function run(): Promise<void> {
  const [{ main }, { HoldfastError }] = await Promise.all([
    import('../commands/program.ts'),
    import('../src/base/errors.ts'),
  ]);
  const interruption = new AbortController();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) {
    process.on(signal, () => {
      if (interruption.signal.aborted) {
        // Node waits at its exit for system calls under way, which on a dead network mount is for ever: then the
        // system's own answer to a third signal ends it.
        for (const name of signals) process.removeAllListeners(name);
        process.exit(130);
      }
      const why = `It was told to stop (${signal}).`;
      const hint = 'What was complete stays complete; run it again to go on.';
      interruption.abort(new HoldfastError('interrupted', 'The work was interrupted.', { why, hint }));
    });
  }
  let readerGone = false;
  // The reader of standard output has seen enough (`| head`). Work goes on: a backup must not end for that.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    readerGone = true;
  });
  // Nobody is left to tell.
  process.stderr.on('error', () => {});

  const { status, error } = await main({ args, version, signal: interruption.signal });
  const cutShort = readerGone && (error as NodeJS.ErrnoException | undefined)?.code === 'EPIPE';
  // Explicitly, since a connection that something left open must not keep a finished run alive under cron.
  process.stdout.write('', () => process.exit(cutShort ? killedBySigpipe : status));
}
