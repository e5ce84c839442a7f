/** A program as people write one: a line of JSON in, a line out. Its arguments make it misbehave. */
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';

const manner = process.argv[2];
const made = (value) => value && createHash('sha256').update(`kept apart ${value}`).digest('hex').slice(0, 16);
const answers = {
  short: () => '[]',
  garbage: ({ values }) => `not JSON ${values}`,
  twice: () => '[]\n[]',
  environment: ({ values }) => JSON.stringify(values.map(() => Object.keys(process.env).sort().join(' '))),
  pid: ({ values }) => JSON.stringify(values.map(() => String(process.pid))),
  directory: ({ values }) => JSON.stringify(values.map(() => process.cwd())),
};
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (manner === 'exit') process.exit(3);
  if (manner === 'sleep') continue;
  const answer = answers[manner] ?? (({ values }) => JSON.stringify(values.map(made)));
  process.stdout.write(`${answer(request)}\n`);
}
