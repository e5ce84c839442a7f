/** `holdfast verify --offline-statement`: what an auditor does, with public keys alone. */
import type { Command } from 'commander';
import { type ErrorCode, HoldfastError, systemCode } from '../src/base/errors.ts';
import type { Context } from './context.ts';

export interface StatementFlags {
  offlineStatement?: string;
  trust?: string;
  trustSha256?: string;
}

/** The largest statement file that is read, in bytes. */
const sizeLimit = 512 * 1024 * 1024;

/** Adds the flags to the command. */
export function addStatementFlags(command: Command): Command {
  return command
    .option('--offline-statement <file>', 'check signed statements with public keys alone; reads no site')
    .option('--trust <file>', 'with it: whom to believe, a trust.json, instead of the configuration')
    .option('--trust-sha256 <hex>', 'with it: the SHA-256 that the trust.json must have');
}

/**
 * Checks a statement file, and tells what it proves.
 *
 * @returns `verification-failed` when a statement is not valid, or says so; `could-not-verify` when it says that
 * @throws HoldfastError `usage`, `not-trusted` when the trust.json is another
 */
export async function checkStatementFile(context: Context, flags: StatementFlags): Promise<ErrorCode | undefined> {
  const [{ checkStatements, codeOfStatements, readPublicTrust }, { statementText }] = await Promise.all([
    import('../src/jobs/verify/statement-check.ts'),
    import('./views/statement.ts'),
  ]);
  const file = flags.offlineStatement;
  if (file === undefined) throw new HoldfastError('usage', '--trust goes with --offline-statement.');
  const trust =
    flags.trust === undefined ? await ownTrust(context) : readPublicTrust(...(await namedTrust(context, flags)));
  const statements = checkStatements((await read(context, file)).toString('utf8'), trust);
  const code = codeOfStatements(statements);
  context.finishProgress();
  const timeZone = flags.trust === undefined ? (await context.config()).config.rotation.timeZone : 'UTC';
  const { style } = context.output;
  context.output.result(
    'statement/1',
    { trust: { sha256: trust.sha256, repository: trust.repository }, outcome: code ?? 'pass', statements },
    () => statementText(statements, { style, timeZone, trust: trust.sha256 }),
  );
  return code;
}

async function namedTrust(context: Context, { trust, trustSha256 }: StatementFlags): Promise<[Buffer, string]> {
  if (trustSha256 === undefined || !/^[0-9a-f]{64}$/i.test(trustSha256)) {
    throw new HoldfastError('usage', '--trust needs --trust-sha256, 64 hex digits.', {
      why: 'A trust.json alone could come from whoever made the statement.',
      hint: 'The hash is on the escrow sheet (holdfast keys export); ask somebody whom you believe.',
    });
  }
  return [await read(context, trust!), trustSha256];
}

async function ownTrust(context: Context) {
  const [{ readPublicTrust }, { Trust }, { partiesOf }, { config }] = await Promise.all([
    import('../src/jobs/verify/statement-check.ts'),
    import('../src/repository/trust.ts'),
    import('../config/trust-parties.ts'),
    context.config(),
  ]);
  return readPublicTrust(new Trust(config.repository, partiesOf(config)).text());
}

async function read({ cwd }: Context, file: string): Promise<Buffer> {
  const [{ readFile, stat }, { resolve }] = await Promise.all([import('node:fs/promises'), import('node:path')]);
  const path = resolve(cwd, file);
  try {
    if ((await stat(path)).size > sizeLimit) throw Object.assign(new Error(), { code: 'EFBIG' });
    return await readFile(path);
  } catch (error) {
    throw new HoldfastError('not-found', `${path} cannot be read.`, {
      why: `The system says ${systemCode(error) ?? 'nothing more'}.`,
      cause: error,
    });
  }
}
