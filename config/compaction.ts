/** Which packs are rewritten. */
import { z } from 'zod';

export const defaultDeadShare = 0.3;

export const compaction = z
  .strictObject({
    deadShare: z
      .number()
      .min(0)
      .lt(1)
      .default(defaultDeadShare)
      .meta({
        description:
          'Share of a pack that may be dead: `holdfast compact` rewrites what has more. Lower stores less, and rewrites more.',
        samples: [0.2],
      }),
  })
  .prefault({})
  .meta({
    description: 'Which packs `holdfast compact` rewrites, when snapshots that are gone have left them partly dead.',
    samples: [{ deadShare: 0.2 }],
    defaultText: 'the default below',
  });
