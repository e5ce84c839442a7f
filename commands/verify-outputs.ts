/** The files that `holdfast verify` leaves: JUnit for pipelines, a page for people, signed statements for auditors. */
import type { Command } from 'commander';
import { HoldfastError } from '../src/base/errors.ts';
import type { VerifyReport } from '../src/jobs/verify/report.ts';
import type { VerifyRequest } from '../src/jobs/verify/request.ts';
import type { TrendPoint } from '../src/jobs/verify/results/page-charts.ts';
import type { PastProofs } from '../src/jobs/verify/statement-history.ts';
import type { ProofRecorder } from '../src/jobs/verify/statement-record.ts';
import type { RepositoryAccess } from '../src/repository/access.ts';
import type { Context } from './context.ts';
import { assertWritable, replaceFile } from './output-files.ts';

export interface OutputFlags {
  junit?: string;
  html?: string;
  statement?: string;
}

/** Adds the flags to the command. */
export function addOutputFlags(command: Command): Command {
  return command
    .option('--junit <file>', 'write the checks as JUnit XML, for a pipeline')
    .option('--html <file>', 'write a page that people can read')
    .option('--statement <file>', 'write the signed statements, for an auditor');
}

export interface OutputContent {
  report: VerifyReport;
  timeZone: string;
  /** Proofs of the past, by source. Asked only where a page is written. */
  trends: () => Promise<ReadonlyMap<string, readonly TrendPoint[]>>;
  /** Signed statements, a line each. */
  statements: readonly string[];
}

export interface Outputs {
  /** Absolute paths of what was written. Files that are there are replaced, each at once and whole. */
  write(content: OutputContent): Promise<string[]>;
}

/**
 * Sees to it, before hours are spent, that every file can be written.
 *
 * @throws HoldfastError `usage` when a directory is missing or two flags name one file, `failed` when it cannot be written to
 */
export async function prepareOutputs({ cwd }: Pick<Context, 'cwd'>, flags: OutputFlags): Promise<Outputs> {
  const { resolve } = await import('node:path');
  const named = (['junit', 'html', 'statement'] as const).flatMap((kind) => {
    const file = flags[kind];
    return file === undefined ? [] : [{ kind, path: resolve(cwd, file) }];
  });
  for (const [at, { kind, path }] of named.entries()) {
    const other = named.slice(0, at).find((one) => one.path === path);
    if (other) throw new HoldfastError('usage', `--${kind} and --${other.kind} name the same file: ${path}`);
    await assertWritable(kind, path);
  }
  return {
    async write({ report, timeZone, trends, statements }) {
      const written: string[] = [];
      for (const { kind, path } of named) {
        if (kind === 'junit') {
          const { junitOf } = await import('../src/jobs/verify/results/junit.ts');
          await replaceFile(path, junitOf(report));
        } else if (kind === 'html') {
          const { pageOf } = await import('../src/jobs/verify/results/html.ts');
          await replaceFile(path, pageOf(report, { timeZone, history: await trends() }));
        } else await replaceFile(path, statements.join(''));
        written.push(path);
      }
      return written;
    },
  };
}

/** Signs and stores each proof as it is done, and lets sites take turns as the proofs of all machines tell. */
export interface Recording {
  /** To be asked for with the verification. */
  request: Required<Pick<VerifyRequest, 'chooseSite' | 'proved'>>;
  past: PastProofs;
  recorder: ProofRecorder;
}

/** @param access to every site that shall get the proofs @param version of this program */
export async function recordingAt(access: RepositoryAccess, version: string): Promise<Recording> {
  const [{ ProofRecorder }, { PastProofs }] = await Promise.all([
    import('../src/jobs/verify/statement-record.ts'),
    import('../src/jobs/verify/statement-history.ts'),
  ]);
  const [recorder, past] = [new ProofRecorder(version), new PastProofs(access)];
  return {
    past,
    recorder,
    request: {
      chooseSite: (source, sites) => past.siteFor(source, sites),
      proved: async (proof, { source, snapshot }) => {
        // Of what could not be opened nothing can be stated.
        if (source && snapshot) await recorder.record(access, source, snapshot, proof);
      },
    },
  };
}
