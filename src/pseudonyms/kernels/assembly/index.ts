/** Loops over whole columns of bytes, compiled to WebAssembly: see ../kernels.ts. */

export { copyCells, sizeOfCells } from './cells';
export { readDates, readMoments, shiftDates, writeDates, writeMoments } from './dates';
export { writeEmails } from './emails';
export { firstRound, nextRound, numbersAbove, numbersLeft } from './ff1';
export { writeFillers } from './filler';
export {
  findNumbers,
  findOdd,
  firstDigits,
  oddNumbers,
  regroupCells,
  startsOf,
  stripCells,
  writeLeads,
} from './grouping';
export { firstBlocks, macTexts, nextBlocks, padded } from './mac';
export { readFours, readNetworks, writeFours, writeNetworks } from './networks';
export { readNirs, writeNirs } from './nir';
export { isNumber, partsOfIbans, sealNumbers } from './number-kinds';
export { takeOriginals } from './originals';
export { readPhones, writePhones } from './phones';
export { readRanks, writeRanks } from './ranks';
export { forgetCells, gatherCells, keepCells, lookCells, missingCells, sizeOfGathered, sizeOfSlot } from './repeated';
export { assembleRows, markWide, readRows, sizeOfRows } from './rows';
export { searchPhrases, searchPrints, sizeOfSearch } from './search';
export { groupShapes } from './shapes';
export { readUuids, readWholes, writeUuids, writeWholes } from './wholes';
export { writeWords } from './word-lists';

/** Where memory begins that nothing of the kernels lies in. */
export function free(): usize {
  return __heap_base;
}
