import { distance } from 'fastest-levenshtein';

/** The one of `candidates` that `word` was probably meant to be; undefined when none is near. */
export function suggestion(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const apart = apartness(word.toLowerCase(), candidate.toLowerCase());
    // A third of the letters may differ: more makes `host` of `port`.
    if (apart < bestDistance && apart <= Math.min(3, Math.max(1, Math.floor(candidate.length / 3)))) {
      best = candidate;
      bestDistance = apart;
    }
  }
  return best;
}

/** Edits between the two; letters in another order count as one. */
function apartness(a: string, b: string): number {
  if (a === b) return 0;
  return [...a].sort().join('') === [...b].sort().join('') ? 1 : distance(a, b);
}

/** `did you mean \`path\`?`, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const found = suggestion(word, candidates);
  return found === undefined ? undefined : `did you mean \`${found}\`?`;
}
