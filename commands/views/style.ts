/** Colours for people. Without colours every function gives its text back, so that views need not ask. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  green(text: string): string;
  cyan(text: string): string;
}

const same = (text: string): string => text;

export const plainStyle: Style = { bold: same, dim: same, red: same, yellow: same, green: same, cyan: same };

/** The style of a stream: chalk is loaded only when there is something to colour. */
export async function styleFor(colored: boolean): Promise<Style> {
  if (!colored) return plainStyle;
  const { Chalk } = await import('chalk');
  // The basic 16 colours follow the reader's own theme. Detection is ours: chalk does not know NO_COLOR.
  return new Chalk({ level: 1 });
}

/**
 * Whether a stream gets escape codes: only a terminal, never with `--no-color`, `NO_COLOR` (https://no-color.org: any
 * value but an empty one) or a terminal that knows none.
 */
export function wantsColor(
  stream: { isTTY?: boolean | undefined },
  flags: { color: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && flags.color && !environment.NO_COLOR && environment.TERM !== 'dumb';
}
