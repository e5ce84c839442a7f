import { createRequire } from 'node:module';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/**
 * One zstd frame at a time, synchronously, between buffers of the caller.
 *
 * The zstd that Node itself carries is called directly, where its binary exports it: Node's own calls make and clear a
 * context for every frame and leave their buffers to the collector, which for frames of this size costs five times what
 * compressing them does, and fifteen times what decompressing does (docs/decisions/002-zstd.md). Elsewhere Node's calls do
 * the same work. Never libzstd.so beside it: its inner calls would be bound to Node's functions, of another version.
 */
export interface Zstd {
  /** Which implementation this is. */
  readonly name: 'direct' | 'node';
  /** The most bytes a frame of `length` bytes of content can take. */
  bound(length: number): number;
  /**
   * Writes the frame of `content` into `target` from `at`, where `bound(content.length)` bytes must be free.
   *
   * @returns bytes of the frame, which tells its content size
   */
  compress(content: Uint8Array, target: Uint8Array, at: number): number;
  /**
   * Writes the content of `frame`, which must be exactly one frame of exactly `length` bytes, into the start of `target`.
   *
   * @throws Error otherwise
   */
  decompress(frame: Uint8Array, target: Uint8Array, length: number): void;
}

/** zstd level of chunks; docs/decisions/001 holds the figures behind it. */
const level = 1;

let chosen: Zstd | undefined;

export function zstd(): Zstd {
  chosen ??= directZstd() ?? nodeZstd;
  return chosen;
}

// ZSTD_COMPRESSBOUND of zstd.h
const bound = (length: number) => length + (length >> 8) + (length < 131_072 ? (131_072 - length) >> 11 : 0) + 64;

/** By the functions that this process exports; undefined where it exports none. */
export function directZstd(): Zstd | undefined {
  try {
    return bind();
  } catch {
    return undefined;
  }
}

function bind(): Zstd {
  type Call = (...parameters: unknown[]) => unknown;
  const process: { func(declaration: string): Call } = createRequire(import.meta.url)('koffi').load(null);
  const call = (declaration: string) => process.func(declaration);
  const context = call('void *ZSTD_createCCtx()')();
  const decompression = call('void *ZSTD_createDCtx()')();
  const compress = call(
    'size_t ZSTD_compressCCtx(void *c, void *d, size_t capacity, const void *s, size_t size, int level)',
  );
  const decompress = call('size_t ZSTD_decompressDCtx(void *c, void *d, size_t capacity, const void *s, size_t size)');
  const frameSize = call('size_t ZSTD_findFrameCompressedSize(const void *s, size_t size)');
  const isError = call('unsigned int ZSTD_isError(size_t code)');
  const checked = (result: unknown) => {
    if (isError(result) !== 0) throw new Error('zstd refuses this');
    return Number(result);
  };
  return {
    name: 'direct',
    bound,
    compress(content, target, at) {
      const free = target.subarray(at, at + bound(content.length));
      return checked(compress(context, free, free.length, content, content.length, level));
    },
    decompress(frame, target, length) {
      // Several frames would be decompressed one after the other.
      if (checked(frameSize(frame, frame.length)) !== frame.length) throw new Error('more than one frame');
      const found = checked(decompress(decompression, target, length, frame, frame.length));
      if (found !== length) throw new Error('another length');
    },
  };
}

export const nodeZstd: Zstd = {
  name: 'node',
  bound,
  compress(content, target, at) {
    const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_contentSizeFlag]: 1 };
    const frame = zstdCompressSync(content, { pledgedSrcSize: content.length, params });
    target.set(frame, at);
    return frame.length;
  },
  decompress(frame, target, length) {
    // One byte more than expected, so that a longer content is seen rather than cut.
    const content = zstdDecompressSync(frame, { maxOutputLength: length + 1 });
    if (content.length !== length) throw new Error('another length');
    target.set(content);
  },
};
