import { HoldfastError } from '../../base/errors.ts';
import type { Options } from '../options.ts';
import { expressionProblem } from '../sql-expression.ts';
import type { Transformer } from '../transformer.ts';
import { copyCells } from './constant.ts';

/**
 * What an SQL expression makes of the row, worked out by the source while the row is read; functions that are not
 * PostgreSQL's own are written with their schema. Whoever writes it says what the value still tells.
 */
export function sql(options: Options): Transformer {
  const expression = options.requiredText('expression');
  options.done();
  const problem = expressionProblem(expression);
  if (problem !== undefined)
    throw new HoldfastError('config', 'The option `expression` of `sql` is wrong.', {
      why: problem,
      hint: "Write one expression of the row's columns, e.g. `date_trunc('month', created_at)`.",
    });
  return {
    kind: 'sql',
    companions: [],
    expression,
    guarantee: (column) => ({
      uniqueness: 'lossy',
      maxLength: column.maxLength,
      nulls: 'replaced',
      empty: 'replaced',
      canonical: 'what the expression reads',
      reversible: false,
    }),
    // Rows come with it.
    prepare: () => copyCells,
  };
}
