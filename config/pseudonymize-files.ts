/** Trees of files that go with a pseudonymized copy. */
import { z } from 'zod';
import { isHoldfastError } from '../src/base/errors.ts';
import { fileTypes } from '../src/pseudonyms/files/detect.ts';
import { PathPattern } from '../src/pseudonyms/files/path-pattern.ts';
import { fileContents, type TreeRule } from '../src/pseudonyms/files/tree-rules.ts';
import { path, text } from './values.ts';

/** A tree that is copied beside the database. */
export interface PseudonymizedTree {
  /** Name of a files source, or a directory. */
  source: string;
  target: string;
  times: 'constant' | 'day';
  rules: TreeRule[];
}

const pattern = text.superRefine((value, context) => {
  try {
    new PathPattern(value);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    const message = `expected a path such as \`invoices/{customer}/*.pdf\`: ${error.why}`;
    context.addIssue({ code: 'custom', message });
  }
});

const part = z.looseObject({
  kind: text.meta({ description: 'The kind of transformer, as for columns.', samples: ['id'] }),
  domain: text.optional().meta({
    description: 'The domain that it shares with the columns which hold the same values.',
    samples: ['customer-id'],
    defaultText: 'the usual one of the kind, if it has one',
  }),
});

const rule = z
  .strictObject({
    path: pattern.meta({
      description:
        'The whole path of a file below the tree. `*` stands for any characters but `/`, `?` for one, `**` for any directories, or for all that lies below; `{part}` for what a rule of `parts` transforms. Text that stands in it stays.',
      samples: ['invoices/{customer}/*.pdf', '**'],
    }),
    content: z.enum(fileContents, { error: `expected one of ${fileContents.join(', ')}` }).meta({
      description:
        'What becomes of the files: they stay as they are (`keep`), are left out (`drop`), a small valid file of the same type takes their place (`placeholder`), or e-mail addresses, telephone numbers and the like are replaced in them (`text`).',
      samples: ['placeholder'],
    }),
    names: z
      .enum(['pseudonym', 'keep'], { error: 'expected pseudonym or keep' })
      .optional()
      .meta({
        description: 'What becomes of the names that wildcards of `path` stand for.',
        samples: ['keep'],
        defaultText: '`pseudonym`',
      }),
    reason: text.optional().meta({
      description: 'Why contents or names may stay as they are. Needed for each `keep`.',
      samples: ['Letter templates; they name nobody.'],
      defaultText: 'none',
    }),
    type: z
      .enum(['auto', ...fileTypes], { error: `expected one of auto, ${fileTypes.join(', ')}` })
      .optional()
      .meta({
        description: 'Type of the placeholders.',
        samples: ['pdf'],
        defaultText: '`auto`: told from the content of each file',
      }),
    parts: z
      .record(z.string(), part)
      .optional()
      .meta({
        description: 'What becomes of each `{part}` of `path`: a kind of transformer, its options and its domain.',
        samples: [{ customer: { kind: 'id', domain: 'customer-id' } }],
        defaultText: 'none',
      }),
    domain: text.optional().meta({
      description: 'Of `content: text`: the domain of what is found in the texts.',
      samples: ['email'],
      defaultText: '`email`',
    }),
    options: z
      .strictObject({
        locale: z
          .enum(['en', 'fr'], { error: 'expected en or fr' })
          .optional()
          .meta({
            description: 'Whose names stand in the addresses that are made.',
            samples: ['fr'],
            defaultText: '`en`',
          }),
      })
      .optional()
      .meta({
        description: 'Of `content: text`: options of the transformer.',
        samples: [{ locale: 'fr' }],
        defaultText: 'none',
      }),
  })
  .superRefine(({ content, names, reason }, context) => {
    if (reason !== undefined || (content !== 'keep' && (names !== 'keep' || content === 'drop'))) return;
    context.addIssue({ code: 'custom', path: ['reason'], message: 'it is missing: what stays as it is needs one' });
  });

export const pseudonymizedFiles = z
  .array(
    z.strictObject({
      source: text.meta({ description: 'Name of a files source, or a directory.', samples: ['documents'] }),
      target: path.meta({
        description:
          'Directory of the copy. It must not exist, be empty, or be an earlier copy, which then gives up its name.',
        samples: ['/srv/preprod/documents'],
      }),
      times: z
        .enum(['constant', 'day'], { error: 'expected constant or day' })
        .default('constant')
        .meta({
          description: 'When files were changed: one moment for all of them, or the day of each.',
          samples: ['day'],
        }),
      rules: z
        .array(rule)
        .min(1, 'expected at least one rule')
        .meta({
          description:
            'What becomes of each file: the first rule that fits decides. A file that none fits ends the copy.',
          samples: [
            [
              {
                path: 'invoices/{customer}/*.pdf',
                content: 'placeholder',
                parts: { customer: { kind: 'id', domain: 'customer-id' } },
              },
              { path: '**', content: 'drop' },
            ],
          ],
        }),
    }) satisfies z.ZodType<PseudonymizedTree>,
  )
  .default([])
  .meta({
    description: 'Trees of files that are copied with the database.',
    samples: [
      [{ source: 'documents', target: '/srv/preprod/documents', rules: [{ path: '**', content: 'placeholder' }] }],
    ],
    defaultText: 'none',
  });
