/** The page of a proof in a real browser, at a phone's width, at a desk's, in the dark and on paper. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/crypt/secrets.ts';
import type { SnapshotProof } from '../../src/jobs/verify/report.ts';
import { pageOf } from '../../src/jobs/verify/results/html.ts';
import { junitOf } from '../../src/jobs/verify/results/junit.ts';
import { Browser, type Page } from '../support/browser.ts';
import { checkOf, databaseProof, failedProof, history, reportOf, tables, treeProof } from '../support/proof-report.ts';

const directory = mkdtempSync(join(tmpdir(), 'holdfast-page-'));
let browser: Browser;

beforeAll(async () => {
  browser = await Browser.open();
});

afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

/** What somebody who names a table could try, and what breaks layouts. */
const nasty = [
  `</table></style><script>document.title='taken'</script>`,
  `"><img src=x onerror="document.title='taken'">`,
  `' onmouseover='document.title=1`,
  `${'verylongname'.repeat(30)}`,
  'app.\u202egnp.exe\u0000\u001b[31m\ud800',
  'данные.клиенты 客户 عملاء',
];

const hostileProof: SnapshotProof = {
  ...failedProof,
  source: nasty[0]!,
  site: { name: nasty[1]!, operator: nasty[3]!, country: 'FR' },
  checks: [
    ...failedProof.checks,
    checkOf(`assertion:${nasty[0]}`, nasty[1]!, {
      verdict: 'fail',
      why: nasty[2]!,
      findings: nasty.map((object) => ({ kind: 'table', object, verdict: 'differs', detail: object })),
    }),
  ],
  contents: nasty.map((object) => ({
    object,
    bytes: 1,
    method: 'sha256',
    source: sha256Hex(object),
    restored: sha256Hex(''),
  })),
  verifier: nasty[3]!,
};

async function open(proofs: SnapshotProof[], size: Parameters<Browser['page']>[1]): Promise<Page> {
  const file = join(directory, 'page.html');
  const past = new Map([...history, [nasty[0]!, history.get('crm')!]]);
  writeFileSync(file, pageOf(reportOf(proofs), { timeZone: 'Europe/Paris', history: past }));
  return browser.page(pathToFileURL(file).href, size);
}

/** Elements that are cut off or reach over the edge of the page. */
const overflowing = `[...document.querySelectorAll('body *')].filter((element) => {
  const box = element.getBoundingClientRect();
  return box.width > 0 && !element.closest('svg') && (box.right > innerWidth + 1 || box.left < -1);
}).map((element) => element.outerHTML.slice(0, 200))`;

describe.each([
  ['phone', { width: 390, height: 844 }],
  ['desk', { width: 1280, height: 900 }],
  ['dark', { width: 1280, height: 900, dark: true }],
])('on a %s', (place, size) => {
  it.each([
    ['failed', [failedProof, databaseProof, treeProof]],
    ['hostile', [hostileProof, databaseProof]],
  ])('a page of what %s is complete in itself and fits', async (name, proofs) => {
    await using page = await open(proofs, size);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(size.width);
    expect(await page.evaluate(overflowing)).toEqual([]);
    // Nothing is asked for but the page, and its empty icon, which is in it.
    expect(page.requests.filter((url) => !url.startsWith('data:'))).toEqual([
      pathToFileURL(join(directory, 'page.html')).href,
    ]);
    expect(page.complaints).toEqual([]);
    expect(await page.evaluate('document.title')).toContain('Fail: proof of restore');
    expect(await page.evaluate('document.scripts.length')).toBe(0);
    if (name === 'failed') await page.screenshot(`verify-${place}`, { width: size.width, height: 2_400 });
  });
});

