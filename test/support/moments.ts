/**
 * At how many random moments something is done to a run. HOLDFAST_TEST_MOMENTS sets the number for a thorough search,
 * which takes minutes instead of seconds.
 *
 * @param usual how many there are in an ordinary run of the tests
 */
export function moments(usual: number): number {
  const wanted = Number(process.env.HOLDFAST_TEST_MOMENTS ?? usual);
  if (!Number.isSafeInteger(wanted) || wanted < 1)
    throw new Error('HOLDFAST_TEST_MOMENTS must be a number of at least 1');
  return wanted;
}
