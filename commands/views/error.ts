/** How a failure is shown: what, why, and what to do. */
import type { ConfigError, ConfigProblem } from '../../config/problems.ts';
import { type ErrorCode, HoldfastError } from '../../src/base/errors.ts';
import { plainStyle, type Style } from './style.ts';
import { printable, printableLines } from './width.ts';

export interface ErrorDocument {
  error: {
    code: ErrorCode;
    message: string;
    why?: string | undefined;
    hint?: string | undefined;
    problems?: readonly ConfigProblem[] | undefined;
  };
}

/** Anything thrown, as the error that is shown. What is not ours is a defect, and says so. */
export function shownError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const what = error instanceof Error ? error.message : String(error);
  return new HoldfastError('internal', firstLine(what) || 'Something failed without saying what.', {
    why: 'Holdfast did not expect this; it is a defect in it or an unusual state of the machine.',
    hint: 'Run it again with `-v` to see where it happened, and report that.',
    cause: error,
  });
}

export function errorDocument(error: HoldfastError): ErrorDocument {
  const { code, message, why, hint } = error;
  const problems = problemsOf(error);
  return { error: { code, message, why, hint, ...(problems && { problems }) } };
}

/** The lines for standard error. With `verbose`, also where it came from. */
export function errorText(error: HoldfastError, style: Style = plainStyle, verbose = false): string {
  const lines = [`${style.red(style.bold('error:'))} ${printableLines(error.message)}`];
  const problems = problemsOf(error);
  if (problems) lines.push(...problems.map((problem) => `  ${problemLine(problem, style)}`));
  else if (error.why) lines.push(`${style.bold('why:')} ${printableLines(error.why)}`);
  if (error.hint) lines.push(`${style.bold('hint:')} ${printableLines(error.hint)}`);
  if (verbose) {
    for (let at: unknown = error; at instanceof Error; at = at.cause) {
      lines.push(style.dim(printableLines(at.stack ?? `${at.name}: ${at.message}`)));
    }
  }
  return `${lines.join('\n')}\n`;
}

/** `holdfast.yaml:12:5: sources[0].path: is missing`, the form that editors and terminals can jump to. */
function problemLine({ file, line, column, path, message }: ConfigProblem, style: Style): string {
  const place = style.bold(printable(`${file}:${line}:${column}:`));
  return `${place} ${path === '' ? '' : `${printable(path)}: `}${printable(message)}`;
}

/** Asked by shape: loading the configuration's modules for an error of another kind would cost time. */
function problemsOf(error: HoldfastError): ConfigError['problems'] | undefined {
  const problems = (error as Partial<ConfigError>).problems;
  return Array.isArray(problems) ? problems : undefined;
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
