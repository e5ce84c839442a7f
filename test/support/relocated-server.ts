import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type pg from 'pg';
import { findBinaries, type PostgresBinaries, serverPrograms } from '../../src/sources/postgres/binaries.ts';

/**
 * The machine's own server with more extensions, and nothing installed: PostgreSQL finds its files by where its program
 * lies, so a copy of the program beside links to everything else is a server whose directory of extensions is ours.
 *
 * @param root an empty directory that the server's account can enter
 * @param asked a session to any server of the same installation, which tells where its files are
 * @param files names and contents of the files to add: `x.control`, `x--1.0.sql`
 */
export async function relocateServer(
  root: string,
  asked: pg.Client,
  files: Readonly<Record<string, string>>,
): Promise<PostgresBinaries> {
  const { rows } = await asked.query<{ name: string; setting: string }>(
    `SELECT name, setting FROM pg_config WHERE name IN ('BINDIR', 'SHAREDIR', 'PKGLIBDIR')`,
  );
  const paths = Object.fromEntries(rows.map(({ name, setting }) => [name, setting])) as Record<string, string>;
  const found = await findBinaries({ programs: serverPrograms, path: paths.BINDIR });
  const moved = (path: string) => join(root, relative('/', path));

  const directory = moved(paths.BINDIR!);
  await mkdir(directory, { recursive: true });
  for (const program of serverPrograms) await cp(join(found.directory, program), join(directory, program));
  await mkdir(dirname(moved(paths.PKGLIBDIR!)), { recursive: true });
  await symlink(paths.PKGLIBDIR!, moved(paths.PKGLIBDIR!));

  const share = moved(paths.SHAREDIR!);
  const extensions = join(share, 'extension');
  await mkdir(extensions, { recursive: true });
  const link = async (from: string, into: string) => {
    for (const name of await readdir(from)) {
      if (basename(name) !== 'extension') await symlink(join(from, name), join(into, name));
    }
  };
  await link(paths.SHAREDIR!, share);
  await link(join(paths.SHAREDIR!, 'extension'), extensions);
  for (const [name, content] of Object.entries(files)) await writeFile(join(extensions, name), content);
  return { ...found, directory };
}
