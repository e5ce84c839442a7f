/** The output of a command: restored into a private file, and every byte of it read back. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { OutputLine } from '../../sources/command/manifest.ts';
import { restoreCommand } from '../../sources/command/restore.ts';
import type { Check } from '../../sources/source.ts';
import { verdictOfFindings } from './check-list.ts';
import { keptAtEnd, type ProofWork, restoreScratch } from './proof-work.ts';
import { openDirectoryScratch } from './scratch-directory.ts';
import { directoryBytes } from './scratch-room.ts';

/** @throws HoldfastError what keeps the scratch from being made; the signal's reason */
export async function proveOutput(work: ProofWork): Promise<void> {
  const { context, scratch: settings, limits, proof, checks, snapshot } = work;
  const needed = directoryBytes(snapshot.totals);
  await using scratch = await openDirectoryScratch(settings.directory, needed, limits.bytes);
  proof.scratch = scratch.report;
  const { path } = scratch;
  const restored = await restoreScratch(work, scratch, {
    sameMajor: true,
    standard: () => restoreCommand(context, { target: path }),
  });
  if (restored === undefined) return;
  await using _kept = keptAtEnd(work, scratch);
  await checks.make('content', async () => {
    const { filename, stream } = await outputLine(work);
    const [size, sha256] = [(await stat(path).catch(() => undefined))?.size, await hashOf(path, context.signal)];
    proof.contents.push({
      object: filename,
      bytes: stream.size,
      source: stream.sha256,
      ...(sha256 !== undefined && { restored: sha256 }),
      method: 'sha256',
    });
    const detail =
      sha256 === undefined
        ? 'It was not restored.'
        : size !== stream.size
          ? `It has ${size} bytes instead of ${stream.size}.`
          : sha256 !== stream.sha256
            ? 'Its content is another.'
            : undefined;
    const check: Check = { kind: 'output', object: filename, verdict: detail === undefined ? 'equal' : 'differs' };
    const findings = detail === undefined ? [] : [{ ...check, detail }];
    const figures = { bytes: stream.size };
    return { verdict: verdictOfFindings(findings), equal: findings.length === 0 ? 1 : 0, figures, findings };
  });
  await work.others(scratch);
}

/** The restore has refused a manifest with any other line than the one. */
async function outputLine({ context }: ProofWork): Promise<OutputLine> {
  for await (const line of context.lines()) if (line.kind === 'output') return line as OutputLine;
  throw new Error('a manifest that was restored has no output');
}

async function hashOf(path: string, signal: AbortSignal): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024, signal })) hash.update(piece);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
  return hash.digest('hex');
}
