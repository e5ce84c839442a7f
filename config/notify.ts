/** Who is told what became of a run. */
import { z } from 'zod';
import { secret } from './secrets.ts';
import { duration, name, text } from './values.ts';

/** What a hook may be told of, in the order of how bad it is. */
export const notifyOccasions = ['failed', 'partial', 'missed', 'recovered', 'done'] as const;
export const defaultOccasions = ['failed', 'partial', 'missed', 'recovered'] as const;

const hookName = name.meta({ description: 'What the hook is called in `status` and warnings.', samples: ['pager'] });

const timeout = duration(300_000, '5m')
  .prefault('30s')
  .meta({
    description: 'How long all of it may take, tries included, before it counts as failed. At most 5m.',
    samples: ['10s'],
  });

const jobs = z
  .array(name)
  .min(1, 'expected at least one job')
  .optional()
  .meta({
    description: 'Only what these jobs did.',
    samples: [['daily']],
    defaultText: 'all jobs, and `check` by hand',
  });

const on = z
  .array(z.enum(notifyOccasions))
  .min(1, 'expected at least one occasion')
  .default([...defaultOccasions])
  .meta({
    description:
      'What is told. `failed`: nothing was done, or damage was found. `partial`: some source, site or step failed. `missed`: due times passed without a run. `recovered`: all was done, after a run that was not. `done`: all was done.',
    samples: [['failed', 'partial', 'recovered']],
  });

const commandHook = z
  .strictObject({
    name: hookName,
    type: z.literal('command').meta({ description: 'A program that gets the event as JSON on its standard input.' }),
    command: z
      .array(text)
      .min(1, 'expected a program and its arguments')
      .meta({
        description: 'Program, and its arguments; started without a shell in the directory of the configuration file.',
        samples: [['/usr/local/bin/page']],
      }),
    on,
    jobs,
    timeout,
  })
  .meta({ samples: [{ name: 'pager', type: 'command', command: ['/usr/local/bin/page'], on: ['failed', 'partial'] }] });

const webhook = z
  .strictObject({
    name: hookName,
    type: z.literal('webhook').meta({ description: 'A URL to which the event is posted as JSON.' }),
    url: secret.meta({
      description: 'The URL, http or https. It is a secret: whoever knows it may post there.',
      samples: [{ file: '/etc/holdfast/chat.url' }],
    }),
    headers: z
      .record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/, 'expected the name of a header'), secret)
      .default({})
      .meta({
        description: 'Headers to send with it, such as `Authorization`.',
        samples: [{ Authorization: { file: '/etc/holdfast/chat.token' } }],
        defaultText: 'none',
      }),
    on,
    jobs,
    timeout,
  })
  .meta({ samples: [{ name: 'chat', type: 'webhook', url: { file: '/etc/holdfast/chat.url' } }] });

const heartbeat = z
  .strictObject({
    name: hookName,
    type: z.literal('heartbeat').meta({
      description: 'A URL that is asked for after each run that did everything; who runs it notices when none comes.',
    }),
    url: secret.meta({
      description: 'The URL, http or https. A secret as well.',
      samples: [{ file: '/etc/holdfast/heartbeat.url' }],
    }),
    method: z
      .enum(['GET', 'POST'])
      .default('GET')
      .meta({ description: 'How it is asked for. POST carries the event as JSON.', samples: ['POST'] }),
    failure: z
      .string()
      .regex(/^\/[A-Za-z0-9._~/-]{0,100}$/, 'expected the end of a path, such as /fail')
      .optional()
      .meta({
        description: 'What is added to the path of the URL after a run that did not do everything.',
        samples: ['/fail'],
        defaultText: 'nothing is sent then',
      }),
    jobs,
    timeout,
  })
  .meta({
    samples: [{ name: 'alive', type: 'heartbeat', url: { file: '/etc/holdfast/heartbeat.url' }, jobs: ['daily'] }],
  });

export const notify = z
  .array(z.discriminatedUnion('type', [commandHook, webhook, heartbeat]))
  .default([])
  .meta({
    description:
      'Who is told what became of runs. A hook that fails is warned of and shown by `status`; it never fails the run. No event holds a secret or a row of a table.',
    defaultText: 'nobody',
  });

export type Hook = z.output<typeof notify>[number];
