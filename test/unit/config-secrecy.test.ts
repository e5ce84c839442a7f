import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isCollection, isMap, isScalar, type Pair, parseDocument, type Scalar, visit } from 'yaml';
import { parseConfig } from '../../config/load.ts';
import { ConfigError } from '../../config/problems.ts';
import { systemClock } from '../../src/base/clock.ts';
import { generateParty } from '../../src/crypt/parties.ts';
import { isThorough } from '../support/thorough.ts';

const example = readFileSync(join(import.meta.dirname, '../../config/example.yaml'), 'utf8');
const party = await generateParty('anna', systemClock);

/** What people paste in the wrong place, with the part that must not come out again. */
const pasted: [string, string, string][] = [
  ['an age key', party.identity, party.identity],
  ['a signing key', party.signingKey, party.signingKey],
  ['a URL with a password', 'postgres://app:5yLvr0p@db/app', '5yLvr0p'],
  ['a URL with a password in its query', 'postgres://app@db/app?password=5yLvr0p', '5yLvr0p'],
  ['a URL that is none', 'postgres://app:5yLvr0p#1@db/app', '5yLvr0p'],
  ['a URL with a password that looks like a parameter', 'postgres://app@db/app?5yLvr0p=1&sslmode=5yLvr0p', '5yLvr0p'],
  ['a password of as many words as a public line', '5yLvr0p b c', '5yLvr0p'],
  ['a password with spaces', 'pass 5yLvr0p', '5yLvr0p'],
];

/** One place of so many is tried with each of them in a usual run. */
const share = 4;

async function errorOf(text: string): Promise<ConfigError | undefined> {
  try {
    await parseConfig(text, 'holdfast.yaml');
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

function expectSilence(error: Error | undefined, secret: string): void {
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    const shown = JSON.stringify({ ...one, message: one.message, stack: one.stack });
    expect(shown.toLowerCase()).not.toContain(secret.toLowerCase());
  }
}

/** The example with the n-th scalar, key or value, made `text`; undefined when there are fewer. */
function withScalar(n: number, text: string): string | undefined {
  const document = parseDocument(example);
  let at = 0;
  let done = false;
  visit(document, {
    Scalar(_key, node) {
      if (at++ !== n) return undefined;
      (node as Scalar).value = text;
      delete (node as Scalar).source;
      (node as Scalar).type = 'QUOTE_DOUBLE';
      done = true;
      return visit.BREAK;
    },
  });
  return done ? document.toString({ lineWidth: 0 }) : undefined;
}

describe('problems never quote what was pasted', () => {
  it.each(pasted)('%s, as any key or value', async (what, text, secret) => {
    let refused = 0;
    let n = 0;
    let tried = 0;
    for (; ; n++) {
      const changed = withScalar(n, text);
      if (changed === undefined) break;
      // What is pasted is of many kinds: each goes to other places, and together they go to all.
      if (!isThorough && (n + pasted.findIndex(([other]) => other === what)) % share !== 0) continue;
      tried++;
      expect(changed).toContain(secret);
      const error = await errorOf(changed);
      if (error) refused++;
      expectSilence(error, secret);
    }
    expect(n).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(tried / 2);
  });

  it.each(pasted)('%s, as text that breaks the syntax of any line', async (what, text, secret) => {
    const lines = example.split('\n');
    let refused = 0;
    let tried = 0;
    for (let at = 0; at < lines.length; at++) {
      if (!isThorough && (at + pasted.findIndex(([other]) => other === what)) % share !== 0) continue;
      tried++;
      for (const broken of [
        `${text}: a: b`,
        `"${text}`,
        `${text}`,
        `\t${text}`,
        `*${text}`,
        `!${text} x`,
        `{${text}}`,
      ]) {
        const error = await errorOf([...lines.slice(0, at), broken, ...lines.slice(at + 1)].join('\n'));
        if (error) refused++;
        expectSilence(error, secret);
      }
    }
    expect(refused).toBeGreaterThan(tried * 5);
  });

  it.each([
    ['as a text', 'hunter2'],
    ['as a key', '{ hunter2 }'],
    ['beside a known key', '{ env: A, hunter2: b }'],
    ['as the name of a variable', '{ env: "hunter2!" }'],
    ['in a list', '[hunter2]'],
    ['as a number', '{ hunter2: 1, file: 2 }'],
  ])('a password where a reference to one belongs, %s', async (_what, value) => {
    for (const place of ['password: { env: APP_PASSWORD }', 'identity: { file: /etc/holdfast/host.key }']) {
      expect(example).toContain(place);
      const error = await errorOf(example.replace(place, `${place.split(':')[0]}: ${value}`));
      expect(error?.problems[0]?.message).toMatch(/expected|unknown/);
      expectSilence(error, 'hunter2');
    }
  });

  it('a secret key is refused wherever it stands, free texts included', async () => {
    const error = await errorOf(example.replace('Example Ltd', party.identity));
    expect(error?.problems).toMatchObject([
      { path: 'sites[0].operator', message: expect.stringContaining('secret key') },
    ]);
  });

  it('a secret key is one problem, not two', async () => {
    const error = await errorOf(example.replace('{ file: /etc/holdfast/host.key }', party.identity));
    expect(error?.problems).toMatchObject([{ path: 'host.identity', message: expect.stringContaining('secret key') }]);
  });

  it('the sample really has the scalars that are replaced', () => {
    const { contents } = parseDocument(example);
    expect(
      isMap(contents) &&
        contents.items.every(({ key, value }: Pair) => isScalar(key) && (isScalar(value) || isCollection(value))),
    ).toBe(true);
  });
});
