/**
 * What became of cells that come again and again (copy/repeated-cells.ts), in memory that is kept from batch to batch: a table by
 * hash, entries, the originals and their pseudonyms.
 */

const mostEntries: i32 = 8192;
const places: i32 = 2 * mostEntries;
/** Cells of a batch. */
const mostCells: i32 = 4096;
/** Longer ones seldom come again. */
const longestCell: i32 = 64;
const originalBytes: i32 = 192 * 1024;
const pseudonymBytes: i32 = 256 * 1024;

/** Odd numbers whose bits are as good as random. */
const first: u64 = (u64(0x9e3779b9) << 32) | 0x7f4a7c15;
const second: u64 = (u64(0xff51afd7) << 32) | 0xed558ccd;
const third: u64 = (u64(0xc4ceb9fe) << 32) | 0x1a85ec53;

/** Counts: entries, bytes of originals, bytes of pseudonyms, and whether there was no room for one of these. */
const header: usize = 64;
/** 1 + an entry, by the hash of its cell; 0 where there is none. */
const table: usize = header;
/** Hash, where the original begins and ends, where the pseudonym begins and ends (below 0 for NULL), whether it is beyond ASCII. */
const entries: usize = table + 4 * places;
const entrySize: usize = 24;
/** Of each cell of a batch: its entry, or ~ its place among those that are transformed. */
const which: usize = entries + mostEntries * entrySize;
/** Of those that are transformed: the entry, or -1; then what their places are. */
const entryOf: usize = which + 4 * mostCells;
const missing: usize = entryOf + 4 * mostCells;
const originals: usize = missing + 9 * mostCells;
const pseudonyms: usize = originals + originalBytes + 64;
const size: usize = pseudonyms + pseudonymBytes + 64;

export function sizeOfSlot(): usize {
  return size;
}

/** Where `lookCells` leaves the places of the cells that it did not find: from, to, and whether each is beyond ASCII. */
export function missingCells(slot: usize): usize {
  return slot + missing;
}

export function forgetCells(slot: usize): void {
  memory.fill(slot, 0, header + 4 * places);
}

/**
 * Finds the entry of each of up to 4096 cells, and gives one to those that have none as long as there is room.
 *
 * @returns how many were not found
 */
export function lookCells(slot: usize, bytes: usize, from: usize, to: usize, wide: usize, count: i32): i32 {
  let known = load<i32>(slot);
  let used = load<i32>(slot, 4);
  let taken = 0;
  for (let i: i32 = 0; i < count; i++) {
    const place = usize(i) << 2;
    const start = load<i32>(from + place);
    const end = load<i32>(to + place);
    const length = end - start;
    let entry = -1;
    if (end >= start && length <= longestCell) {
      const cell = bytes + usize(start);
      const hash = hashOf(cell, length);
      let at = hash & (places - 1);
      for (;;) {
        entry = load<i32>(slot + table + (usize(at) << 2)) - 1;
        if (entry < 0 || isOf(slot, entry, hash, cell, length)) break;
        at = (at + 1) & (places - 1);
      }
      if (entry >= 0) {
        store<i32>(slot + which + place, entry);
        continue;
      }
      // The rest of this batch goes without an entry when they are used up.
      if (known < mostEntries && used + length <= originalBytes) {
        entry = known++;
        store<i32>(slot + table + (usize(at) << 2), entry + 1);
        const told = slot + entries + usize(entry) * entrySize;
        store<i32>(told, hash);
        store<i32>(told, used, 4);
        store<i32>(told, used + length, 8);
        memory.copy(slot + originals + usize(used), cell, length);
        used += length;
        store<i32>(slot + which + place, entry);
      }
    }
    const slotOfMissing = slot + missing + (usize(taken) << 2);
    store<i32>(slotOfMissing, start);
    store<i32>(slotOfMissing, end, 4 * mostCells);
    store<u8>(slot + missing + 8 * mostCells + taken, load<u8>(wide + i));
    store<i32>(slot + entryOf + (usize(taken) << 2), entry);
    if (entry < 0) store<i32>(slot + which + place, ~taken);
    taken++;
  }
  store<i32>(slot, known);
  store<i32>(slot, used, 4);
  return taken;
}

