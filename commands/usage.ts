/** What is wrong with a command line, in the words of every other error. */
import type { Command, CommanderError } from 'commander';
import { HoldfastError } from '../src/base/errors.ts';

/** A usage error of the parser as a HoldfastError. */
export function usageError(error: CommanderError, args: readonly string[], program: Command): HoldfastError {
  const help = `\`${[...commandPath(args, program), '--help'].join(' ')}\` shows what there is.`;
  if (error.code === 'commander.help' || error.code === 'commander.helpDisplayed') {
    return new HoldfastError('usage', 'No command was given.', { hint: 'Name one of the commands above.' });
  }
  // What follows `=` may be a secret that was given under a mistyped name.
  const text = error.message.replace(/^error: /, '').replace(/(unknown option '[^'=]*)=.*?'/s, "$1'");
  const [what = '', meant] = text.split(/\n\(|\)$/);
  const sentence = what.charAt(0).toUpperCase() + what.slice(1);
  return new HoldfastError('usage', /[.!?]$/.test(sentence) ? sentence : `${sentence}.`, {
    hint: meant ? meant : help,
  });
}

/** A usage error that we find ourselves. */
export function badUsage(message: string, hint?: string): HoldfastError {
  return new HoldfastError('usage', message, { ...(hint && { hint }) });
}

/** `['holdfast', 'keys', 'new']`: the names of the command line that are commands. */
function commandPath(args: readonly string[], program: Command): string[] {
  const path = [program.name()];
  let at = program;
  for (const arg of args) {
    const next = at.commands.find((command) => command.name() === arg);
    if (!next) continue;
    path.push(arg);
    at = next;
  }
  return path;
}

/** Reads a whole number of at least `least`. For `argParser`. */
export function wholeNumber(name: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw badUsage(`${name} wants a whole number of at least ${least}.`);
  };
}

/** Collects the values of an option that may be given several times. For `argParser`. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
