/** Sites take turns: each time the one whose last proof is longest ago, as far as this machine remembers. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isoTime } from '../../base/clock.ts';
import { isHoldfastError, systemCode } from '../../base/errors.ts';
import type { RepositoryAccess } from '../../repository/access.ts';
import { LocalState, writeDurably } from '../../repository/local-state.ts';
import type { Site } from '../../sites/site.ts';

/** Id of a source → name of a site → when a proof of it began there, ISO 8601. */
type Turns = Record<string, Record<string, string>>;

function pathOf({ stateDirectory, trust }: RepositoryAccess): string {
  return join(new LocalState(stateDirectory, trust.repositoryId).directory, 'proof-turns.json');
}

async function read(access: RepositoryAccess): Promise<Turns> {
  try {
    const turns: unknown = JSON.parse(await readFile(pathOf(access), 'utf8'));
    return typeof turns === 'object' && turns !== null ? (turns as Turns) : {};
  } catch (error) {
    // Lost, it only costs that the first site comes again.
    if (error instanceof SyntaxError || systemCode(error) !== undefined) return {};
    throw error;
  }
}

/**
 * The site whose turn it is.
 *
 * @param sites at least one, in the order of the configuration
 * @param proven when proofs of any machine ended there: name → ISO 8601
 */
export async function siteInTurn(
  access: RepositoryAccess,
  source: string,
  sites: readonly Site[],
  proven: ReadonlyMap<string, string> = new Map(),
): Promise<Site> {
  const turns = (await read(access))[access.trust.sourceId(source)] ?? {};
  const last = ({ name }: Site) => [turns[name] ?? '', proven.get(name) ?? ''].sort()[1]!;
  return sites.reduce((best, site) => (last(site) < last(best) ? site : best));
}

/** Remembers a proof, whatever came of it: a site that cannot be read must not hold up the others. */
export async function rememberTurn(access: RepositoryAccess, source: string, site: Site): Promise<void> {
  const turns = await read(access);
  const id = access.trust.sourceId(source);
  turns[id] = { ...turns[id], [site.name]: isoTime(access.clock.now()) };
  try {
    await writeDurably(pathOf(access), Buffer.from(`${JSON.stringify(turns)}\n`));
  } catch (error) {
    if (!isHoldfastError(error, 'failed')) throw error;
    access.emit({ type: 'warning', text: `Which site was proven is not remembered: ${error.message}` });
  }
}
