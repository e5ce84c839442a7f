/** A tree: restored in full into a private directory, and every byte and attribute compared with the snapshot. */
import { createHash } from 'node:crypto';
import { compareTree } from '../../sources/files/compare.ts';
import { entriesOf } from '../../sources/files/entries.ts';
import { restoreFiles } from '../../sources/files/restore.ts';
import type { Check, Shortfall } from '../../sources/source.ts';
import { verdictOfFindings } from './check-list.ts';
import { keptAtEnd, type ProofWork, restoreScratch } from './proof-work.ts';
import { openDirectoryScratch } from './scratch-directory.ts';
import { directoryBytes } from './scratch-room.ts';

/** @throws HoldfastError what keeps the scratch from being made; the signal's reason */
export async function proveFiles(work: ProofWork): Promise<void> {
  const { context, scratch: settings, limits, proof, checks, snapshot } = work;
  const needed = directoryBytes(snapshot.totals);
  await using scratch = await openDirectoryScratch(settings.directory, needed, limits.bytes);
  proof.scratch = scratch.report;
  const { path } = scratch;
  const restored = await restoreScratch(work, scratch, {
    sameMajor: true,
    standard: () => restoreFiles(context, { target: path }),
  });
  if (restored === undefined) return;
  await using _kept = keptAtEnd(work, scratch);
  const tree = await readTree(work);
  const { shortfalls } = restored;
  await checks.make('files', async () => {
    const { checks: found, equal } = await compareTree(context, path, {
      owners: tree.hasOthersFiles ? 'ignore' : 'compare',
      attributes: shortfalls.some(({ object }) => object.startsWith('attribute ')) ? 'ignore' : 'compare',
    });
    const findings = found.map((check) => unlessLeftOut(check, shortfalls));
    if (equal + findings.length === 0) {
      findings.push({
        kind: 'files',
        object: 'all entries',
        verdict: 'could-not-compare',
        detail: 'Nothing was compared.',
      });
    }
    const verdict = verdictOfFindings(findings);
    const { entries, bytes, sha256 } = tree;
    proof.contents.push({
      object: '.',
      rows: entries,
      bytes,
      source: sha256,
      // Every entry was found to be what its line says, so the list of what was restored is the same.
      ...(verdict === 'pass' && equal === entries && { restored: sha256 }),
      method: 'entries-sha256',
    });
    if (verdict === 'pass' && equal !== entries) {
      const detail = `Of ${entries} entries ${equal} were compared.`;
      findings.push({ kind: 'files', object: 'all entries', verdict: 'could-not-compare', detail });
    }
    return { verdict: verdictOfFindings(findings), equal, figures: { entries, bytes }, findings };
  });
  await work.others(scratch);
}

interface Tree {
  entries: number;
  /** Of files; hard links count once. */
  bytes: number;
  /** Hex, over the lines of its entries in their order. */
  sha256: string;
  /** Whether there are entries that this account cannot give to their owner. */
  hasOthersFiles: boolean;
}

async function readTree({ context }: ProofWork): Promise<Tree> {
  const hash = createHash('sha256');
  const [uid, groups] = [process.geteuid?.() ?? 0, new Set(process.getgroups?.() ?? [])];
  groups.add(process.getegid?.() ?? 0);
  const tree: Tree = { entries: 0, bytes: 0, sha256: '', hasOthersFiles: false };
  for await (const { line } of entriesOf(context.lines())) {
    hash.update(`${canonical(line)}\n`);
    tree.entries++;
    if (line.kind === 'file') tree.bytes += line.stream?.size ?? 0;
    if (uid !== 0 && (line.uid !== uid || !groups.has(line.gid))) tree.hasOthersFiles = true;
  }
  return { ...tree, sha256: hash.digest('hex') };
}

/** One entry as JSON with its keys in order: what it is, without where its chunks lie. */
function canonical(line: object): string {
  return JSON.stringify(line, (key, value) => {
    if (key === 'chunks' || key === 'list') return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** What this account, or this file system, cannot make is no fault of the snapshot. Regular files anybody can make. */
function unlessLeftOut(check: Check, shortfalls: readonly Shortfall[]): Check {
  if (check.verdict !== 'differs' || check.kind === 'file' || check.kind === 'directory') return check;
  const left = shortfalls.find(({ object }) => object === check.object);
  return left === undefined ? check : { ...check, verdict: 'could-not-compare', detail: left.reason };
}
