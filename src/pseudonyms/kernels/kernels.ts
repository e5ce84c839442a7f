/**
 * Loops over whole columns of bytes, compiled to WebAssembly: what a copy does most of its time. The sources are in
 * `assembly/`, a dialect of TypeScript with types of fixed width and vectors; `.ci/build-kernels.mjs` compiles them.
 *
 * Their memory is for one call: what a kernel reads is put there and what it writes is taken from there, so that no bytes of
 * it are in anybody's hands when it grows. The rows at hand are put there once (`hold`), since every column lies in them.
 */
import { setFlagsFromString } from 'node:v8';
import type { ByteColumn } from '../byte-column.ts';
import { kernelsModule } from './kernels-module.ts';

/** What `assembly/index.ts` exports. Addresses are numbers of bytes; places of cells count from where those of their column do. */
type Exports = Readonly<
  Record<
    | 'assembleRows'
    | 'copyCells'
    | 'findNumbers'
    | 'findOdd'
    | 'firstBlocks'
    | 'firstDigits'
    | 'firstRound'
    | 'forgetCells'
    | 'free'
    | 'gatherCells'
    | 'groupShapes'
    | 'isNumber'
    | 'keepCells'
    | 'lookCells'
    | 'macTexts'
    | 'markWide'
    | 'missingCells'
    | 'nextBlocks'
    | 'nextRound'
    | 'numbersAbove'
    | 'numbersLeft'
    | 'oddNumbers'
    | 'padded'
    | 'partsOfIbans'
    | 'readDates'
    | 'readFours'
    | 'readMoments'
    | 'readNetworks'
    | 'readNirs'
    | 'readPhones'
    | 'readRanks'
    | 'readRows'
    | 'readUuids'
    | 'readWholes'
    | 'regroupCells'
    | 'sealNumbers'
    | 'searchPhrases'
    | 'searchPrints'
    | 'shiftDates'
    | 'sizeOfCells'
    | 'sizeOfGathered'
    | 'sizeOfRows'
    | 'sizeOfSearch'
    | 'sizeOfSlot'
    | 'startsOf'
    | 'stripCells'
    | 'takeOriginals'
    | 'writeDates'
    | 'writeEmails'
    | 'writeFillers'
    | 'writeFours'
    | 'writeLeads'
    | 'writeMoments'
    | 'writeNetworks'
    | 'writeNirs'
    | 'writePhones'
    | 'writeRanks'
    | 'writeUuids'
    | 'writeWholes'
    | 'writeWords',
    (...parameters: number[]) => number
  >
>;

/** Types of @types/node leave these out. */
interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
const { Memory: NewMemory, Instance } = WebAssembly as unknown as {
  Memory: new (size: { initial: number; maximum: number }) => Memory;
  Instance: new (module: WebAssembly.Module, imports: object) => { exports: unknown };
};

/** Cells in the memory of the kernels: addresses. */
export interface BroughtCells {
  /** What `from` and `to` count from; below 0 as well, which is as good in numbers of 32 bits. */
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
  readonly wide: number;
}

const page = 65_536;
const initialPages = 1024;
/** Columns whose repeated cells are remembered at a time; each takes memory in every lane. */
const slots = 16;
/** Kernels read so far behind what they are given, and write so far. */
const slack = 64;

export class Kernels {
  readonly run: Exports;
  readonly #memory: Memory;
  readonly #begin: number;
  /** Until the next `take`: then they may be others. */
  bytes!: Buffer<ArrayBuffer>;
  words!: Int32Array<ArrayBuffer>;
  #at = 0;
  #held: Buffer | undefined;
  /** From a place in the bytes that are held to its address. */
  #delta = 0;
  #heldEnd = 0;
  /** Who has each slot; the last of them used it last. */
  #slots: { readonly address: number; owner: object | undefined }[] = [];