describe('for everybody', () => {
  it('has headings in their order, heads of columns and rows, and names for what is drawn', async () => {
    await using page = await open([failedProof, treeProof], { width: 1280, height: 900 });
    const levels = await page.evaluate<number[]>(
      `[...document.querySelectorAll('h1,h2,h3')].map(({ tagName }) => Number(tagName[1]))`,
    );
    expect(levels[0]).toBe(1);
    for (const [at, level] of levels.slice(1).entries()) expect(level - levels[at]!).toBeLessThanOrEqual(1);
    expect(await page.evaluate(`document.querySelectorAll('table th:not([scope])').length`)).toBe(0);
    expect(await page.evaluate(`document.querySelectorAll('svg:not([aria-label]):not([aria-hidden])').length`)).toBe(0);
    expect(await page.evaluate('document.documentElement.lang')).toBe('en');
    const words = await page.evaluate<string[]>(
      `[...document.querySelectorAll('.checks .badge')].map((badge) => badge.innerText.trim().replace('\\n', ' '))`,
    );
    expect(new Set(words)).toEqual(new Set(['✓ Pass', '✕ Fail', '? Could not verify']));
  });

  it.each([false, true])('can be read: every text stands out from what is behind it (dark: %s)', async (dark) => {
    await using page = await open([failedProof, databaseProof], { width: 1280, height: 900, dark });
    const lowest = await page.evaluate<{ ratio: number; text: string }>(`(() => {
      const light = (color) => {
        const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map((value) => value / 255)
          .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
          const color = getComputedStyle(at).backgroundColor;
          if (color !== 'rgba(0, 0, 0, 0)' && color !== 'transparent') return color;
        }
        return 'rgb(255,255,255)';
      };
      let lowest = { ratio: 99, text: '' };
      for (const element of document.querySelectorAll('body *')) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
        if (!own || element.closest('svg')) continue;
        const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < lowest.ratio) lowest = { ratio, text: element.outerHTML.slice(0, 120) };
      }
      return lowest;
    })()`);
    expect(lowest.ratio, lowest.text).toBeGreaterThanOrEqual(4.5);
  });
});

describe('of a large database', () => {
  it('stays small, shows every table that differs, and says how many it leaves out', async () => {
    const contents = tables(8_000, (number) => (number % 1_000 === 7 ? { restored: sha256Hex('other') } : {}));
    const html = pageOf(reportOf([{ ...failedProof, contents }]), { timeZone: 'UTC', history: new Map() });
    expect(html.length).toBeLessThan(400_000);
    await using page = await open([{ ...failedProof, contents }], { width: 390, height: 844 });
    expect(await page.evaluate(`document.querySelectorAll('tr.bad').length`)).toBe(8);
    expect(await page.evaluate(`document.body.innerText.includes('7,692 more tables')`)).toBe(true);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  });
});

describe('on paper', () => {
  it('has pages', async () => {
    await using page = await open([failedProof, databaseProof, treeProof], { width: 1280, height: 900 });
    const pdf = await page.print('verify-failed');
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    const pages = pdf.toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0;
    expect(pages).toBeGreaterThanOrEqual(3);
    expect(pages).toBeLessThan(20);
  });
});

describe('the JUnit document', () => {
  it.each([
    ['quiet', [databaseProof, treeProof]],
    ['hostile', [hostileProof, failedProof]],
  ])('of a %s run is XML to a strict parser', async (_, proofs) => {
    await using page = await browser.page('about:blank', { width: 800, height: 600 });
    const xml = junitOf(reportOf(proofs as SnapshotProof[]));
    const found = await page.evaluate<{ error: string | null; cases: number; names: string[] }>(`(() => {
      const parsed = new DOMParser().parseFromString(${JSON.stringify(xml)}, 'text/xml');
      return {
        error: parsed.querySelector('parsererror')?.textContent ?? null,
        cases: parsed.querySelectorAll('testsuites > testsuite > testcase').length,
        names: [...parsed.querySelectorAll('testcase')].map((one) => one.getAttribute('name')),
      };
    })()`);
    expect(found.error).toBeNull();
    expect(found.cases).toBe((proofs as SnapshotProof[]).flatMap(({ checks }) => checks).length);
    expect(found.names[0]).toBe('authenticity: The newest snapshot, signed by who may');
  });
});
