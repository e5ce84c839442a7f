import { readFileSync } from 'node:fs';

/** Names of users and groups on this machine, from its account files. */
export class Accounts {
  readonly #users: Map<number, string>;
  readonly #groups: Map<number, string>;

  constructor(passwd = '/etc/passwd', group = '/etc/group') {
    this.#users = parse(passwd);
    this.#groups = parse(group);
  }

  user(uid: number): string | undefined {
    return this.#users.get(uid);
  }

  group(gid: number): string | undefined {
    return this.#groups.get(gid);
  }
}

/** `name:…:id:…`, in both files. The first name of an id counts, as for getpwuid. */
function parse(file: string): Map<number, string> {
  const names = new Map<number, string>();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // Names are a convenience; the numbers are what is restored.
    return names;
  }
  for (const line of text.split('\n')) {
    const [name, , id] = line.split(':');
    if (name && id && /^\d+$/.test(id) && !names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}
