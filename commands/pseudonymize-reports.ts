/** The files that `holdfast pseudonymize run` and `check` leave: a page for people, a signed statement for auditors. */
import type { Command } from 'commander';
import type { CopyReport } from '../src/jobs/pseudonymize/copy-settings.ts';
import type { Context } from './context.ts';
import { assertWritable, replaceFile } from './output-files.ts';

export interface ReportFlags {
  html?: string;
  statement?: string;
}

export function addReportFlags(command: Command): Command {
  return command
    .option('--html <file>', 'write what was searched and found as a page')
    .option('--statement <file>', 'write it as a statement signed by the host, or by an owner (-i)');
}

/** What reports tell of. */
export type ReportedCopy = Pick<CopyReport, 'source' | 'database' | 'keyFingerprint' | 'lockSha256' | 'leaks'>;

export interface Reports {
  /** @param times milliseconds since 1970 */
  write(report: ReportedCopy, times: { started: number; ended: number }): Promise<void>;
}

/** Sees to it, before anything is copied, that every file can be written. @throws HoldfastError */
export async function prepareReports(context: Context, { html, statement }: ReportFlags): Promise<Reports> {
  if (html === undefined && statement === undefined) return { write: async () => {} };
  const { resolve } = await import('node:path');
  const page = html === undefined ? undefined : resolve(context.cwd, html);
  const signed = statement === undefined ? undefined : resolve(context.cwd, statement);
  if (page !== undefined) await assertWritable('html', page);
  if (signed !== undefined) await assertWritable('statement', signed);
  const signer = signed === undefined ? undefined : await signerOf(context);
  return {
    async write(report, { started, ended }) {
      const [{ config }, { isoTime }, { leakPredicate, signLeakReport }, { leakPage }, { versionOf }] =
        await Promise.all([
          context.config(),
          import('../src/base/clock.ts'),
          import('../src/jobs/pseudonymize/leak-report.ts'),
          import('../src/jobs/pseudonymize/leak-report-page.ts'),
          import('./version.ts'),
        ]);
      const { source, database, keyFingerprint, lockSha256, leaks } = report;
      const version = await versionOf();
      const times = { started: isoTime(started), ended: isoTime(ended) };
      const about = { source, database, keyFingerprint, lockSha256, ...times, version };
      if (page !== undefined) {
        const { timeZone } = config.rotation;
        await replaceFile(page, leakPage(leakPredicate(leaks, about), { timeZone }));
      }
      if (signed !== undefined && signer !== undefined) {
        await replaceFile(signed, signLeakReport(leaks, about, signer).toString('utf8'));
      }
    },
  };
}

/** The host's key where this is the host, else that of an owner. @throws HoldfastError `wrong-key` when there is neither */
async function signerOf(context: Context) {
  const owners = await context.owners();
  return owners[0] ?? (await context.host());
}