function hashOf(at: usize, length: i32): i32 {
  let hash = u64(length) * first;
  let k: i32 = 0;
  for (; k <= length - 8; k += 8) {
    hash = (hash ^ load<u64>(at + k)) * second;
    hash ^= hash >>> 32;
  }
  if (k < length) {
    hash = (hash ^ (load<u64>(at + k) & ((u64(1) << (u64(length - k) << 3)) - 1))) * second;
    hash ^= hash >>> 32;
  }
  hash *= third;
  return i32(hash >>> 32);
}

function isOf(slot: usize, entry: i32, hash: i32, cell: usize, length: i32): bool {
  const told = slot + entries + usize(entry) * entrySize;
  if (load<i32>(told) !== hash) return false;
  const start = load<i32>(told, 4);
  if (load<i32>(told, 8) - start !== length) return false;
  const kept = slot + originals + usize(start);
  let k: i32 = 0;
  for (; k <= length - 8; k += 8) if (load<u64>(cell + k) !== load<u64>(kept + k)) return false;
  if (k === length) return true;
  const differs = load<u64>(cell + k) ^ load<u64>(kept + k);
  return (differs & ((u64(1) << (u64(length - k) << 3)) - 1)) === 0;
}

/**
 * Keeps what became of the cells that were not found, in their order.
 *
 * @param count how many those are
 * @returns 1 when there was no room for one: then all is to be forgotten once the cells of this batch are gathered
 */
export function keepCells(slot: usize, bytes: usize, from: usize, to: usize, wide: usize, count: i32): i32 {
  let used = load<i32>(slot, 8);
  let full = 0;
  for (let k: i32 = 0; k < count; k++) {
    const place = usize(k) << 2;
    const entry = load<i32>(slot + entryOf + place);
    if (entry < 0) continue;
    const told = slot + entries + usize(entry) * entrySize;
    const end = load<i32>(to + place);
    const length = max(end - load<i32>(from + place), 0);
    const cell = bytes + load<usize>(from + place);
    let kept = cell;
    if (used + length <= pseudonymBytes) {
      kept = slot + pseudonyms + usize(used);
      memory.copy(kept, cell, length);
      used += length;
    } else full = 1;
    store<i32>(told, i32(kept), 12);
    store<i32>(told, end < 0 ? -1 : length, 16);
    store<i32>(told, i32(load<u8>(wide + k)), 20);
  }
  store<i32>(slot, used, 8);
  return full;
}

/** @param bytes, from, to of those that were not found, as `keepCells` took them @returns bytes of all cells of the batch */
export function sizeOfGathered(slot: usize, from: usize, to: usize, count: i32): i32 {
  let sum = 0;
  for (let i: i32 = 0; i < count; i++) {
    const entry = load<i32>(slot + which + (usize(i) << 2));
    if (entry >= 0) sum += max(load<i32>(slot + entries + usize(entry) * entrySize, 16), 0);
    else {
      const place = usize(~entry) << 2;
      sum += max(load<i32>(to + place) - load<i32>(from + place), 0);
    }
  }
  return sum;
}

/** Writes what became of all cells of the batch. @returns where the last one ends */
export function gatherCells(
  slot: usize,
  bytes: usize,
  from: usize,
  to: usize,
  wide: usize,
  count: i32,
  out: usize,
  outFrom: usize,
  outTo: usize,
  outWide: usize,
): usize {
  let at = out;
  for (let i: i32 = 0; i < count; i++) {
    const place = usize(i) << 2;
    const entry = load<i32>(slot + which + place);
    let length: i32;
    let cell: usize;
    let beyond: i32;
    if (entry >= 0) {
      const told = slot + entries + usize(entry) * entrySize;
      cell = load<usize>(told, 12);
      length = load<i32>(told, 16);
      beyond = load<i32>(told, 20);
    } else {
      const made = usize(~entry) << 2;
      const end = load<i32>(to + made);
      length = end < 0 ? -1 : end - load<i32>(from + made);
      cell = bytes + load<usize>(from + made);
      beyond = i32(load<u8>(wide + ~entry));
    }
    store<u8>(outWide + i, beyond);
    if (length < 0) {
      store<i32>(outFrom + place, 0);
      store<i32>(outTo + place, -1);
      continue;
    }
    store<i32>(outFrom + place, i32(at - out));
    if (length <= longestCell) for (let k: i32 = 0; k < length; k += 16) v128.store(at + k, v128.load(cell + k));
    else memory.copy(at, cell, length);
    at += length;
    store<i32>(outTo + place, i32(at - out));
  }
  return at;
}
