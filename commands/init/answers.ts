/** What `init` was told by flags, read and checked. What is not there yet is asked, or missing. */
import { basename } from 'node:path';
import { name as nameSchema } from '../../config/values.ts';
import { isPartyName, type PublicParty, parsePublicLine } from '../../src/crypt/parties.ts';
import { readPostgresUrl } from '../postgres-url.ts';
import { badUsage } from '../usage.ts';

/** As commander gives them. */
export interface InitFlags {
  site?: string;
  siteName: string;
  operator?: string;
  country?: string;
  hostName?: string;
  owner?: string[];
  ownerPublic?: string[];
  ownerDirectory?: string;
  postgres?: string[];
  files?: string[];
  state?: string;
  timeZone?: string;
  yes?: boolean;
}

export interface PostgresAnswer {
  name: string;
  type: 'postgres';
  /** Without a password. */
  url: string;
  /** To be written to a file of its own. */
  password?: string;
}

export interface FilesAnswer {
  name: string;
  type: 'files';
  path: string;
}

export interface Answers {
  site: { name: string; path: string; operator: string; country: string };
  hostName: string;
  /** Names of owners whose identities are made here. */
  newOwners: string[];
  /** Owners who sent their public line. */
  publicOwners: PublicParty[];
  /** Absolute. */
  ownerDirectory: string;
  sources: (PostgresAnswer | FilesAnswer)[];
  /** As it stands in the configuration: relative to its directory. */
  state?: string;
  timeZone: string;
}

/** What a machine calls itself, made into a name that a party can have. */
export function hostNameFrom(machineName: string): string {
  const name = machineName
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63);
  return name === '' ? 'host' : name;
}

/** `name=postgres://…` or only the URL, whose database then gives the name. The password is taken out of it. */
export function readPostgres(text: string, flag = '--postgres'): PostgresAnswer {
  const [given, rest] = splitName(text, /^postgres(ql)?:/i);
  const { url, connection, password } = readPostgresUrl(rest, flag);
  const name = checkedName(given ?? nameFrom(connection.database, 'database'), flag);
  return { name, type: 'postgres', url, ...(password !== undefined && { password }) };
}

/** `name=/path` or only the path, whose last part then gives the name. */
export function readFiles(text: string, flag = '--files'): FilesAnswer {
  const [given, path] = splitName(text, /^[./]/);
  if (path === '') throw badUsage(`${flag} wants a directory.`);
  return { name: checkedName(given ?? nameFrom(basename(path), 'files'), flag), type: 'files', path };
}

export function readOwnerName(name: string): string {
  if (isPartyName(name)) return name;
  throw badUsage(
    'An owner needs a name of 1 to 63 letters a-z, digits, `.`, `_` or `-`.',
    'A first name in lower case will do: --owner anna.',
  );
}

/** Names must differ: an address must mean one source, and a party's name is part of object names. */
export function assertDifferent(names: readonly string[], what: string, hint: string): void {
  const again = names.find((name, index) => names.indexOf(name) !== index);
  if (again !== undefined) throw badUsage(`Two ${what} have the name ${again}.`, hint);
}

export function readPublicOwner(line: string): PublicParty {
  return parsePublicLine(line);
}

function splitName(text: string, bare: RegExp): [string | undefined, string] {
  const [, name, rest] = (!bare.test(text) && /^([^=/:]*)=(.*)$/s.exec(text)) || [];
  return name === undefined || rest === undefined ? [undefined, text] : [name, rest];
}

function checkedName(name: string, flag: string): string {
  if (nameSchema.safeParse(name).success) return name;
  throw badUsage(
    `The source of ${flag} needs a name of 1 to 63 letters a-z, digits, \`.\`, \`_\` or \`-\`.`,
    `Put one before it: ${flag} name=….`,
  );
}

function nameFrom(text: string, fallback: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63);
  return name === '' || name === 'all' ? fallback : name;
}
