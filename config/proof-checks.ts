/** What a proof asks beside the comparison: keys of `verify`. Which sources they may name is in proof-references.ts. */
import { z } from 'zod';
import { nameParts } from './name-parts.ts';
import { type Secret, secret } from './secrets.ts';
import { count, duration, name, text } from './values.ts';

const years = 5 * 366 * 86_400_000;
const longest = 'five years';
const dayMs = 86_400_000;
const defaultTimeout = '5m';

/** A table, as its catalog writes it. */
export interface CheckedTable {
  schema: string;
  table: string;
}

const table = z.string().transform((value, context): CheckedTable => {
  const [schema, last, ...more] = nameParts(value) ?? [];
  if (schema !== undefined && last !== undefined && more.length === 0) return { schema, table: last };
  const message = 'expected schema.table, such as app.orders; a name with a dot stands in double quotes';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const pathColumn = z.string().transform((value, context): CheckedTable & { column: string } => {
  const [schema, middle, column, ...more] = nameParts(value) ?? [];
  if (schema !== undefined && middle !== undefined && column !== undefined && more.length === 0) {
    return { schema, table: middle, column };
  }
  const message = 'expected schema.table.column, such as app.documents.path; a name with a dot stands in double quotes';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const timeout = duration(dayMs, '24h')
  .prefault(defaultTimeout)
  .meta({ description: 'How long a statement may run before the check could not be made.', samples: ['30s'] });

const sourceOf = (what: string) =>
  z.string().meta({
    description: `Name of the ${what}; a database of a cluster is written \`cluster/database\`.`,
    samples: ['app'],
  });

const bounds = (number: z.ZodNumber) =>
  z
    .strictObject({
      min: number.optional().meta({ description: 'The least.', samples: [1], defaultText: 'no limit' }),
      max: number.optional().meta({ description: 'The most.', samples: [1000], defaultText: 'no limit' }),
    })
    .refine(({ min, max }) => min !== undefined || max !== undefined, 'expected `min`, `max` or both')
    .refine(
      ({ min, max }) => min === undefined || max === undefined || min <= max,
      'expected a `min` that is not above `max`',
    );

const rowCount = z.int('expected a whole number').min(0, 'expected a whole number, not below 0');

const expected = z.union(
  [
    z.number(),
    z.boolean(),
    z.string(),
    z.strictObject({
      rows: z
        .union([rowCount, bounds(rowCount)], { error: 'expected a whole number, or a mapping with `min` and `max`' })
        .meta({
          description: 'How many rows must come, of whatever.',
          samples: [0],
        }),
    }),
    bounds(z.number()),
  ],
  { error: 'expected a number, true, false, a text, {min: …, max: …} or {rows: …}' },
);

const show = z
  .boolean()
  .default(false)
  .meta({
    description: 'Reports name the number, or the age, that came of it. Never a text.',
    samples: [true],
  });

const canary = z.strictObject({
  table: table.meta({ description: 'The table, `schema.table`.', samples: ['app.customers'] }),
  column: text.meta({ description: 'A column that finds it; better one with an index.', samples: ['email'] }),
  value: z.union([text, z.number(), secret], { error: 'expected a text, a number, or a secret' }).meta({
    description: 'What the column holds there. May be a secret; no report names it.',
    samples: [{ env: 'CANARY_EMAIL' }],
  }),
});

const freshness = z.strictObject({
  table: table.meta({ description: 'The table, `schema.table`.', samples: ['app.orders'] }),
  column: text.meta({
    description: 'When a row was written: a timestamp with time zone, or one without or a date, which are read as UTC.',
    samples: ['created_at'],
  }),
  within: duration(years, longest).meta({
    description: 'How old the newest row may be, seen from the snapshot. Rows of the future do not count.',
    samples: ['26h'],
  }),
});

/** What is asked of one database; exactly one of `sql`, `canary` and `freshness`. */
const assertion = z
  .strictObject({
    name: name.meta({ description: 'What the check is called: `assertion:<name>`.', samples: ['orders-there'] }),
    source: sourceOf('database'),
    sql: text.optional().meta({
      description:
        'One query that only reads. Names of tables and functions stand with their schema: there is no search path.',
      samples: ['SELECT count(*) FROM app.orders'],
      defaultText: 'none',
    }),
    expect: expected.optional().meta({
      description:
        'Of `sql`: the one value of its one row, bounds of that value, or the number of rows. No row at all is a failure.',
      samples: [{ min: 1 }],
      defaultText: 'none',
    }),
    canary: canary.optional().meta({
      description: 'In the place of `sql`: a row that is known to be there.',
      defaultText: 'none',
    }),
    freshness: freshness.optional().meta({
      description: 'In the place of `sql`: how old the newest row of a table may be.',
      defaultText: 'none',
    }),
    show,
    timeout,
  })
  .superRefine(({ sql, expect, canary: row, freshness: age }, context) => {
    const kinds = [sql, row, age].filter((kind) => kind !== undefined).length;
    if (kinds !== 1) {
      context.addIssue({ code: 'custom', message: 'expected exactly one of `sql`, `canary` and `freshness`' });
    } else if ((sql === undefined) !== (expect === undefined)) {
      const message = sql === undefined ? '`expect` belongs to `sql`' : '`sql` needs `expect`';
      context.addIssue({ code: 'custom', path: sql === undefined ? ['expect'] : [], message });
    }
  });

/** Rows that name files of a tree; exactly one of `from` and `sql`. */
const reference = z
  .strictObject({
    name: name.optional().meta({
      description: 'What the check is called: `references:<name>`.',
      samples: ['documents'],
      defaultText: 'the name of the tree',
    }),
    source: sourceOf('database'),
    files: name.meta({ description: 'Name of the source of type `files`.', samples: ['documents'] }),
    from: pathColumn.optional().meta({
      description: 'The column with the paths, `schema.table.column`. Rows without a path do not count.',
      samples: ['app.documents.path'],
      defaultText: 'none',
    }),
    hash: text.optional().meta({
      description:
        'Of `from`: the column of the same table with the SHA-256 of each file: hex or base64, with `sha256:` before it or not, or bytea.',
      samples: ['sha256'],
      defaultText: 'only that the files are there is checked',
    }),
    sql: text.optional().meta({
      description:
        'In the place of `from`: a query for the paths, and in a second column the SHA-256s if there are any.',
      samples: ['SELECT path, sha256 FROM app.documents WHERE deleted_at IS NULL'],
      defaultText: 'none',
    }),
    strip: text.optional().meta({
      description:
        'What every path begins with that is not part of the tree. A path that begins otherwise names no file.',
      samples: ['s3://uploads/'],
      defaultText: 'the directory of the tree, where a path begins with it',
    }),
    prepend: text.optional().meta({
      description: 'Directory of the tree that the paths count from.',
      samples: ['uploads/'],
      defaultText: 'the tree itself',
    }),
    missing: count(0, 1_000_000_000)
      .default(0)
      .meta({
        description:
          'How many rows may name a file that is not there. Database and tree are not backed up in the same moment.',
        samples: [5],
      }),
    timeout,
  })
  .superRefine(({ from, sql, hash }, context) => {
    if ((from === undefined) === (sql === undefined)) {
      context.addIssue({ code: 'custom', message: 'expected exactly one of `from` and `sql`' });
    } else if (hash !== undefined && from === undefined) {
      const message = '`hash` belongs to `from`; of a query the second column is the hash';
      context.addIssue({ code: 'custom', path: ['hash'], message });
    }
  });

const objectiveKeys = {
  restoreTime: duration(years, longest)
    .optional()
    .meta({
      description: 'How long a full restore may take. A longer one fails the proof.',
      samples: ['2h'],
      defaultText: 'none',
    }),
  dataAge: duration(years, longest)
    .optional()
    .meta({
      description: 'How old the newest snapshot may be when it is proven.',
      samples: ['26h'],
      defaultText: 'none',
    }),
};

const objectives = z.strictObject({
  ...objectiveKeys,
  sources: z
    .record(z.string(), z.strictObject(objectiveKeys))
    .default({})
    .meta({
      description: 'Other ones by name of a source; what is left out is as above.',
      samples: [{ documents: { restoreTime: '8h' } }],
      defaultText: 'none',
    }),
});

const shareForm = 'expected a share above 0 and at most 1, such as 0.1 or 10%';

const share = z.union([z.number(), z.string()], { error: shareForm }).transform((value, context) => {
  const found = typeof value === 'number' ? value : parseShare(value);
  if (found !== undefined && found > 0 && found <= 1) return found;
  context.addIssue({ code: 'custom', message: shareForm });
  return z.NEVER;
});

/** `10%` → 0.1, `0.1` → 0.1; undefined when it is neither. Also of the command line. */
export function parseShare(written: string): number | undefined {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(written) ?? [];
  if (number === undefined) return undefined;
  return percent === '%' ? Number(number) / 100 : Number(number);
}

/** Keys of `verify`. */
export const proofCheckKeys = {
  amcheck: z
    .enum(['auto', 'quick', 'full', 'off'])
    .default('auto')
    .meta({
      description:
        'Whether pg_amcheck looks at the pages of the restored tables and indexes. `quick`: pages of tables and the order of indexes. `full`: also that every row is in every index, which reads all of it several times. `auto`: `quick` where the scratch server has the extension amcheck and this machine has pg_amcheck; elsewhere the proof says that it was not run.',
      samples: ['full'],
    }),
  foreignKeys: z
    .enum(['doubtful', 'all'])
    .default('doubtful')
    .meta({
      description:
        'Which foreign keys rows are held against once more. `doubtful`: those that PostgreSQL did not check when the restore made them: the ones that are NOT VALID, and those of tables of extensions. `all`: every one.',
      samples: ['all'],
    }),
  sample: share.optional().meta({
    description:
      'Compare the rows of only so large a part of the bytes, chosen anew for each proof; the restore is always of everything. The verdict is then `sampled`, never `pass`.',
    samples: ['10%'],
    defaultText: 'all rows',
  }),
  objectives: objectives.prefault({}).meta({
    description: 'What is promised about time.',
    defaultText: 'none',
  }),
  assertions: z.array(assertion).default([]).meta({
    description: 'What must be so in a restored database.',
    defaultText: 'none',
  }),
  references: z.array(reference).default([]).meta({
    description: 'Rows that name files: each file must be in the snapshot of the tree that is nearest in time.',
    defaultText: 'none',
  }),
};

/** An example of these keys, for the section that they are in. */
export const proofCheckSample = {
  objectives: { restoreTime: '2h', dataAge: '26h' },
  assertions: [
    { name: 'orders-there', source: 'app', sql: 'SELECT count(*) FROM app.orders', expect: { min: 1 } },
    {
      name: 'canary',
      source: 'app',
      canary: { table: 'app.customers', column: 'email', value: { env: 'CANARY_EMAIL' } },
    },
    { name: 'orders-fresh', source: 'app', freshness: { table: 'app.orders', column: 'created_at', within: '26h' } },
  ],
  references: [{ source: 'app', from: 'app.documents.path', hash: 'sha256', files: 'documents' }],
};

/** Durations in milliseconds. */
export type ConfiguredAssertion = z.output<typeof assertion>;
export type ConfiguredReference = z.output<typeof reference>;
export type CanaryValue = string | number | Secret;
export type ProofCheckConfig = z.output<z.ZodObject<typeof proofCheckKeys>>;
