/** `holdfast keys export`: the sheet of paper from which a recovery starts. */
import type { Command } from 'commander';
import { placeOf } from '../config/site-place.ts';
import { HoldfastError } from '../src/base/errors.ts';
import type { Party } from '../src/crypt/parties.ts';
import type { EscrowFacts } from '../src/jobs/keys.ts';
import type { Site } from '../src/sites/site.ts';
import type { Context, Start } from './context.ts';
import { openAccess } from './repository-access.ts';
import { badUsage } from './usage.ts';

const help = `
The sheet holds the identity of one owner as text and as a QR code, the hash of
the trust root, the sites, and the hash of recover.sh. It is all that a recovery
without Holdfast needs, and it opens every backup: print it, lock it away, then
delete the file.

Examples:
  $ holdfast keys export anna -i anna.key --out anna-escrow.txt
  $ holdfast keys export anna -i anna.key --yes-show-secret | lp
`;

interface Options {
  out?: string;
  yesShowSecret?: boolean;
}

export function addKeysExport(keys: Command, start: Start): void {
  keys
    .command('export')
    .description('the escrow sheet of one owner, as text and QR code')
    .argument('[owner]', 'whose; may be left out when one identity is given')
    .option('--out <file>', 'write it to a new file (mode 0600)')
    .option('--yes-show-secret', 'print it, the secret key included')
    .addHelpText('after', help)
    .action((owner: string | undefined, options: Options) => start((context) => exportSheet(context, owner, options)));
}

async function exportSheet(context: Context, owner: string | undefined, options: Options): Promise<undefined> {
  if (options.out === undefined && !options.yesShowSecret) {
    throw badUsage(
      'The sheet holds a secret key.',
      'Write it to a file with --out, or print it with --yes-show-secret.',
    );
  }
  const [{ escrowFacts }, { assertRepository }, { escrowSheet }] = await Promise.all([
    import('../src/jobs/keys.ts'),
    import('../src/jobs/init.ts'),
    import('./views/escrow.ts'),
  ]);
  const party = chosen(await context.owners(), owner);
  await using opened = await openAccess(context, { host: 'optional', sites: 'one' });
  const facts = await escrowFacts(opened.access);
  await assertRepository(opened.access);
  await warnWhereSiteDiffers(context, opened.access.site, facts);
  const { config } = await context.config();
  const sites = config.sites.map((site) => {
    const { name, type, operator, country } = site;
    return { name, type, path: placeOf(site), operator, country };
  });
  const medium = options.out === undefined && context.output.stdout.isTTY ? 'terminal' : 'paper';
  const sheet = await escrowSheet({ party, facts, sites, medium, time: context.clock.now() });
  context.finishProgress();
  if (options.out === undefined) {
    if (context.output.json) throw badUsage('The sheet is for paper, and no JSON document.', 'Use --out with --json.');
    context.output.stdout.write(sheet);
    return;
  }
  const [{ resolve }, { withNewFiles }] = await Promise.all([import('node:path'), import('./private-files.ts')]);
  const file = resolve(context.cwd, options.out);
  await withNewFiles([{ path: file, content: sheet, what: `the escrow sheet of ${party.name}` }], async () => {});
  context.output.result('keys-export/1', { owner: party.name, file, ...facts }, () =>
    [`Wrote the escrow sheet of ${party.name}: ${file}`, 'Print it, lock it away, then delete the file.', ''].join(
      '\n',
    ),
  );
}

/** A sheet whose hashes fit nothing at the site would be found out on the worst of days. */
async function warnWhereSiteDiffers(
  context: Context,
  site: Site,
  { trustSha256, recoverScriptSha256 }: EscrowFacts,
): Promise<void> {
  const [{ rootObjects }, { sha256Hex }] = await Promise.all([
    import('../src/repository/layout.ts'),
    import('../src/crypt/secrets.ts'),
  ]);
  for (const [name, sha256] of [
    [rootObjects.trust, trustSha256],
    [rootObjects.recoveryScript, recoverScriptSha256],
  ] as const) {
    if (sha256Hex(await site.read(name)) === sha256) continue;
    context.emit({
      type: 'warning',
      text: `The site has another ${name} than this sheet says.`,
      hint: 'Bring the site up to date with `holdfast init --existing` or a backup, and make the sheet again.',
    });
  }
}

function chosen(parties: readonly Party[], owner: string | undefined): Party {
  const found = owner === undefined && parties.length === 1 ? parties[0] : parties.find(({ name }) => name === owner);
  if (found) return found;
  if (owner === undefined && parties.length > 1) {
    const names = parties.map(({ name }) => name).join(', ');
    throw badUsage('Several identities are at hand.', `Name the owner: one of ${names}.`);
  }
  throw new HoldfastError('wrong-key', `The identity of ${owner ?? 'an owner'} is not at hand.`, {
    hint: 'Give the identity file with -i.',
  });
}
