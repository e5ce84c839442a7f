/** Addresses of networks in binary format (binary-network.ts) and as text, as far as they are IPv4. */
import { beginCells, endCell, lengthOf } from './cells';
import { addRest, beginRest, endNull, leaveCell } from './rest';

/** Stands for no length of a network, as in ip-text.ts. */
const noMask: i32 = 255;
/** Of a cell that is no plain address: its length is one of these. */
const isRest: i32 = 254;
const isNull: i32 = 253;
const isEmpty: i32 = 252;

/** Of each number below 256: its digits with a dot behind, and how many bytes that are. */
const octets = memory.data(1024);
const octetLengths = memory.data(256);

function fillOctets(): void {
  if (load<u8>(octetLengths) !== 0) return;
  for (let value: i32 = 0; value < 256; value++) {
    const place = octets + (usize(value) << 2);
    let at = place;
    if (value >= 100) store<u8>(at++, 0x30 + value / 100);
    if (value >= 10) store<u8>(at++, 0x30 + ((value / 10) % 10));
    store<u8>(at++, 0x30 + (value % 10));
    store<u8>(at++, 0x2e);
    store<u8>(octetLengths + value, u8(at - place));
  }
}

function writeOctet(at: usize, value: u32): usize {
  store<u32>(at, load<u32>(octets + (usize(value) << 2)));
  return at + load<u8>(octetLengths + value);
}

/** @returns where it ends, at most 18 bytes further */
function writeFour(place: usize, address: u32, mask: i32): usize {
  let at = writeOctet(place, address >> 24);
  at = writeOctet(at, (address >> 16) & 255);
  at = writeOctet(at, (address >> 8) & 255);
  at = writeOctet(at, address & 255) - 1;
  if (mask === noMask) return at;
  store<u8>(at, 0x2f);
  return writeOctet(at + 1, mask) - 1;
}

let address: u32 = 0;
let mask: i32 = 0;

/** A number of one to three digits; 256 or more for anything else. */
function shortAt(at: usize, length: i32): u32 {
  if (u32(length - 1) > 2) return 256;
  const word = (load<u32>(at) & 0x0f0f0f0f) << u32(32 - 8 * length);
  return ((word >> 8) & 255) * 100 + ((word >> 16) & 255) * 10 + (word >> 24);
}

/**
 * Reads four numbers, and perhaps the length of a network, into `address` and `mask`. @returns whether it is that; anything else
 * may be an address as well
 */
function isPlainFour(at: usize, length: i32): bool {
  if (u32(length - 1) >= 19) return false;
  const text = v128.load(at);
  const inside = (1 << min(length, 16)) - 1;
  const slashes = i8x16.bitmask(i8x16.eq(text, i8x16.splat(0x2f))) & inside;
  const end = slashes === 0 ? length : ctz(slashes);
  if (end > 15) return false;
  const all = (1 << end) - 1;
  let dots = i8x16.bitmask(i8x16.eq(text, i8x16.splat(0x2e))) & all;
  const digits = i8x16.bitmask(i8x16.lt_u(i8x16.sub(text, i8x16.splat(0x30)), i8x16.splat(10)));
  if (((dots | digits) & all) !== all || popcnt(dots) !== 3) return false;
  const first = ctz(dots);
  dots &= dots - 1;
  const second = ctz(dots);
  dots &= dots - 1;
  const third = ctz(dots);
  const a = shortAt(at, first);
  const b = shortAt(at + first + 1, second - first - 1);
  const c = shortAt(at + second + 1, third - second - 1);
  const d = shortAt(at + third + 1, end - third - 1);
  if ((a | b | c | d) > 255) return false;
  address = (a << 24) | (b << 16) | (c << 8) | d;
  mask = noMask;
  if (end === length) return true;
  for (let k = end + 1; k < length; k++) if (u32(load<u8>(at + k)) - 0x30 > 9) return false;
  const told = shortAt(at + end + 1, length - end - 1);
  mask = i32(told);
  return told <= 32;
}

/**
 * Writes the text of addresses.
 *
 * @param isCidr whether each is written with the length of its network; else those of single hosts are not
 * @param out has room for 18 bytes of each
 * @param rest gets the cells that are no IPv4 address
 * @returns where the last one ends
 */
