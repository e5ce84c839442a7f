import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inLargePages } from '../../src/base/memory.ts';

/** Mappings for which large pages were asked. */
const advised = () =>
  readFileSync('/proc/self/smaps', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('VmFlags:') && / hg( |$)/.test(line)).length;

describe('memory in large pages', () => {
  it('is asked for, and holds what it held', () => {
    const before = advised();
    const words = new Int32Array(new SharedArrayBuffer(16 << 20));
    for (let k = 0; k < words.length; k += 997) words[k] = k;
    inLargePages(words);
    if (process.platform === 'linux') expect(advised()).toBeGreaterThan(before);
    for (let k = 0; k < words.length; k += 997) expect(words[k]).toBe(k);
  });

  it('is not asked for where there is little', () => {
    const before = advised();
    inLargePages(new Uint8Array(1 << 20));
    expect(advised()).toBe(before);
  });
});
