import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initRepository } from '../../src/jobs/init.ts';
import type { CheckId, SnapshotProof } from '../../src/jobs/verify/report.ts';
import { verify } from '../../src/jobs/verify/verify.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import { sealCatalogObject } from '../../src/repository/catalog-object.ts';
import { loadIndexes } from '../../src/repository/index-load.ts';
import { listSnapshots } from '../../src/repository/snapshot.ts';
import { SnapshotReader } from '../../src/repository/snapshot-reader.ts';
import { type OpenedSource, openSource } from '../../src/repository/source-record.ts';
import { Trust } from '../../src/repository/trust.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import { forgeManifest, forgeSnapshot } from '../support/forged-snapshot.ts';
import { parties, RepositoryFixture, repositoryKey, trusted } from '../support/repository-fixture.ts';
import { backUp, expectGreen, expectRed, mark, ownerAccess, prove } from '../support/verify-proof.ts';

/** Each damage of a site alone, through the whole proof of a tree: red, and by the right check. */

const { anna, bob, web1, web2, stranger } = parties;
const fixture = new RepositoryFixture();
afterAll(() => rmSync(fixture.directory, { recursive: true }));
const tree = join(fixture.directory, 'tree');
const about = { source: 'documents', type: 'files', directory: join(fixture.directory, 'scratch') } as const;
const settings = { type: 'files' as const, name: about.source, path: tree, exclude: [], oneFileSystem: false };
/** `web2` may not act for the documents, `bob` is an owner and no host. */
const trustParties = [
  trusted(web1, 'backup'),
  trusted(web2, 'backup', ['elsewhere']),
  trusted(anna, 'owner'),
  trusted(bob, 'owner'),
];

/** The site as it was after the first and after the second snapshot. */
const older = join(fixture.directory, 'older');
const sound = join(fixture.directory, 'sound');
let packs: { data: string; manifest: string };
let ids: Record<'older' | 'newest' | 'elsewhere', string>;
let layout: OpenedSource['layout'];
let others: OpenedSource['layout'];

beforeAll(async () => {
  mkdirSync(tree);
  const random = createHash('shake256', { outputLength: 3_000_000 }).update('pages').digest();
  writeFileSync(join(tree, 'pages.bin'), random);
  writeFileSync(join(tree, 'one.txt'), `${mark} one\n`);
  writeFileSync(join(tree, 'two.txt'), `${mark} two\n`);
  const access = await fixture.access({ trustParties });
  await initRepository(access);
  await backUp(access, settings);
  cpSync(fixture.sitePath, older, { recursive: true });
  writeFileSync(join(tree, 'new.txt'), `${mark} new\n`);
  await backUp(access, settings);
  await backUp(access, { ...settings, name: 'elsewhere' });
  cpSync(fixture.sitePath, sound, { recursive: true });
  const owner = await ownerAccess(fixture, { trustParties });
  const source = await openSource(owner, about.source);
  const { snapshots } = await listSnapshots(owner, source);
  const elsewhere = await openSource(owner, 'elsewhere');
  const [theirs] = (await listSnapshots(owner, elsewhere)).snapshots;
  ids = { older: snapshots[0]!.id, newest: snapshots[1]!.id, elsewhere: theirs!.id };
  [layout, others] = [source.layout, elsewhere.layout];
  const reader = await SnapshotReader.open(owner, source, snapshots[1]!, () => {});
  const packOf = async (chunks: string[]) => (await reader.locate(Buffer.from(chunks.join(''), 'hex'))).packs[0]!.name;
  let large: string[] = [];
  for await (const { stream } of reader.lines<Line>()) {
    if (stream !== undefined && stream.size > 1_000_000) large = stream.chunks;
  }
  packs = {
    data: layout.pack(await packOf(large)),
    manifest: layout.pack(await packOf(snapshots[1]!.manifest.chunks!)),
  };
  expect(packs.data).not.toBe(packs.manifest);
});

let copies = 0;

interface Place {
  path: string;
  /** Of the host, on this site. */
  host: RepositoryAccess;
}

