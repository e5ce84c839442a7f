/** Asks for what flags did not tell. Questions go to standard error, so that standard output keeps the result alone. */
import { password as askPassword, confirm, input, select } from '@inquirer/prompts';
import { commonMistakes, countryCodes } from '../../config/countries.ts';
import { HoldfastError } from '../../src/base/errors.ts';
import type { Context } from '../context.ts';
import {
  type Answers,
  type PostgresAnswer,
  readFiles,
  readOwnerName,
  readPostgres,
  readPublicOwner,
} from './answers.ts';

type Channel = { output: NodeJS.WritableStream; signal: AbortSignal };

/** The answers with everything that was missing. What flags told is not asked again. */
export async function askMissing(
  known: Partial<Answers>,
  configPath: string,
  { output, signal }: Pick<Context, 'output' | 'signal'>,
): Promise<Partial<Answers>> {
  const channel: Channel = { output: output.stderr, signal };
  const { style } = output;
  output.aside(`This makes ${configPath}, the keys and the repository. Ctrl-C leaves without writing anything.\n\n`);
  const sources = [...(known.sources ?? [])];
  if (sources.length === 0) sources.push(...(await askSources(channel)));
  const site = { ...known.site! };
  site.path ||= await ask(channel, 'Where shall the copies lie? A directory, best on another disk:');
  site.operator ||= await ask(channel, 'Who runs that storage? A company or department:');
  site.country ||= await input(
    {
      message: 'In which country does it stand? Two letters:',
      transformer: (text) => text.toUpperCase(),
      validate: (text) => countryCodes.has(countryOf(text)) || 'A code of ISO 3166-1, such as FR, DE or US.',
    },
    channel,
  ).then(countryOf);
  const newOwners = [...(known.newOwners ?? [])];
  const publicOwners = [...(known.publicOwners ?? [])];
  if (newOwners.length + publicOwners.length === 0) {
    output.aside(
      style.dim('Owners are the people who can open the backups. This machine cannot. Name two at least.\n'),
    );
    while (newOwners.length + publicOwners.length < 2) {
      const answer = await askOwner(channel, newOwners.length + publicOwners.length === 0);
      if (answer === '') break;
      if (answer.includes(' ')) publicOwners.push(readPublicOwner(answer));
      else newOwners.push(readOwnerName(answer));
    }
  }
  const answers = { ...known, sources, site, newOwners, publicOwners };
  output.aside(`\n${summary(answers)}\n`);
  if (!(await confirm({ message: 'Make it?', default: true }, channel))) {
    throw new HoldfastError('interrupted', 'Nothing was made.', { hint: 'Run `holdfast init` again.' });
  }
  return answers;
}

function countryOf(text: string): string {
  const code = text.trim().toUpperCase();
  return commonMistakes[code] ?? code;
}

async function ask(channel: Channel, message: string): Promise<string> {
  return (await input({ message, validate: (text) => text.trim() !== '' || 'It cannot be empty.' }, channel)).trim();
}

async function askSources(channel: Channel): Promise<Answers['sources']> {
  const sources: Answers['sources'] = [];
  for (;;) {
    const first = sources.length === 0;
    const kind = await select(
      {
        message: first ? 'What shall be backed up?' : 'What else?',
        choices: [
          ...(first ? [] : [{ name: 'nothing else', value: 'nothing' as const }]),
          { name: 'a PostgreSQL database', value: 'postgres' as const },
          { name: 'a directory of files', value: 'files' as const },
        ],
      },
      channel,
    );
    if (kind === 'nothing') return sources;
    if (kind === 'files') {
      const text = await input({ message: 'Directory:', validate: accepts((path) => readFiles(path, 'It')) }, channel);
      sources.push(readFiles(text.trim()));
    } else {
      sources.push(await askPostgres(channel));
    }
  }
}

async function askPostgres(channel: Channel): Promise<PostgresAnswer> {
  const message = 'URL, without a password (postgres://user@host/database):';
  const text = await input({ message, validate: accepts((url) => readPostgres(url, 'It')) }, channel);
  const answer = readPostgres(text.trim());
  if (answer.password !== undefined) return answer;
  const password = await askPassword({ message: 'Password (empty for none):', mask: true }, channel);
  return password === '' ? answer : { ...answer, password };
}

function askOwner(channel: Channel, first: boolean): Promise<string> {
  const message = first
    ? 'First owner: a name (the identity is made here) or the public line of `holdfast keys new`:'
    : 'Second owner, likewise (empty for none, which is not wise):';
  return input(
    {
      message,
      validate: (text) => {
        if (text.trim() === '') return first ? 'There must be one.' : true;
        return accepts((answer) => (answer.includes(' ') ? readPublicOwner(answer) : readOwnerName(answer)))(text);
      },
    },
    channel,
  ).then((text) => text.trim());
}

/** What a reader refuses is told at the question. */
function accepts(read: (text: string) => unknown): (text: string) => true | string {
  return (text) => {
    try {
      read(text.trim());
      return true;
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      return [error.message, error.why].filter((part) => part !== undefined).join(' ');
    }
  };
}

function summary({ sources = [], site, newOwners = [], publicOwners = [] }: Partial<Answers>): string {
  const owners = [...newOwners.map((name) => `${name} (new)`), ...publicOwners.map(({ name }) => name)];
  return [
    `  backs up   ${sources.map((one) => `${one.name} (${one.type === 'files' ? one.path : 'PostgreSQL'})`).join(', ')}`,
    `  to         ${site?.path}, run by ${site?.operator} in ${site?.country}`,
    `  opened by  ${owners.join(', ')}`,
    '',
  ].join('\n');
}
