/** What goes into the files of a pseudonymized copy of a tree. */
import { isUtf8 } from 'node:buffer';
import { ftruncateSync, readSync, writeSync } from 'node:fs';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import { detectionBytes, detectType } from '../../pseudonyms/files/detect.ts';
import { fileDomain, fileSeed, placeholder } from '../../pseudonyms/files/placeholder.ts';
import type { ReadyRule } from '../../pseudonyms/files/tree-rules.ts';
import type { Facts } from '../../sources/files/posix.ts';
import { dataRanges } from '../../sources/files/sparse.ts';
import { findIt, type TreeReport, type TreeSettings, unreadable } from './tree-settings.ts';

/** A text is rewritten as a whole. */
const largestText = 16 * MiB;
const piece = 1 * MiB;

interface OpenFile {
  from: number;
  to: number;
  facts: Facts;
  rule: ReadyRule;
  name: string;
}

/** Writes what the rule of each file makes of it. */
export class Contents {
  readonly #settings: TreeSettings;
  readonly #seedOf: (head: Uint8Array) => string;
  readonly #room = Buffer.allocUnsafeSlow(piece);

  constructor(settings: TreeSettings) {
    this.#settings = settings;
    this.#seedOf = fileSeed(settings.key.domain(fileDomain));
  }

  copy(file: OpenFile, report: TreeReport): void {
    const { rule, to } = file;
    if (rule.content === 'keep') {
      report.files.kept++;
      report.bytes += this.#asItIs(file);
    } else if (rule.content === 'text') {
      report.files.rewritten++;
      report.bytes += writeAllSync(to, this.#rewritten(file));
    } else {
      report.files.placeholders++;
      const head = this.#room.subarray(0, this.#read(file, 0, detectionBytes));
      // Nothing was in it, so nothing is put into it.
      if (head.length === 0) return;
      const type = rule.type === 'auto' ? detectType(head) : rule.type;
      report.types[type] = (report.types[type] ?? 0) + 1;
      report.bytes += writeAllSync(to, placeholder(type, { seed: this.#seedOf(head) }));
    }
  }

  /** Reads into the room until `length` bytes are there, or the file ends. */
  #read({ from, facts }: OpenFile, position: number, length: number): number {
    let filled = 0;
    try {
      while (filled < length) {
        const count = readSync(from, this.#room, filled, length - filled, position + filled);
        if (count === 0) break;
        filled += count;
      }
    } catch (error) {
      throw unreadable(this.#settings.source, systemCode(error), facts);
    }
    return filled;
  }

  /** Holes stay holes. */
  #asItIs(file: OpenFile): number {
    const { facts, from, to } = file;
    let end = facts.size;
    for (const [start, length] of dataRanges(from, facts) ?? [[0, facts.size]]) {
      for (let at = start; at < start + length; ) {
        this.#settings.signal.throwIfAborted();
        const count = this.#read(file, at, Math.min(piece, start + length - at));
        if (count === 0) {
          // It became shorter meanwhile.
          end = Math.min(end, at);
          break;
        }
        writeAllSync(to, this.#room.subarray(0, count), at);
        at += count;
      }
    }
    ftruncateSync(to, end);
    return end;
  }

  /** @throws HoldfastError `config` when it is no text, or too long */
  #rewritten(file: OpenFile): Buffer {
    const { facts, rule, name } = file;
    const unfit = (why: string) =>
      new HoldfastError('config', `A file of ${name} is no text that can be rewritten.`, {
        why,
        hint: `${findIt(this.#settings.source, facts)} Use \`content: placeholder\` for it.`,
      });
    if (facts.size > largestText) throw unfit(`It is larger than ${largestText / MiB} MiB.`);
    const pieces: Buffer[] = [];
    for (let at = 0; at < facts.size; ) {
      const count = this.#read(file, at, Math.min(piece, facts.size - at));
      if (count === 0) break;
      pieces.push(Buffer.from(this.#room.subarray(0, count)));
      at += count;
    }
    const bytes = Buffer.concat(pieces);
    if (!isUtf8(bytes) || bytes.includes(0)) throw unfit('It is not UTF-8, or holds a NUL.');
    return bytes.length === 0 ? bytes : Buffer.from(rule.rewrite!(bytes.toString('utf8')));
  }
}

/** @returns how many bytes there were */
function writeAllSync(descriptor: number, bytes: Uint8Array, position?: number): number {
  for (let at = 0; at < bytes.length; )
    at += writeSync(descriptor, bytes, at, bytes.length - at, position === undefined ? null : position + at);
  return bytes.length;
}