/** Proves the newest snapshot on a copy of the site, after this was done to it. */
async function proveDamaged(
  damage: (place: Place) => void | Promise<void>,
  { knows = true, from = sound }: { knows?: boolean; from?: string } = {},
): Promise<SnapshotProof> {
  const number = ++copies;
  const path = join(fixture.directory, `copy-${number}`);
  cpSync(from, path, { recursive: true });
  const site = await openDiskSite({ name: 'vault', path });
  const access = await ownerAccess(fixture, { site, trustParties, machine: `proof-${number}` });
  // What this machine has seen before.
  if (knows) await listSnapshots(access, await openSource(access, about.source));
  const host = await fixture.access({ site, trustParties, machine: `host-${number}`, identities: [anna] });
  await damage({ path, host });
  const proof = await prove(access, about);
  rmSync(path, { recursive: true });
  return proof;
}

/** A byte of an object, counted from its end where the place is negative, or as a share of its size. */
const flip =
  (object: () => string, at: number) =>
  ({ path }: Place) => {
    const file = join(path, object());
    const bytes = readFileSync(file);
    const place = at < 0 ? bytes.length + at : at < 1 ? Math.floor(bytes.length * at) : at;
    bytes[place] = bytes[place]! ^ 0x10;
    writeFileSync(file, bytes);
  };
const cut =
  (object: () => string, share: number) =>
  ({ path }: Place) => {
    const file = join(path, object());
    const { length } = readFileSync(file);
    truncateSync(file, share < 1 ? Math.floor(length * share) : length - share);
  };
const remove =
  (object: () => string) =>
  ({ path }: Place) =>
    rmSync(join(path, object()));
