import { cp, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatParty, type Party } from '../../src/crypt/parties.ts';
import type { RepositoryAccess } from '../../src/repository/access.ts';
import { CatalogOpener, sealCatalogObject } from '../../src/repository/catalog-object.ts';
import type { IndexPayload } from '../../src/repository/index-object.ts';
import { Ingest } from '../../src/repository/ingest.ts';
import { commitTo, type KnownSnapshot, listSnapshots, type SnapshotPayload } from '../../src/repository/snapshot.ts';
import { type OpenedSource, openSource } from '../../src/repository/source-record.ts';
import { openDiskSite } from '../../src/sites/disk.ts';
import { parties, type RepositoryFixture } from './repository-fixture.ts';

/** A copy of a site that may be tampered with, and the facts of an escrow sheet. */
export class RecoverySite {
  readonly path: string;
  readonly trustSha256: string;
  /** What stands on the sheet: an identity and nothing else. */
  readonly identityFile: string;
  readonly #access: RepositoryAccess;

  private constructor(path: string, identityFile: string, access: RepositoryAccess) {
    this.path = path;
    this.identityFile = identityFile;
    this.trustSha256 = access.trust.sha256;
    this.#access = access;
  }

  static async copyOf(fixture: RepositoryFixture, access: RepositoryAccess): Promise<RecoverySite> {
    const directory = await mkdtemp(join(fixture.directory, 'copy-'));
    const path = join(directory, 'site');
    await cp(fixture.sitePath, path, { recursive: true });
    const identityFile = join(directory, 'identity');
    await writeFile(identityFile, `${parties.anna.identity}\n`, { mode: 0o600 });
    return new RecoverySite(path, identityFile, { ...access, site: await openDiskSite({ name: 'copy', path }) });
  }

  /** A file for another party's identity. */
  async identityOf(party: Party): Promise<string> {
    const file = join(dirname(this.identityFile), party.name);
    await writeFile(file, formatParty(party), { mode: 0o600 });
    return file;
  }

  get facts(): string[] {
    return ['--site', this.path, '--identity', this.identityFile, '--trust-sha256', this.trustSha256];
  }

  get script(): string {
    return join(this.path, 'recover.sh');
  }

  /** A directory beside the site that does not exist yet. */
  async target(name = 'restored'): Promise<string> {
    return join(await mkdtemp(join(dirname(this.path), 'to-')), name);
  }

  read(object: string): Promise<Buffer> {
    return readFile(join(this.path, object));
  }

  /** Writes an object as somebody could who has the site's login. */
  async put(object: string, bytes: Uint8Array | string): Promise<void> {
    await mkdir(dirname(join(this.path, object)), { recursive: true });
    await writeFile(join(this.path, object), bytes);
  }

  /** Changes one bit in the middle of an object. */
  async damage(object: string): Promise<void> {
    const bytes = await this.read(object);
    bytes[bytes.length >> 1]! ^= 1;
    await this.put(object, bytes);
  }

  /** The source with all its keys, for tampering: this alone needs the configuration. */
  source(name: string): Promise<OpenedSource> {
    return openSource({ ...this.#access, identities: [parties.anna] }, name);
  }

  async snapshots(name: string): Promise<KnownSnapshot[]> {
    return (await listSnapshots(this.#access, await this.source(name))).snapshots;
  }

  async newest(name: string): Promise<KnownSnapshot> {
    const newest = (await this.snapshots(name)).at(-1);
    if (newest === undefined) throw new Error(`${name} has no snapshot`);
    return newest;
  }

  /** The payload of a catalog object. */
  async openIndex(name: string, id: string): Promise<IndexPayload> {
    const source = await this.source(name);
    const opener = new CatalogOpener([source.keys[0]!.catalogIdentity], this.#access.trust);
    const bytes = await this.read(source.layout.index + id);
    return opener.open<IndexPayload>(id, bytes, { kind: 'index', source: name, roles: ['backup'] });
  }

  /**
   * Puts a statement on the site as a catalog object.
   *
   * @returns its name
   */
  async putCatalog(
    source: OpenedSource,
    folder: 'snapshots' | 'index',
    payload: Record<string, unknown> & { kind: string; repository: string; signer: string },
    signer: Party,
  ): Promise<string> {
    const { name, bytes } = await sealCatalogObject(payload, signer, source.keys[0]!.catalogRecipient);
    await this.put(source.layout[folder] + name, bytes);
    return name;
  }

  /** A snapshot like the newest one, with other fields, signed by somebody. @returns its name */
  async forgeSnapshot(
    name: string,
    signer: Party,
    change: Partial<SnapshotPayload> = {},
    signerName = signer.name,
  ): Promise<string> {
    const { id, ...payload } = await this.newest(name);
    const forged = { ...payload, sequence: payload.sequence + 1, previous: id, time: '2099-01-01T00:00:00.000Z' };
    return this.putCatalog(await this.source(name), 'snapshots', { ...forged, signer: signerName, ...change }, signer);
  }

  /**
   * A snapshot of any manifest, signed by the host: what a stolen one could write. Chunks are small, so that long
   * streams take little room, and there is no index object.
   *
   * @returns the snapshot's name
   */
  async craft(
    name: string,
    type: SnapshotPayload['type'],
    lines: (ingest: Ingest) => Promise<readonly object[]>,
  ): Promise<string> {
    const source = await this.source(name);
    const [keys] = source.keys;
    const packs: string[] = [];
    const known = new Set<string>();
    const ingest = new Ingest(
      {
        chunkIdSecret: keys!.chunkIdSecret,
        gearSecret: keys!.gearSecret,
        dataRecipient: keys!.dataRecipient,
        chunkSizes: { min: 64, average: 256, max: 1024 },
        packSize: 256 * 1024,
      },
      {
        claim: async (ids) => {
          const wanted = new Uint8Array(ids.length / 32);
          for (let i = 0; i < wanted.length; i++) {
            const id = ids.toString('hex', i * 32, (i + 1) * 32);
            if (!known.has(id)) wanted[i] = 1;
            known.add(id);
          }
          return wanted;
        },
        store: async (pack) => {
          packs.push(pack.name);
          await this.put(source.layout.pack(pack.name), pack.bytes);
        },
      },
    );
    const text = (await lines(ingest)).map((line) => `${JSON.stringify(line)}\n`).join('');
    const { stored: manifest } = await ingest.whole(Buffer.from(text));
    await ingest.flush();
    return this.forgeSnapshot(name, parties.web1, { type, manifest, packs, commitment: commitTo(manifest.sha256) });
  }
}

/** A manifest line of a file with content. */
export async function fileLine(ingest: Ingest, path: string, content: Buffer, more: object = {}): Promise<object> {
  const { stored } = await ingest.whole(content);
  return { ...entry('file', path), size: content.length, stream: stored, ...more };
}

/** A manifest line of an entry. */
export function entry(kind: string, path: string, more: object = {}): object {
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  return { kind, path, mode: kind === 'directory' ? 0o755 : 0o644, ...own, mtime: '1700000000123456789', ...more };
}
