/** `holdfast keys test`: can the owners open what is theirs? */
import type { Command } from 'commander';
import type { ErrorCode } from '../src/base/errors.ts';
import type { KeyTest } from '../src/jobs/keys.ts';
import type { Context, Start } from './context.ts';
import { openAccess } from './repository-access.ts';

const help = `
A source counts as protected only after every owner has answered once, after its
first backup. Those answer whose identities are given by -i or named in the
configuration; run it where the identity is.

Example:
  $ holdfast keys test -i /media/key/anna.key
`;

/** Adds the command below `keys`. */
export function addKeysTest(keys: Command, start: Start): void {
  keys
    .command('test')
    .description('let owners prove that they can open what is theirs')
    .addHelpText('after', help)
    .action(() => start(test));
}

async function test(context: Context): Promise<ErrorCode | undefined> {
  const [{ testKeys }, { partiesOf }, { namesInRepository }, { covers }, { keyTestsText }] = await Promise.all([
    import('../src/jobs/keys.ts'),
    import('../config/trust-parties.ts'),
    import('./source-settings.ts'),
    import('../src/repository/source-name.ts'),
    import('./views/key-tests.ts'),
  ]);
  const { config } = await context.config();
  await using opened = await openAccess(context, { host: 'optional', sites: 'one' });
  const names = await namesInRepository(opened.access, config, []);
  const mayOpen = new Map(partiesOf(config).map(({ name, sources }) => [name, sources]));
  // Not opening what is not theirs is as it should be.
  const tests = (await testKeys(opened.access, names)).filter(
    ({ party, source, result }) => result !== 'not-a-party' || covers(mayOpen.get(party), source),
  );
  context.finishProgress();
  const { width, style } = context.output;
  const shown = tests.map(({ error, ...rest }) => {
    if (!error) return rest;
    const { code, message, why, hint } = error;
    return { ...rest, error: { code, message, why, hint } };
  });
  context.output.result('keys-test/1', { tests: shown }, () => keyTestsText(tests, { width, style }));
  return codeOf(tests);
}

/** A test that could not be made is no pass. */
function codeOf(tests: readonly KeyTest[]): ErrorCode | undefined {
  if (tests.some(({ result }) => result === 'failed' || result === 'not-a-party')) return 'wrong-key';
  return tests.length > 0 && tests.every(({ result }) => result === 'opened') ? undefined : 'could-not-verify';
}