/** Not the directory itself: a site that is gone tells nothing of what was on it. */
const empty = (path: string) => {
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true });
};
const onlyIn = (path: string, directory: string) =>
  readdirSync(join(path, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();

const data = () => packs.data;
const manifest = () => packs.manifest;
const newest = () => layout.snapshots + ids.newest;
const firstIndex = () => onlyIn(sound, layout.index)[0]!;

type Damage = (place: Place) => void | Promise<void>;

const ofPacks: [name: string, red: CheckId, Damage][] = [
  ['a byte of the header of a pack', 'objects', flip(data, 100)],
  ['a byte in a frame', 'objects', flip(data, 0.3)],
  ['a byte in another frame', 'objects', flip(data, 0.7)],
  ['a byte of the directory that ends a pack', 'objects', flip(data, -60)],
  ['the last byte of a pack', 'objects', flip(data, -1)],
  ['a byte of the header of the pack of the manifest', 'objects', flip(manifest, 100)],
  ['a byte of the manifest', 'objects', flip(manifest, 0.5)],
  ['the last byte of the pack of the manifest', 'objects', flip(manifest, -1)],
  ['a pack that lacks its last byte', 'objects', cut(data, 1)],
  ['half a pack', 'objects', cut(data, 0.5)],
  ['an empty pack', 'objects', cut(data, 0)],
  ['a pack of the manifest that is cut', 'objects', cut(manifest, 0.5)],
  [
    'a pack that is longer',
    'objects',
    ({ path }) =>
      writeFileSync(join(path, data()), Buffer.concat([readFileSync(join(path, data())), Buffer.alloc(4096)])),
  ],
  ['a pack that is missing', 'objects', remove(data)],
  ['a pack of the manifest that is missing', 'objects', remove(manifest)],
  [
    'two packs that changed their names',
    'objects',
    ({ path }) => {
      renameSync(join(path, data()), join(path, 'held'));
      renameSync(join(path, manifest()), join(path, data()));
      renameSync(join(path, 'held'), join(path, manifest()));
    },
  ],
  [
    'a pack of another source under the name of one',
    'objects',
    ({ path }) => cpSync(join(path, onlyIn(path, others.packs)[0]!), join(path, data())),
  ],
];

const ofCatalog: [name: string, red: CheckId, Damage][] = [
  ['a byte of an index object', 'objects', flip(firstIndex, 0.5)],
  ['an index object that is cut', 'objects', cut(firstIndex, 0.5)],
  [
    'an index object with the content of a snapshot',
    'objects',
    ({ path }) => cpSync(join(path, newest()), join(path, firstIndex())),
  ],
  ['a byte of the snapshot', 'authenticity', flip(newest, 0.5)],
  ['a snapshot that is cut', 'authenticity', cut(newest, 0.5)],
  ['a snapshot that is missing', 'authenticity', remove(newest)],
  ['no snapshots', 'authenticity', ({ path }) => rmSync(join(path, layout.snapshots), { recursive: true })],
  ['nothing of the source', 'authenticity', ({ path }) => rmSync(join(path, layout.prefix), { recursive: true })],
  [
    'nothing at all',
    'authenticity',
    ({ path }) => {
      empty(path);
    },
  ],
  ['a byte of the repository record', 'authenticity', flip(() => 'holdfast.json', 0.5)],
  ['a byte of the keys of an owner', 'authenticity', flip(() => layout.key(1, anna.name), -1)],
  ['the keys of an owner missing', 'authenticity', remove(() => layout.key(1, anna.name))],
  ['a byte of the record of the source', 'authenticity', flip(() => layout.source, 0.5)],
  [
    'the record of another source',
    'authenticity',
    ({ path }) => cpSync(join(path, others.source), join(path, layout.source)),
  ],
  [
    'a snapshot of another source in its place',
    'authenticity',
    ({ path }) => {
      rmSync(join(path, layout.snapshots), { recursive: true });
      cpSync(join(path, others.snapshots), join(path, layout.snapshots), { recursive: true });
    },
  ],
  [
    'the state before the newest snapshot',
    'authenticity',
    ({ path }) => {
      empty(path);
      cpSync(older, path, { recursive: true });
    },
  ],
  [
    'the older snapshot under the name of the newest',
    'authenticity',
    ({ path }) => cpSync(join(path, layout.snapshots + ids.older), join(path, newest())),
  ],
];

/** Snapshots that count for nothing, in the place of all that do. */
const signedBy: [name: string, sign: (host: RepositoryAccess) => Promise<string>][] = [
  ['a key that nobody knows', (host) => forgeSnapshot(host, about.source, stranger, (payload) => payload)],
  [
    'an unknown key in the name of the host',
    (host) => forgeSnapshot(host, about.source, stranger, (payload) => ({ ...payload, signer: web1.name })),
  ],
  ['an owner, who is no host', (host) => forgeSnapshot(host, about.source, bob, (payload) => payload)],
  ['a host of other sources', (host) => forgeSnapshot(host, about.source, web2, (payload) => payload)],
  [
    'the host, for another source',
    (host) => forgeSnapshot(host, about.source, web1, (payload) => ({ ...payload, source: others.id })),
  ],
  [
    'the host, for another repository',
    (host) => forgeSnapshot(host, about.source, web1, (payload) => ({ ...payload, repository: '0'.repeat(32) })),
  ],
];

type Line = { kind: string; path?: string; stream?: { size: number; sha256: string; chunks: string[] } };
const ofFile = (name: string, change: (stream: NonNullable<Line['stream']>) => void) => (line: object) => {
  const entry = line as Line;
  if (entry.path === name && entry.stream) change(entry.stream);
  return line as never;
};

const byHost: [name: string, red: CheckId, Damage][] = [
  [
    'two chunks of a file in another order',
    'files',
    async ({ host }) => {
      await forgeManifest(
        host,
        about.source,
        ofFile('pages.bin', ({ chunks }) => chunks.unshift(...chunks.splice(1, 1))),
      );
    },
  ],
  [
    'a chunk of a file left out',
    'files',
    async ({ host }) => {
      await forgeManifest(
        host,
        about.source,
        ofFile('pages.bin', ({ chunks }) => void chunks.pop()),
      );
    },
  ],
  [
    'another fingerprint of a file',
    'files',
    async ({ host }) => {
      await forgeManifest(
        host,
        about.source,
        ofFile('one.txt', (stream) => {
          stream.sha256 = '0'.repeat(64);
        }),
      );
    },
  ],
  [
    'another size of a file',
    'restore',
    async ({ host }) => {
      await forgeManifest(
        host,
        about.source,
        ofFile('one.txt', (stream) => {
          stream.size += 1;
        }),
      );
    },
  ],
  [
    'the content of another file',
    'files',
    async ({ host }) => {
      let one: string[] = [];
      await forgeManifest(host, about.source, (line) => {
        ofFile('one.txt', ({ chunks }) => {
          one = chunks;
        })(line);
        return ofFile('two.txt', (stream) => {
          stream.chunks = one;
        })(line);
      });
    },
  ],
  [
    'a chunk that is nowhere',
    'files',
    async ({ host }) => {
      await forgeManifest(
        host,
        about.source,
        ofFile('one.txt', (stream) => {
          stream.chunks = ['ab'.repeat(32)];
        }),
      );
    },
  ],
  [
    'a commitment to another manifest',
    'objects',
    async ({ host }) => {
      await forgeSnapshot(host, about.source, web1, (payload) => ({
        ...payload,
        commitment: { ...payload.commitment, sha256: '0'.repeat(64) },
      }));
    },
  ],
  [
    'a snapshot that does not name a pack that it needs',
    'files',
    async ({ host }) => {
      await forgeSnapshot(host, about.source, web1, (payload) => ({
        ...payload,
        packs: payload.packs.filter((pack) => layout.pack(pack) !== data()),
      }));
    },
  ],
  [
    'an index that tells other places',
    'files',
    async ({ path, host }) => {
      const source = await openSource(host, about.source);
      for await (const index of loadIndexes(host, source, () => {})) {
        const { id, role: _, sites: __, ...payload } = index;
        rmSync(join(path, layout.index + id));
        for (const pack of payload.packs) pack.lengths.reverse();
        const forged = await sealCatalogObject(payload, web1, source.keys[0]!.catalogRecipient);
        await host.site.create(layout.index + forged.name, forged.bytes);
      }
    },
  ],
];

describe('nothing is wrong with', () => {
  it.concurrent('the site as it is', async () => expectGreen(await proveDamaged(() => {})));
  it.concurrent('a machine that sees it for the first time', async () =>
    expectGreen(await proveDamaged(() => {}, { knows: false })));
  it.concurrent('packs that no index describes: they tell themselves what they hold', async () =>
    expectGreen(await proveDamaged(({ path }) => rmSync(join(path, layout.index), { recursive: true }))));
  it.concurrent('what a stranger has put beside the snapshots', async () =>
    expectGreen(
      await proveDamaged(
        async ({ host }) => void (await forgeSnapshot(host, about.source, stranger, (payload) => payload)),
      ),
    ));
  it.concurrent('a manifest that was written anew', async () =>
    expectGreen(
      await proveDamaged(async ({ host }) => {
        await forgeManifest(host, about.source, (line) => ({ ...line, unknown: true }));
      }),
    ));
});

describe('red is', () => {
  it.concurrent.each(ofPacks)('%s', async (_, red, damage) => expectRed(await proveDamaged(damage), red));
  it.concurrent.each(ofCatalog)('%s', async (_, red, damage) => expectRed(await proveDamaged(damage), red));
  it.concurrent.each(byHost)('signed by the host, %s', async (_, red, damage) =>
    expectRed(await proveDamaged(damage), red),
  );

  it.concurrent.each(signedBy)('a snapshot alone that was signed by %s', async (_, sign) => {
    const replaced: Damage = async ({ path, host }) => {
      const forged = await sign(host);
      for (const object of onlyIn(path, layout.snapshots)) if (object !== forged) rmSync(join(path, object));
    };
    expectRed(await proveDamaged(replaced), 'authenticity');
    // Also where nobody remembers another one.
    expectRed(await proveDamaged(replaced, { knows: false }), 'authenticity');
  });

  it.concurrent('an old state, to a machine that never saw a newer one, when another site shows it', async () => {
    const near = await openDiskSite({ name: 'near', path: older });
    const far = await openDiskSite({ name: 'far', path: sound });
    const { sites } = await fixture.accessTo([near, far], { trust: new Trust(repositoryKey, trustParties) });
    const owner = await ownerAccess(fixture, { site: near, trustParties, machine: 'both' });
    const report = await verify(
      { ...owner, sites },
      {
        items: [{ address: about.source, source: about.source, type: about.type }],
        chooseSite: async () => near,
        scratch: { kind: 'local', directory: about.directory },
        limits: { timeMs: 600_000 },
        jobs: 1,
        env: process.env,
        version: 'test',
      },
    );
    expectRed(report.proofs[0]!, 'authenticity');
  });
});
