import { chown, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { HoldfastError } from '../../base/errors.ts';
import { makeOddFiles } from './odd-files.ts';
import { incompressible, Random } from './random.ts';
import { ascii, firm, type Language, paragraph, person, sentence } from './words.ts';

/** A tree of client files: scans, pictures, letters, tables, office documents, and the odd ones. */

export interface DemoTreeOptions {
  /** Regular files, the odd ones not counted. Default 400. */
  files?: number;
  /** Bytes of all of them together, in 10^6. Default 20. */
  megabytes?: number;
  seed: string;
  /** Whether to add `makeOddFiles`, in a directory of their own. Default true. */
  odd?: boolean;
}

export interface DemoTreeSummary {
  files: number;
  directories: number;
  bytes: number;
  /** What the file system could not hold. */
  unsupported: string[];
}

/** Where the odd files lie in the tree. */
export const oddDirectory = 'odd ones';

interface Kind {
  extension: string;
  /** Of the files, of 100. */
  frequency: number;
  /** Size in proportion to the average of all files. */
  weight: number;
  make(seed: string, random: Random, size: number): Buffer;
}

const kinds: readonly Kind[] = [
  { extension: 'pdf', frequency: 30, weight: 1.6, make: pdf },
  { extension: 'jpg', frequency: 25, weight: 1.6, make: jpeg },
  { extension: 'txt', frequency: 15, weight: 0.3, make: text },
  { extension: 'csv', frequency: 8, weight: 1.5, make: table },
  { extension: 'docx', frequency: 15, weight: 0.6, make: office },
  { extension: 'json', frequency: 7, weight: 0.8, make: records },
];

const folders = ['contrats', 'invoices', 'photos', 'courrier', 'Rapports 2026', 'pièces jointes', 'exports', 'HR'];
const filesInFolder = 12;

/**
 * Fills `directory`, which is made when it is missing. The same seed makes the same files.
 *
 * @throws HoldfastError `target-exists` when it holds something
 */
export async function fillDemoTree(
  directory: string,
  { files = 400, megabytes = 20, seed, odd = true }: DemoTreeOptions,
): Promise<DemoTreeSummary> {
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0) {
    throw new HoldfastError('target-exists', `The directory for the demo files is not empty: ${directory}`, {
      hint: 'Name a directory that does not exist yet.',
    });
  }
  const random = new Random(`${seed}/tree`);
  const plan = planFiles(random, files, megabytes * 1e6);
  const made = new Set<string>();
  let bytes = 0;
  for (const [i, file] of plan.entries()) {
    const folder = join(directory, file.folder);
    if (!made.has(folder)) {
      await mkdir(folder, { recursive: true });
      made.add(folder);
    }
    const name = join(folder, file.name);
    const content = file.kind.make(`${seed}/${i}`, random, file.size);
    await writeFile(name, content, { mode: i % 20 === 7 ? 0o600 : 0o644 });
    if (process.getuid?.() === 0 && i % 25 === 3) await chown(name, 1000 + (i % 3), 1000);
    await utimes(name, file.modified, file.modified);
    bytes += content.length;
  }
  let unsupported: string[] = [];
  if (odd) {
    await mkdir(join(directory, oddDirectory));
    unsupported = await makeOddFiles(join(directory, oddDirectory));
  }
  return { files: plan.length, directories: made.size, bytes, unsupported };
}

interface PlannedFile {
  folder: string;
  name: string;
  kind: Kind;
  size: number;
  /** Seconds since the epoch. */
  modified: number;
}

function planFiles(random: Random, count: number, bytes: number): PlannedFile[] {
  const plan: PlannedFile[] = [];
  let client = '';
  let folder = '';
  for (let i = 0; i < count; i++) {
    if (i % (filesInFolder * 4) === 0) client = `${firm(random)} ${1 + Math.floor(i / (filesInFolder * 4))}`;
    if (i % filesInFolder === 0) {
      folder = join(client, random.pick(folders), ...(random.chance(0.3) ? [`20${random.between(19, 26)}`] : []));
    }
    const kind = pickKind(random);
    // Most are small, some are large: the product of three uniform numbers.
    const spread = 8 * random.share() * random.share() * random.share();
    plan.push({
      folder,
      name: `${String(i + 1).padStart(5, '0')} ${ascii(person(random, 'x').family)}-${random.hex(4)}.${kind.extension}`,
      kind,
      size: kind.weight * spread,
      modified: 1_600_000_000 + random.below(180_000_000) + random.below(1000) / 1000,
    });
  }
  const total = plan.reduce((sum, file) => sum + file.size, 0);
  for (const file of plan) file.size = Math.max(1, Math.round((file.size / total) * bytes));
  return plan;
}

function pickKind(random: Random): Kind {
  let left = random.below(100);
  for (const kind of kinds) {
    left -= kind.frequency;
    if (left < 0) return kind;
  }
  return kinds[0]!;
}

const anyLanguage = (random: Random): Language => (random.chance(0.5) ? 'fr' : 'en');

/** Text objects between streams that are compressed already. */
function pdf(seed: string, random: Random, size: number): Buffer {
  const objects = `%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n% ${sentence(random, 'fr', 8)}\n`;
  const head = Buffer.from(`${objects}5 0 obj\n<< /Length ${size} /Filter /FlateDecode >>\nstream\n`);
  const tail = Buffer.from('\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n');
  const body = incompressible(seed, Math.max(0, size - head.length - tail.length));
  return Buffer.concat([head, body, tail]).subarray(0, size);
}

function jpeg(seed: string, _random: Random, size: number): Buffer {
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 72, 0, 72, 0, 0]);
  return Buffer.concat([head, incompressible(seed, size)]).subarray(0, size);
}

function text(_seed: string, random: Random, size: number): Buffer {
  const language = anyLanguage(random);
  return fitted(size, () => `${paragraph(random, language, 600)}\n\n`);
}

function table(_seed: string, random: Random, size: number): Buffer {
  return fitted(size, () => {
    const who = person(random, 'client.example');
    return `${random.below(100_000)};${who.given};${who.family};${who.email};${random.below(10_000)},${random.below(100)}\n`;
  });
}

function records(_seed: string, random: Random, size: number): Buffer {
  return fitted(size, () => `${JSON.stringify({ id: random.uuid(), label: sentence(random, 'en', 6), done: true })}\n`);
}

/** As a .docx is: a ZIP entry of deflated XML, and pictures. */
function office(seed: string, random: Random, size: number): Buffer {
  const language = anyLanguage(random);
  const xml = fitted(
    Math.min(size, 200_000),
    () => `<w:p><w:r><w:t>${paragraph(random, language, 300)}</w:t></w:r></w:p>`,
  );
  const deflated = deflateRawSync(xml, { level: 1 });
  const head = Buffer.from('PK\x03\x04\x14\x00\x00\x00\x08\x00word/document.xml', 'latin1');
  return Buffer.concat([head, deflated, incompressible(seed, size)]).subarray(0, size);
}

function fitted(size: number, part: () => string): Buffer {
  let content = '';
  while (content.length < size) content += part();
  return Buffer.from(content).subarray(0, size);
}
