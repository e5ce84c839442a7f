import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { directZstd, nodeZstd } from '../../src/repository/zstd.ts';

const direct = directZstd();
const contents = [
  Buffer.alloc(0),
  Buffer.from('x'),
  Buffer.from('a row\tof text\n'.repeat(9000)),
  randomBytes(300_000),
];

it('is called directly in the Node that the tests run in', () => expect(direct?.name).toBe('direct'));

describe.each([direct!, nodeZstd])('$name', (codec) => {
  it('writes frames that every implementation reads, within its bound', () => {
    for (const content of contents) {
      const target = Buffer.alloc(10 + codec.bound(content.length));
      const length = codec.compress(content, target, 10);
      expect(length).toBeLessThanOrEqual(codec.bound(content.length));
      const frame = target.subarray(10, 10 + length);
      for (const reader of [direct!, nodeZstd]) {
        const back = Buffer.alloc(content.length + 1);
        reader.decompress(frame, back, content.length);
        expect(back.subarray(0, content.length).equals(content)).toBe(true);
      }
      const program = spawnSync('zstd', ['-dc'], { input: frame, maxBuffer: 2 ** 26 });
      expect(program.stdout.equals(content)).toBe(true);
    }
  });

  it('refuses two frames, another length, and what is no frame', () => {
    const content = contents[2]!;
    const target = Buffer.alloc(codec.bound(content.length));
    const frame = Buffer.from(target.subarray(0, codec.compress(content, target, 0)));
    const room = Buffer.alloc(4 * content.length);
    expect(() => codec.decompress(frame, room, content.length - 1)).toThrow();
    expect(() => codec.decompress(frame, room, content.length + 1)).toThrow();
    expect(() => codec.decompress(Buffer.concat([frame, frame]), room, 2 * content.length)).toThrow();
    expect(() => codec.decompress(frame.subarray(0, frame.length - 3), room, content.length)).toThrow();
    expect(() => codec.decompress(randomBytes(100), room, 100)).toThrow();
  });
});
