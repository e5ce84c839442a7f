import { createHmac } from 'node:crypto';
import type { DomainKey } from '../keys.ts';
import { detectionBytes, type FileType, fileTypes } from './detect.ts';
import { greyGif, greyJpeg, greyPng } from './images.ts';
import { docx, odt, pptx, xlsx } from './office.ts';
import { pdfPage } from './pdf.ts';
import { zipArchive } from './zip.ts';

const notice = 'Placeholder: the original file is not in this copy.';

const makers: Readonly<Record<FileType, (seed: string) => Buffer>> = {
  pdf: (seed) => pdfPage([notice, seed]),
  png: (seed) => greyPng(line(seed)),
  jpeg: (seed) => greyJpeg(line(seed)),
  gif: (seed) => greyGif(line(seed)),
  docx: (seed) => docx(line(seed)),
  xlsx: (seed) => xlsx(line(seed)),
  pptx: (seed) => pptx(line(seed)),
  odt: (seed) => odt(line(seed)),
  zip: (seed) => zipArchive([{ name: 'placeholder.txt', bytes: Buffer.from(`${line(seed)}\n`) }]),
  xml: (seed) => Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<placeholder>${seed}</placeholder>\n`),
  html: (seed) =>
    Buffer.from(`<!DOCTYPE html>\n<html lang="en"><title>Placeholder</title><p>${line(seed)}</p></html>\n`),
  json: (seed) => Buffer.from(`{"placeholder":"${seed}"}\n`),
  csv: (seed) => Buffer.from(`placeholder,id\nfile,${seed}\n`),
  text: (seed) => Buffer.from(`${line(seed)}\n`),
  // What is not known cannot be made, and random bytes would be as broken: nothing is safe to read, and seen at once.
  other: () => Buffer.alloc(0),
};

function line(seed: string): string {
  return `${notice} ${seed}`;
}

export interface PlaceholderOptions {
  /** 16 hex digits as `fileSeed` gives them: they stand in the file, so that different files stay different. */
  seed: string;
}

/**
 * A small and valid file of a type that says what it is; empty for `other`. The same seed gives the same bytes.
 *
 * @throws RangeError when the seed is not 16 hex digits
 */
export function placeholder(type: FileType, { seed }: PlaceholderOptions): Buffer {
  if (!/^[0-9a-f]{16}$/.test(seed)) throw new RangeError('the seed of a placeholder is 16 hex digits');
  return makers[type](seed);
}

/** Bytes of the longest placeholder. */
export function longestPlaceholder(): number {
  return Math.max(...fileTypes.map((type) => placeholder(type, { seed: '0'.repeat(16) }).length));
}

/** The domain of placeholders, the same for columns, large objects and trees. */
export const fileDomain = 'file';

/**
 * What tells the placeholders of different files apart: keyed, so that nobody without the key can try files. It is made from the
 * first `detectionBytes` alone, so that one file has one placeholder wherever it lies, however long it is.
 */
export function fileSeed(key: DomainKey): (head: Uint8Array) => string {
  const secret = key.subkey('file');
  return (head) => createHmac('sha256', secret).update(head.subarray(0, detectionBytes)).digest('hex').slice(0, 16);
}
