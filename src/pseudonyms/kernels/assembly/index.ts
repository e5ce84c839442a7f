/** Loops over whole columns of bytes, compiled to WebAssembly: see ../kernels.ts. */
export { sizeOfCells } from './cells';
export { writeFillers } from './filler';
export { firstBlocks, macTexts, nextBlocks, padded } from './mac';
export { takeOriginals } from './originals';
export { forgetCells, gatherCells, keepCells, lookCells, missingCells, sizeOfGathered, sizeOfSlot } from './repeated';
export { assembleRows, markWide, readRows, sizeOfRows } from './rows';

/** Where memory begins that nothing of the kernels lies in. */
export function free(): usize {
  return __heap_base;
}
