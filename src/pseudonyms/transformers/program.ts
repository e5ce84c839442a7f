import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import type { Options } from '../options.ts';
import { Prf } from '../prf.ts';
import {
  type Cell,
  type ColumnFacts,
  type Guarantee,
  type PrepareContext,
  type Transformer,
  unfitValue,
} from '../transformer.ts';

/** What rules written as programs have in common. They run with the rights of Holdfast. */
interface ProgramOptions {
  /** Columns of the row that it may see, as they are in the source. */
  columns: readonly string[];
  /** It says of itself that two values never get one pseudonym. */
  unique: boolean;
  maxLength: number | undefined;
  /** It gets NULL and '' too. */
  all: boolean;
}

function programOptions(options: Options): ProgramOptions {
  return {
    columns: options.texts('columns'),
    unique: options.flag('unique', false),
    maxLength: options.integer('maxLength', { min: 1, max: 10_000_000 }),
    all: options.flag('all', false),
  };
}

function guaranteeOf(kind: string, { unique, maxLength, all }: ProgramOptions, column: ColumnFacts): Guarantee {
  if (maxLength !== undefined && column.maxLength !== undefined && maxLength > column.maxLength)
    throw new HoldfastError('config', `\`${kind}\` does not fit ${column.name}.`, {
      why: `Its \`maxLength\` is ${maxLength}; the column holds ${column.maxLength}.`,
    });
  return {
    uniqueness: unique ? 'bijective' : 'lossy',
    maxLength: maxLength ?? column.maxLength,
    nulls: all ? 'replaced' : 'kept',
    empty: all ? 'replaced' : 'kept',
    canonical: 'what the program says',
    reversible: false,
  };
}

/** Runs a program over a batch: only rows it is to see, and only answers that a cell can hold. */
function runOf(
  kind: string,
  column: ColumnFacts,
  { columns, all, ...options }: ProgramOptions,
  answer: (values: Cell[], rows: Record<string, Cell>[]) => unknown[],
): ReturnType<Transformer['prepare']> {
  const most = options.maxLength ?? column.maxLength ?? Number.POSITIVE_INFINITY;
  return (cells, out, others) => {
    const where: number[] = [];
    for (let i = 0; i < cells.length; i++) {
      out[i] = cells[i]!;
      if (all || cells[i]) where.push(i);
    }
    if (where.length === 0) return;
    const rows = where.map((i) => Object.fromEntries(columns.map((name, k) => [name, others![k]![i]!])));
    const made = answer(
      where.map((i) => cells[i]!),
      rows,
    );
    for (const [k, i] of where.entries()) {
      const value = made[k];
      const text = ['number', 'bigint', 'boolean'].includes(typeof value) ? String(value) : value;
      if (text !== null && typeof text !== 'string')
        throw unfitValue(kind, column, 'What its program answered is neither a text nor null.');
      if (text?.includes('\0')) throw unfitValue(kind, column, 'What its program answered holds a NUL.');
      if (text !== null && text.length > most && [...text].length > most)
        throw unfitValue(kind, column, `What its program answered is longer than ${most} characters.`);
      out[i] = text;
    }
  };
}

function directoryOf(kind: string, { baseDirectory, column }: PrepareContext): string {
  if (baseDirectory !== undefined) return baseDirectory;
  throw new HoldfastError('internal', `\`${kind}\` of ${column.name} was given no directory to start from.`);
}

type Written = (
  value: Cell,
  context: { pseudonym: (text: string, length?: number) => string; row: Record<string, Cell> },
) => unknown;

/**
 * A function of a JavaScript file: `export default (value, { pseudonym, row }) => …`. `pseudonym(text, length = 32)` gives
 * up to 32 hex digits by the key and the text; `row` holds the columns that `columns` names, as they are in the source.
 */
export function js(options: Options): Transformer {
  const file = options.requiredText('file');
  const common = programOptions(options);
  options.done();
  return {
    kind: 'js',
    companions: common.columns.map((column) => ({ column, value: 'original' })),
    guarantee: (column) => guaranteeOf('js', common, column),
    prepare(context) {
      const { key, column } = context;
      guaranteeOf('js', common, column);
      const written = load(resolve(directoryOf('js', context), file), column);
      const prf = new Prf(key.subkey('js'));
      const pseudonym = (text: string, length = 32) =>
        prf
          .one(Buffer.from(String(text)))
          .toString('hex')
          .slice(0, length);
      return runOf('js', column, common, (values, rows) =>
        values.map((value, k) => {
          try {
            return written(value, { pseudonym, row: rows[k]! });
          } catch {
            // Without its cause: the message may quote the value.
            throw unfitValue('js', column, `The function of ${file} threw an error.`);
          }
        }),
      );
    },
  };
}

/** Loaded at once, not by a promise: transformers are made while rows wait. */
function load(path: string, column: ColumnFacts): Written {
  const what = `The file of the rule \`js\` of ${column.name} cannot be used.`;
  let loaded: unknown;
  try {
    loaded = createRequire(path)(path);
  } catch (error) {
    // No row was read yet: the message can quote none.
    throw new HoldfastError('config', what, {
      why: `${(error as Error).message ?? error}`.split('\n')[0]!,
      cause: error,
    });
  }
  const found = (loaded as { default?: unknown } | null)?.default ?? loaded;
  if (typeof found === 'function') return found as Written;
  throw new HoldfastError('config', what, { why: 'It exports no function by default.' });
}

/**
 * An external program. It is started once and gets one line of JSON for each batch,
 * `{"column": …, "values": […], "rows": [{…}]}`, and answers with one line: a JSON list of as many texts or nulls. Its
 * working directory is that of the configuration, its environment holds nothing but a PATH.
 */
export function command(options: Options): Transformer {
  const argv = options.texts('command');
  const timeoutMs = options.integer('timeout', { min: 1, max: 3600 }, 60) * 1000;
  const common = programOptions(options);
  options.done();
  if (argv.length === 0 || argv[0] === '')
    throw new HoldfastError('config', 'The option `command` of `command` is wrong.', {
      why: 'It must be a list: the program, and its arguments.',
    });
  return {
    kind: 'command',
    companions: common.columns.map((column) => ({ column, value: 'original' })),
    guarantee: (column) => guaranteeOf('command', common, column),
    prepare(context) {
      const { column, programs } = context;
      guaranteeOf('command', common, column);
      const directory = directoryOf('command', context);
      if (programs === undefined) throw new HoldfastError('internal', `Nobody keeps the program of ${column.name}.`);
      const [name, ...rest] = argv as [string, ...string[]];
      // A bare name is looked for in the PATH.
      const program = name.includes('/') && !isAbsolute(name) ? join(directory, name) : name;
      const started = { command: [program, ...rest], directory, timeoutMs };
      return runOf('command', column, common, (values, rows) => {
        const request = { column: column.name, values, ...(common.columns.length > 0 && { rows }) };
        let answer: unknown;
        try {
          answer = JSON.parse(programs.ask(started, JSON.stringify(request)));
        } catch (error) {
          if (error instanceof HoldfastError) throw error;
          throw unfitValue('command', column, 'What its program answered is not JSON.');
        }
        if (!Array.isArray(answer) || answer.length !== values.length)
          throw unfitValue('command', column, `Its program did not answer with a list of ${values.length} values.`);
        return answer;
      });
    },
  };
}
