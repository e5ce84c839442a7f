import { systemCode } from '../../base/errors.ts';
import type { ByteText } from './byte-text.ts';
import { byteText, pathText } from './byte-text.ts';
import { type AttributeHolder, getAttribute, listAttributes, setAttribute } from './posix.ts';

/** Name → base64 of the value, as a manifest holds them. */
export type Attributes = Record<string, string>;

/** The kernel's limits are 64 KiB for the list and for each value. */
const room = Buffer.allocUnsafeSlow(65_536);
const valueRoom = Buffer.allocUnsafeSlow(65_536);

/**
 * The extended attributes, POSIX ACLs among them, in the byte order of their names; undefined when there are none.
 *
 * @throws SystemCallError when they cannot be read
 */
export function readAttributes(holder: AttributeHolder): Attributes | undefined {
  let length: number;
  try {
    length = listAttributes(holder, room);
  } catch (error) {
    if (systemCode(error) === 'ENOTSUP' || systemCode(error) === 'EOPNOTSUPP') return undefined;
    throw error;
  }
  if (length === 0) return undefined;
  const names: ByteText[] = room
    .toString('latin1', 0, length)
    .split('\0')
    .filter((name) => name !== '')
    .sort();
  const attributes: Attributes = Object.create(null);
  for (const name of names) {
    let size: number;
    try {
      size = getAttribute(holder, name, valueRoom);
    } catch (error) {
      // Removed since the list was made, or one that the file system lists without giving it.
      if (systemCode(error) === 'ENODATA' || systemCode(error) === 'EOPNOTSUPP') continue;
      throw error;
    }
    const text = pathText(name);
    // JSON has no bytes for keys; attribute names that are not UTF-8 do not occur outside of tests of file systems.
    if (typeof text === 'string') attributes[text] = valueRoom.toString('base64', 0, size);
  }
  return Object.keys(attributes).length === 0 ? undefined : { ...attributes };
}

/**
 * Sets attributes, each on its own.
 *
 * @returns names of those that could not be set, with the reason's code
 */
export function writeAttributes(holder: AttributeHolder, attributes: Attributes): { name: string; code: string }[] {
  const failed: { name: string; code: string }[] = [];
  for (const [name, value] of Object.entries(attributes)) {
    try {
      setAttribute(holder, byteText(name), Buffer.from(value, 'base64'));
    } catch (error) {
      failed.push({ name, code: systemCode(error) ?? 'unknown' });
    }
  }
  return failed;
}
