/** The module that worker threads run: TypeScript in development, JavaScript once built. */
export function laneEntry(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`../sources/lane.${extension}`, import.meta.url);
}