export function readNetworks(
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  isCidr: i32,
  out: usize,
  outFrom: usize,
  outTo: usize,
  rest: usize,
): usize {
  fillOctets();
  beginCells(out, outFrom, outTo);
  beginRest(rest);
  let at = out;
  for (let i: i32 = 0; i < count; i++) {
    const length = lengthOf(from, to, i);
    if (length < 0) {
      endNull(i);
      continue;
    }
    const cell = bytes + load<usize>(from + (usize(i) << 2));
    const bits = i32(load<u8>(cell, 1));
    if (length !== 8 || load<u8>(cell) !== 2) {
      leaveCell(i, at);
      continue;
    }
    const begin = at;
    at = writeFour(at, bswap<u32>(load<u32>(cell, 4)), bits === 32 && isCidr === 0 ? noMask : bits);
    endCell(i, begin, at);
  }
  return at;
}

/**
 * Writes the binary form of texts: 8 bytes each.
 *
 * @param rest gets the cells that are no plain IPv4 address
 * @returns where the last one ends
 */
export function writeNetworks(
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  isCidr: i32,
  out: usize,
  outFrom: usize,
  outTo: usize,
  rest: usize,
): usize {
  beginCells(out, outFrom, outTo);
  beginRest(rest);
  let at = out;
  for (let i: i32 = 0; i < count; i++) {
    const length = lengthOf(from, to, i);
    if (length < 0) {
      endNull(i);
      continue;
    }
    if (!isPlainFour(bytes + load<usize>(from + (usize(i) << 2)), length)) {
      leaveCell(i, at);
      continue;
    }
    // The family, the length of the network, whether it is a `cidr`, bytes of the address.
    store<u32>(at, 2 | ((mask === noMask ? 32 : mask) << 8) | (isCidr << 16) | (4 << 24));
    store<u32>(at, bswap<u32>(address), 4);
    endCell(i, at, at + 8);
    at += 8;
  }
  return at;
}

/**
 * Reads texts.
 *
 * @param values gets the addresses of the plain ones in order, each of 64 bits with a floating point
 * @param masks gets a byte of each cell: the length of its network, or what it is in place of an address
 * @param rest gets the cells that are neither NULL nor empty nor a plain IPv4 address
 * @returns how many values there are
 */
export function readFours(
  bytes: usize,
  from: usize,
  to: usize,
  count: i32,
  values: usize,
  masks: usize,
  rest: usize,
): i32 {
  beginRest(rest);
  let value = values;
  for (let i: i32 = 0; i < count; i++) {
    const length = lengthOf(from, to, i);
    if (length <= 0) store<u8>(masks + i, length < 0 ? isNull : isEmpty);
    else if (isPlainFour(bytes + load<usize>(from + (usize(i) << 2)), length)) {
      store<f64>(value, f64(address));
      value += 8;
      store<u8>(masks + i, mask);
    } else {
      store<u8>(masks + i, isRest);
      addRest(i);
    }
  }
  return i32((value - values) >> 3);
}

/**
 * Writes the texts of what `readFours` read.
 *
 * @param isNetwork whether each is cut to the length of its network
 * @param out has room for 18 bytes of each
 * @returns where the last one ends
 */
export function writeFours(
  values: usize,
  masks: usize,
  count: i32,
  isNetwork: i32,
  out: usize,
  outFrom: usize,
  outTo: usize,
  rest: usize,
): usize {
  fillOctets();
  beginCells(out, outFrom, outTo);
  beginRest(rest);
  let at = out;
  let value = values;
  for (let i: i32 = 0; i < count; i++) {
    const bits = i32(load<u8>(masks + i));
    if (bits === isRest) leaveCell(i, at);
    else if (bits === isNull) endNull(i);
    else if (bits === isEmpty) endCell(i, at, at);
    else {
      let made = u32(load<f64>(value));
      value += 8;
      if (isNetwork !== 0 && bits < 32) made &= ~(0xffffffff >> u32(bits));
      const begin = at;
      at = writeFour(at, made, bits);
      endCell(i, begin, at);
    }
  }
  return at;
}
