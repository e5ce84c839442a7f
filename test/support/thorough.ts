/**
 * Lists of cases that are alike and take seconds each. Every run of the tests takes some of them, so that it ends in its quarter
 * of an hour; with HOLDFAST_ALL_TESTS in the environment all are taken.
 */
export const isThorough = Boolean(process.env.HOLDFAST_ALL_TESTS);

/** @param chosen whether a case belongs to every run */
export function forEveryRun<T>(cases: readonly T[], chosen: (one: T, at: number) => boolean): readonly T[] {
  return isThorough ? cases : cases.filter(chosen);
}