  constructor(module: WebAssembly.Module) {
    this.#memory = new NewMemory({ initial: initialPages, maximum: page });
    this.#look();
    // A copy: properties of the object that a module gives are looked up anew each time.
    this.run = { ...(new Instance(module, { env: { memory: this.#memory } }).exports as Exports) };
    const size = this.run.sizeOfSlot();
    const first = (this.run.free() + slack) & -slack;
    for (let k = 0; k < slots; k++) this.#slots.push({ address: first + k * size, owner: undefined });
    this.#begin = (first + slots * size + slack) & -slack;
    this.#at = this.#heldEnd = this.#begin;
  }

  /**
   * Memory that an owner keeps, until others want it: there are few.
   *
   * @returns where it is, and whether what the owner put there still is
   */
  slot(owner: object): { address: number; isKept: boolean } {
    const found = this.#slots.findIndex((each) => each.owner === owner);
    const [slot] = this.#slots.splice(Math.max(0, found), 1);
    slot!.owner = owner;
    this.#slots.push(slot!);
    return { address: slot!.address, isKept: found >= 0 };
  }

  /** The next one who wants a slot gets the owner's. */
  giveUpSlot(owner: object): void {
    const found = this.#slots.findIndex((each) => each.owner === owner);
    if (found < 0) return;
    const [slot] = this.#slots.splice(found, 1);
    this.#slots.unshift({ address: slot!.address, owner: undefined });
  }

  /** Larger than most ever are, and nothing in it is needed. */
  get isSpent(): boolean {
    return this.#held === undefined && this.bytes.length > 4 * initialPages * page;
  }

  #look(): void {
    const { buffer } = this.#memory;
    this.bytes = Buffer.from(buffer);
    this.words = new Int32Array(buffer);
  }

  /**
   * Puts bytes there that several calls are about, until `letGo`. They must not change.
   *
   * @param from, to the part of them that cells lie in
   * @returns what places in them count from
   */
  hold(bytes: Buffer, from = 0, to = bytes.length): number {
    this.letGo();
    const address = this.take(to - from);
    bytes.copy(this.bytes, address, from, to);
    this.#held = bytes;
    this.#delta = address - from;
    this.#heldEnd = this.#at;
    return this.#delta;
  }

  /** Room that is kept as long as the bytes that are held. */
  keep(length: number): number {
    const address = this.begin().take(length);
    this.#heldEnd = this.#at;
    return address;
  }

  letGo(): void {
    this.#held = undefined;
    this.#at = this.#heldEnd = this.#begin;
  }

  /** A call begins: what was taken for the last one is free. */
  begin(): this {
    this.#at = this.#heldEnd;
    return this;
  }

  /** For a part of a call, or one within another: the room that it takes is free afterwards. */
  within<T>(part: () => T): T {
    const at = this.#at;
    try {
      return part();
    } finally {
      this.#at = at;
    }
  }

  /** Room for one call, from a multiple of 16 on. @throws RangeError when there is none of 4 GiB */
  take(length: number): number {
    const address = this.#at;
    const end = Math.ceil((address + length + slack) / 16) * 16;
    const missing = end + slack - this.bytes.length;
    if (missing > 0) {
      this.#memory.grow(Math.ceil(missing / page));
      this.#look();
    }
    this.#at = end;
    return address;
  }

  /** Puts whole numbers there. */
  put(numbers: Int32Array, count = numbers.length): number {
    const address = this.take(count * 4);
    this.words.set(count === numbers.length ? numbers : numbers.subarray(0, count), address >>> 2);
    return address;
  }

  /** Room for cells that a kernel writes: `length` bytes of them, and their places. */
  takeCells(count: number, length: number): Omit<BroughtCells, 'wide'> {
    return { bytes: this.take(length), from: this.take(count * 4), to: this.take(count * 4) };
  }

  /** Takes cells of ASCII from there; they become those of a column. @param end behind the last one */
  give(column: ByteColumn, count: number, { bytes, from, to }: Omit<BroughtCells, 'wide'>, end: number): void {
    const words = (at: number) => this.words.subarray(at >>> 2, (at >>> 2) + count);
    // From a kernel numbers of 32 bits come with a sign.
    column.receive(this.bytes.subarray(bytes, end >>> 0), words(from), words(to));
  }

  /** Puts the cells of a column there. */
  bring(column: ByteColumn): BroughtCells {
    const { bytes, from, to, wide, count } = column;
    let delta = this.#delta;
    if (bytes !== this.#held) {
      const [first, last] = extentOf(column);
      const length = Math.max(0, last - first);
      const address = this.take(length);
      if (length > 0) bytes.copy(this.bytes, address, first, last);
      delta = length > 0 ? address - first : address;
    }
    const brought = { bytes: delta, from: this.put(from, count), to: this.put(to, count), wide: this.take(count) };
    this.bytes.set(wide.subarray(0, count), brought.wide);
    return brought;
  }
}

/** Where the first cell begins, and the last one ends. */
function extentOf({ isWritten, at, from, to, count }: ByteColumn): [first: number, last: number] {
  if (isWritten) return [0, at];
  let [first, last] = [Number.MAX_SAFE_INTEGER, 0];
  for (let i = 0; i < count; i++) {
    if (to[i]! < 0) continue;
    if (from[i]! < first) first = from[i]!;
    if (to[i]! > last) last = to[i]!;
  }
  return [first, last];
}

let module: WebAssembly.Module | undefined;
let instance: Kernels | undefined;

/** Those of this thread. */
export function kernels(): Kernels {
  // One huge row must not keep its room for good.
  if (instance?.isSpent) instance = undefined;
  if (instance === undefined) {
    module ??= compiled();
    instance = new Kernels(module);
  }
  return instance;
}

/** All of it is optimized at once, by other threads. Else rows would be well under way with what was compiled in haste. */
function compiled(): WebAssembly.Module {
  setFlagsFromString('--no-wasm-lazy-compilation');
  setFlagsFromString('--no-wasm-dynamic-tiering');
  return new WebAssembly.Module(Buffer.from(kernelsModule, 'base64'));
}

/** Does what is about a part of some bytes, which are held for so long. */
export function holding<Made>(bytes: Buffer, from: number, to: number, work: () => Made): Made {
  const kernel = kernels();
  kernel.hold(bytes, from, to);
  try {
    return work();
  } finally {
    kernel.letGo();
  }
}
