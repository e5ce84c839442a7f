/** `holdfast keys`: identities of owners, who the parties are, whether they can open what is theirs. */
import type { Command } from 'commander';
import type { Secret } from '../config/secrets.ts';
import type { Context, Start } from './context.ts';
import { addKeysDistrust } from './keys-distrust.ts';
import { addKeysExport } from './keys-export.ts';
import { addKeysGrant } from './keys-grant.ts';
import { addKeysRotate } from './keys-rotate.ts';
import { addKeysTest } from './keys-test.ts';
import type { ListedParty, Presence } from './views/keys.ts';

const newExamples = `
Run it on the owner's own machine. The file opens every backup: keep it offline,
and a copy apart from it. The line that is printed is not secret; send it to
whoever looks after the backups, who adds it to \`owners\`.

Example:
  $ holdfast keys new anna --out anna.key
`;

/** Adds the command and those below it. */
export function addKeys(program: Command, start: Start): void {
  const keys = program
    .command('keys')
    .description('parties and keys: make, list, test, export for escrow; grant, rotate, distrust');
  keys
    .command('new')
    .description('make the identity of an owner, on the owner’s own machine; needs no configuration')
    .argument('<name>', 'who it is: a-z, 0-9, `.`, `_` and `-`')
    .requiredOption('--out <file>', 'where the identity is written (mode 0600); must not exist')
    .addHelpText('after', newExamples)
    .action((name: string, options: { out: string }) => start((context) => makeIdentity(context, name, options.out)));
  keys
    .command('list')
    .description('the parties of the configuration, and whose identity is on this machine')
    .action(() => start(list));
  addKeysTest(keys, start);
  addKeysExport(keys, start);
  addKeysGrant(keys, start);
  addKeysRotate(keys, start);
  addKeysDistrust(keys, start);
}

async function makeIdentity(context: Context, name: string, out: string): Promise<undefined> {
  const [{ resolve }, { formatParty, generateParty, publicLine }, { withNewFiles }, { fingerprint }] =
    await Promise.all([
      import('node:path'),
      import('../src/crypt/parties.ts'),
      import('./private-files.ts'),
      import('./views/keys.ts'),
    ]);
  const party = await generateParty(name, context.clock);
  const file = resolve(context.cwd, out);
  const content = formatParty(party);
  await withNewFiles([{ path: file, content, what: `the identity of ${name}` }], async () => {});
  const made = { name, file, public: publicLine(party), fingerprint: fingerprint(party) };
  if (!context.output.json) {
    context.output.aside(
      `Made ${file}. It opens backups: keep it secret and offline, and a copy of it elsewhere.\n` +
        `Send the next line to whoever looks after the backups, and compare the fingerprint with them by voice:\n` +
        `${made.fingerprint}\n\n`,
    );
  }
  // Alone on standard output, so that it can be piped on.
  context.output.result('keys-new/1', made, () => `${made.public}\n`);
}

async function list(context: Context): Promise<undefined> {
  const [{ config }, { partiesOf }, { fingerprint, partiesTable }] = await Promise.all([
    context.config(),
    import('../config/trust-parties.ts'),
    import('./views/keys.ts'),
  ]);
  const given = new Set<string>();
  for (const file of context.flags.identity) given.add((await context.identityFile(file)).recipient);
  const identities = new Map<string, Secret | undefined>([
    [config.host.name, config.host.identity],
    ...config.owners.map((owner) => [owner.public.name, owner.identity] as const),
  ]);
  const parties: ListedParty[] = [];
  for (const party of partiesOf(config)) {
    const here = given.has(party.recipient);
    parties.push({
      ...party,
      presence: here ? 'yes' : await presenceOf(context, identities.get(party.name), party.recipient),
    });
  }
  const shown = parties.map((party) => ({
    name: party.name,
    role: party.role,
    sources: party.sources ?? null,
    recipient: party.recipient,
    publicSigningKey: party.publicSigningKey,
    fingerprint: fingerprint(party),
    identity: party.presence,
    ...(party.retired && { retired: true }),
    ...(party.distrusted && { distrusted: true }),
  }));
  const { width, style } = context.output;
  context.output.result('keys-list/1', { parties: shown }, () => partiesTable(parties, { width, style }));
}

async function presenceOf(context: Context, identity: Secret | undefined, recipient: string): Promise<Presence> {
  if (!identity) return 'no';
  // It may ask for a passphrase, and a list is no reason to.
  if ('command' in identity) return 'by command';
  const { parseParty } = await import('../src/crypt/parties.ts');
  try {
    return (await parseParty(await context.secret(identity))).recipient === recipient ? 'yes' : 'other';
  } catch (error) {
    const { isHoldfastError } = await import('../src/base/errors.ts');
    if (!isHoldfastError(error, 'secret', 'wrong-key')) throw error;
    context.emit({ type: 'warning', text: [error.message, error.why].filter(Boolean).join(' ') });
    return 'unreadable';
  }
}
