/** From when on `holdfast status` calls something late. */
import { z } from 'zod';
import { duration } from './values.ts';

const years = 5 * 366 * 86_400_000;
const age = () => duration(years, 'five years');

export const status = z
  .strictObject({
    maxAge: age()
      .optional()
      .meta({
        description: 'How old the newest snapshot of a source may be.',
        samples: ['26h'],
        defaultText: 'what the schedule of its jobs says',
      }),
    maxProofAge: age()
      .prefault('8d')
      .meta({
        description: 'How long ago the last restore may be that proved a source.',
        samples: ['8d'],
      }),
    maxUnread: age()
      .prefault('30d')
      .meta({
        description: 'For how long a byte at a site may not have been read by a check.',
        samples: ['30d'],
      }),
  })
  .prefault({})
  .meta({
    description: 'From when on `holdfast status` calls something late.',
    samples: [{ maxProofAge: '8d', maxUnread: '30d' }],
    defaultText: 'the defaults below',
  });
