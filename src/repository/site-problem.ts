import type { Site } from '../sites/site.ts';

/** Something that is not as it must be. */
export interface SiteProblem {
  /** Where; undefined: wherever it lies. */
  site?: Site;
  /** Its name. */
  object: string;
  /** What is wrong, in a sentence or two. */
  problem: string;
  /** `damage`: something cannot be restored, or opened, from this site. `notice`: harmless by itself. */
  severity: 'damage' | 'notice';
  /** Whether a whole copy of the object put in its place makes it good. */
  mendable: boolean;
}

export type Tell = (problem: SiteProblem) => void;
