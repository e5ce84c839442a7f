import { describe, expect, it } from 'vitest';
import { ByteColumn } from '../../src/pseudonyms/byte-column.ts';
import { Kernels, kernels } from '../../src/pseudonyms/kernels/kernels.ts';
import { kernelsModule } from '../../src/pseudonyms/kernels/kernels-module.ts';

const cellsOf = (kernel: Kernels, { bytes, from, to }: { bytes: number; from: number; to: number }, count: number) =>
  Array.from({ length: count }, (_, i) => {
    const [start, end] = [kernel.words[(from >> 2) + i]!, kernel.words[(to >> 2) + i]!];
    return end < 0 ? null : kernel.bytes.toString('latin1', bytes + start, bytes + end);
  });

describe('kernels', () => {
  it('are what their sources say', async () => {
    const path = '../../.ci/build-kernels.mjs';
    const { compile } = (await import(path)) as { compile(): Promise<{ base64: string }> };
    expect((await compile()).base64).toBe(kernelsModule);
  }, 60_000);

  it('get the cells of a column, held or not', () => {
    const kernel = new Kernels(new WebAssembly.Module(Buffer.from(kernelsModule, 'base64')));
    const column = new ByteColumn().fill(['one', null, '', 'three']);
    expect(cellsOf(kernel, kernel.begin().bring(column), 4)).toEqual(['one', null, '', 'three']);
    kernel.hold(column.bytes);
    column.bytes.fill(0);
    // Not the column's own bytes, but those that were held.
    expect(cellsOf(kernel, kernel.begin().bring(column), 4)).toEqual(['one', null, '', 'three']);
    kernel.letGo();
    expect(cellsOf(kernel, kernel.begin().bring(column), 4)).toEqual(['\0\0\0', null, '', '\0\0\0\0\0']);
  });

  it('get more memory where it does not suffice, and give it up', () => {
    const before = kernels();
    const huge = Buffer.alloc(300 << 20, 'a');
    const address = before.hold(huge);
    expect(before.bytes.toString('latin1', address + huge.length - 2, address + huge.length)).toBe('aa');
    // Not as long as something lies there.
    expect(kernels()).toBe(before);
    before.letGo();
    expect(kernels()).not.toBe(before);
  });
});
