/**
 * Gives the memory of `bytes` back now, if nothing else lies in it; they are empty afterwards.
 *
 * Buffers of tens of kilobytes that are left to the collector make it run for every 64 MiB that passed through: in a
 * restore that was half of all work.
 */
export function free(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength && bytes.byteLength >= 4096) {
    buffer.transfer(0);
  }
}
