import type { Site } from '../sites/site.ts';
import { sourcesPrefix } from './layout.ts';

const sourceId = /^[0-9a-f]{32}$/;

/** Ids of the sources of which a site holds anything, in no order. */
export async function sourceDirectories(site: Site): Promise<string[]> {
  if (site.directories) return (await site.directories(sourcesPrefix)).filter((name) => sourceId.test(name));
  const ids = new Set<string>();
  for await (const { name } of site.list(sourcesPrefix)) {
    const id = name.slice(sourcesPrefix.length).split('/', 1)[0]!;
    if (sourceId.test(id)) ids.add(id);
  }
  return [...ids];
}
