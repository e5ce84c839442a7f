/** What every page of a report has around its content: it is complete in itself, nothing is fetched, and no script runs. */
import { createHash } from 'node:crypto';
import { escaped } from './markup.ts';
import { pageStyle } from './page-style.ts';
import { verdictSymbol } from './page-words.ts';

export interface PageParts {
  title: string;
  /** Above the heading. */
  kicker: string;
  verdict: keyof typeof verdictSymbol;
  /** In words: as a heading, and what it means. */
  said: { long: string; meaning: string };
  /** HTML. */
  content: string;
  /** HTML. */
  foot: string;
}

/** The page, as UTF-8 text. */
export function pageShell({ title, kicker, verdict, said, content, foot }: PageParts): string {
  const hash = createHash('sha256').update(pageStyle).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<link rel="icon" href="data:,">
<style>${pageStyle}</style>
</head>
<body>
<main>
<p class="kicker">${escaped(kicker)}</p>
<div class="hero v-${verdict}"><span class="seal" aria-hidden="true">${verdictSymbol[verdict]}</span><div>
<h1>${escaped(said.long)}</h1><p>${escaped(said.meaning)}</p></div></div>
${content}
</main>
<footer class="foot">
${foot}
</footer>
</body>
</html>
`;
}

/** A section with a table. @param anchor id of its heading @param rows HTML of each row */
export function pageTable({
  title,
  anchor,
  head,
  rows,
}: {
  title: string;
  anchor?: string;
  head: readonly string[];
  rows: readonly string[];
}): string {
  const [article, heading] = anchor === undefined ? ['', ''] : [` aria-labelledby="${anchor}"`, ` id="${anchor}"`];
  return `<article${article}><h2${heading}>${escaped(title)}</h2>
<div class="scroll" role="region" aria-label="${escaped(title)}" tabindex="0"><table class="stack" role="table"><thead role="rowgroup"><tr role="row">${head
    .map((text) => `<th scope="col" role="columnheader">${escaped(text)}</th>`)
    .join('')}</tr></thead><tbody role="rowgroup">${rows.join('')}</tbody></table></div></article>
`;
}
