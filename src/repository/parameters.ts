import { KiB, MiB } from '../base/units.ts';
import type { ChunkSizes } from './chunker.ts';

/** Sizes chosen by measurement: docs/decisions/001-chunk-and-pack-sizes.md. */

export const chunkSizes: ChunkSizes = { min: 16 * KiB, average: 64 * KiB, max: 256 * KiB };

/** Bytes of frames after which a pack is sealed. */
export const packSize = 8 * MiB;

/** How long what nothing refers to is kept: rule 7 of the design. Milliseconds. */
export const graceMs = 7 * 24 * 3600 * 1000;
