/** Where the copies lie. */
import { z } from 'zod';
import { country, name, path, text } from './values.ts';

/** How many sites this version writes to. */
export const supportedSites = 1;
const supportedTypes = ['disk'] as const;

const diskSite = z.strictObject({
  name: name.meta({ description: 'What the site is called in commands and reports.', samples: ['vault'] }),
  type: z.literal('disk').meta({
    description: 'What kind of storage it is: `disk`, a directory on a disk or a mounted share.',
    samples: ['disk'],
  }),
  path: path.meta({ description: 'The directory. Relative to the configuration file.', samples: ['/mnt/vault'] }),
  operator: text.meta({
    description: 'Who runs the storage. Reports name it, and `doctor` warns when every copy is with one operator.',
    samples: ['Example Ltd'],
  }),
  country: country.meta({
    description: 'Where the copies lie, as a code of ISO 3166-1 alpha-2.',
    samples: ['FR'],
    pattern: '^[A-Z]{2}$',
  }),
});

const site = z.discriminatedUnion('type', [diskSite], {
  error: `expected \`${supportedTypes.join('`, `')}\`, the one type of site that this version supports (s3 and sftp are to come)`,
});

export type Site = z.output<typeof site>;

export const sites = z
  .array(site)
  .min(1, 'expected a site')
  .meta({
    description: 'Where the copies lie. This version supports exactly one site, of type `disk`.',
    samples: [[{ name: 'vault', type: 'disk', path: '/mnt/vault', operator: 'Example Ltd', country: 'FR' }]],
    // Checked with the references, since zod would then keep the problems of the entries to itself.
    maxItems: supportedSites,
  });
