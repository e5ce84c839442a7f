/** Loops over whole columns of bytes, compiled to WebAssembly: see ../kernels.ts. */
export { sizeOfCells } from './cells';
export { readDates, readMoments, shiftDates, writeDates, writeMoments } from './dates';
export { writeEmails } from './emails';
export { writeFillers } from './filler';
export { firstBlocks, macTexts, nextBlocks, padded } from './mac';
export { readFours, readNetworks, writeFours, writeNetworks } from './networks';
export { takeOriginals } from './originals';
export { readPhones, writePhones } from './phones';
export { forgetCells, gatherCells, keepCells, lookCells, missingCells, sizeOfGathered, sizeOfSlot } from './repeated';
export { assembleRows, markWide, readRows, sizeOfRows } from './rows';
export { readUuids, readWholes, writeUuids, writeWholes } from './wholes';
export { writeWords } from './word-lists';

/** Where memory begins that nothing of the kernels lies in. */
export function free(): usize {
  return __heap_base;
}
