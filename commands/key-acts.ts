/** How commands that change keys of sources end. */
import type { ErrorCode } from '../src/base/errors.ts';
import type { KeyActReport, SourceAct } from '../src/jobs/key-acts.ts';
import type { Context } from './context.ts';
import type { Style } from './views/style.ts';

export interface KeyActView {
  width?: number | undefined;
  style: Style;
  timeZone: string;
}

/** Shows the report, and tells the exit status: of failures for one reason it is that of the reason. */
export async function finishKeyAct<S extends SourceAct>(
  context: Context,
  schema: string,
  report: KeyActReport<S>,
  text: (report: KeyActReport<S>, view: KeyActView) => string,
): Promise<ErrorCode | undefined> {
  const { config } = await context.config();
  context.finishProgress();
  const { width, style } = context.output;
  const sources = report.sources.map(({ error, ...rest }) => {
    if (!error) return rest;
    const { code, message, why, hint } = error;
    return { ...rest, error: { code, message, why, hint } };
  });
  const view = () => text(report, { width, style, timeZone: config.rotation.timeZone });
  context.output.result(schema, { ...report, sources }, view, { summary: report.outcome === 'done' });
  if (report.outcome === 'done') return undefined;
  if (report.outcome === 'partial') return 'partial';
  const codes = new Set(report.sources.map(({ error }) => error?.code));
  const [code] = codes;
  return codes.size === 1 && code !== undefined ? code : 'failed';
}
