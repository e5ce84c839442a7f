import { HoldfastError } from '../base/errors.ts';

/** Where a disk-like site keeps unfinished uploads; reserved at every site, so that objects can be copied anywhere. */
export const temporaryDirectory = '.tmp';

const longestName = 512;
const segment = /^[A-Za-z0-9._-]{1,255}$/;

/** Whether `name` may name an object: see Site. */
export function isObjectName(name: string): boolean {
  if (name.length > longestName) return false;
  const segments = name.split('/');
  return segments[0] !== temporaryDirectory && segments.every((s) => segment.test(s) && s !== '.' && s !== '..');
}

/** @throws HoldfastError `internal`: names are made by code, never by people. */
export function assertObjectName(name: string): void {
  if (isObjectName(name)) return;
  throw new HoldfastError('internal', `${JSON.stringify(name)} is not the name of an object.`, {
    why: 'Names are relative paths of letters, digits, ".", "_", "-" and "/".',
  });
}

/** @throws HoldfastError `internal` unless `prefix` is empty or an object name followed by `/`. */
export function assertPrefix(prefix: string): void {
  if (prefix === '' || (prefix.endsWith('/') && isObjectName(prefix.slice(0, -1)))) return;
  throw new HoldfastError('internal', `${JSON.stringify(prefix)} is not a prefix of object names.`, {
    why: 'A prefix is empty, or a name that ends in "/".',
  });
}

/** @throws HoldfastError `internal` unless both are whole numbers of bytes, not negative. */
export function assertRange(range: { offset: number; length: number }): void {
  const { offset, length } = range;
  if (Number.isSafeInteger(offset + length) && Number.isSafeInteger(offset) && offset >= 0 && length >= 0) return;
  throw new HoldfastError('internal', `There is no range of ${length} bytes at ${offset}.`);
}
