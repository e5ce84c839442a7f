/** Who may open and sign: this host, the owners, other hosts. */
import { z } from 'zod';
import { HoldfastError } from '../src/base/errors.ts';
import { type PublicParty, parsePublicLine } from '../src/crypt/parties.ts';
import { clusterOf, databaseOf } from '../src/repository/source-name.ts';
import { secret } from './secrets.ts';
import { nameForm, namePattern } from './values.ts';

/** The public line of a party, read and checked. */
const publicParty = z.string().transform((line, context): PublicParty => {
  try {
    return parsePublicLine(line);
  } catch (error) {
    // Its `why` alone: the sentence before it may quote the line.
    const why = error instanceof HoldfastError ? error.why : undefined;
    const hint = error instanceof HoldfastError && error.hint ? ` ${error.hint}` : '';
    context.addIssue({ code: 'custom', message: `expected a public line \`name age1… hfsig1…\`. ${why ?? ''}${hint}` });
    return z.NEVER;
  }
});

/** A source, or one database of a cluster. */
const sourceOrDatabase = z
  .string()
  .refine(
    (value) => namePattern.test(clusterOf(value) ?? value) && (!value.includes('/') || databaseOf(value) !== undefined),
    `expected ${nameForm}; one database of a cluster is written name/database, other characters than letters, digits, \`.\`, \`_\` and \`-\` as %XX`,
  );

const sources = z
  .array(sourceOrDatabase)
  .min(1, 'expected at least one source; leave the key out for all of them')
  .optional();

export const host = z
  .strictObject({
    name: z
      .string()
      .optional()
      .meta({
        description: 'Name of this host, for readers of the file; must be the first word of its public line.',
        samples: ['web1'],
        defaultText: 'from `public`',
      }),
    public: publicParty.meta({
      description: "This host's public line, as `holdfast keys` shows it.",
      samples: ['web1 age1… hfsig1…'],
    }),
    identity: secret.optional().meta({
      description:
        "This host's identity file. Needed where backups are made; a machine that only restores or reads needs none.",
      samples: [{ file: 'host.key' }],
      defaultText: 'none',
    }),
  })
  .transform((value) => ({ ...value, name: value.public.name }))
  .meta({
    description:
      'The machine that makes the backups. It signs what it writes, and opens catalogs but never the data that was backed up.',
    samples: [{ public: 'web1 age1… hfsig1…', identity: { file: 'host.key' } }],
  });

export const partyUses = ['owner', 'verify'] as const;
export const defaultUse = 'owner';

const owner = z.strictObject({
  public: publicParty.meta({
    description: 'The public line of this person or machine. Nothing in it is secret; it can be mailed.',
    samples: ['anna age1… hfsig1…'],
  }),
  identity: secret.optional().meta({
    description:
      'The identity file, only on a machine where this owner restores or verifies. Keep it away from backup hosts.',
    samples: [{ file: '/media/key/anna.key' }],
    defaultText: 'none',
  }),
  use: z
    .enum(partyUses)
    .default(defaultUse)
    .meta({
      description:
        '`owner`: a person, who may restore, erase and change keys. `verify`: a machine that proves restores; it opens data too, but its signature counts for proofs only.',
      samples: ['verify'],
    }),
  sources: sources.meta({
    description:
      'The sources that this party may open, by name. A cluster stands for all of its databases, `name/database` for one.',
    samples: [['app']],
    defaultText: 'all',
  }),
  retired: z
    .boolean()
    .default(false)
    .meta({
      description:
        'This party has left: what it signed still counts, it gets no keys of new generations, and changes nothing any more. Then run `holdfast keys rotate`.',
      samples: [true],
    }),
});

export const owners = z
  .array(owner)
  .min(1, 'expected at least one owner; two are better, since a lost identity cannot be replaced')
  .meta({
    description:
      'Who can open the backups. Name two people at least: what only one identity opens is lost with it. Every source needs an owner who may open it.',
    samples: [
      [
        { public: 'anna age1… hfsig1…' },
        { public: 'bert age1… hfsig1…' },
        { public: 'prover age1… hfsig1…', use: 'verify', identity: { credential: 'prover' } },
      ],
    ],
  });

const otherHost = z.strictObject({
  public: publicParty.meta({ description: "That host's public line.", samples: ['web2 age1… hfsig1…'] }),
  sources: sources.meta({
    description:
      'The sources it may write, by name. They need not be among the sources of this file. A cluster stands for all of its databases.',
    samples: [['crm']],
    defaultText: 'all',
  }),
  dedupWith: z
    .boolean()
    .default(false)
    .meta({
      description:
        'Whether this host may rely on chunks that the other one stored. Saves space where both back up the same source, and trusts that host with what is restored.',
      samples: [true],
    }),
  retired: z
    .boolean()
    .default(false)
    .meta({
      description:
        'This host makes no backups any more, or was lost: its snapshots still count, and it gets no keys of new generations. Then run `holdfast keys rotate`.',
      samples: [true],
    }),
  distrusted: z
    .boolean()
    .default(false)
    .meta({
      description:
        'This host was stolen: of what it signed only those snapshots count that `holdfast keys distrust` has listed. Run that first.',
      samples: [true],
    }),
});

export const otherHosts = z
  .array(otherHost)
  .default([])
  .meta({
    description: 'Other backup hosts that may write to this repository.',
    samples: [[{ public: 'web2 age1… hfsig1…', sources: ['crm'] }]],
    defaultText: 'none',
  });
