/** The module that worker threads of a pseudonymized copy run: TypeScript in development, JavaScript once built. */
export function copyLaneEntry(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`../../pseudonyms/copy/lane.${extension}`, import.meta.url);
}
