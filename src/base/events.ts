/**
 * What long work tells whoever listens. Text on a terminal and JSON lines are two renderings of these; the core
 * never prints.
 */
export type HoldfastEvent =
  /** A step began; the last one named is what is going on. */
  | { type: 'step'; text: string }
  /** Bytes (or items) done so far of one activity; `total` when it is known. Sent at most a few times a second. */
  | { type: 'progress'; activity: string; done: number; total?: number; unit: 'bytes' | 'items'; detail?: string }
  /** Worth reading, nothing is wrong. */
  | { type: 'note'; text: string; source?: string }
  /** Something is less than it should be; the run goes on, and where `degrades` is set it ends as partial. */
  | { type: 'warning'; text: string; source?: string; hint?: string; degrades?: boolean };

export type Emit = (event: HoldfastEvent) => void;

export const silent: Emit = () => {};
