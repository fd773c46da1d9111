import { buildSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { readRemark } from '../../gateway/page/labels.ts';
import { createReference } from '../../gateway/page/reference/reference.ts';
import { listTexts, listTranslated } from '../../gateway/page/reference/texts.ts';
import { buildApiSchema } from '../support/api-schema.ts';

/** The reference of the graph: a page for each type in both languages. */

const schema = buildApiSchema();
const reference = createReference(schema);
const names = Object.keys(schema.getTypeMap()).filter((name) => reference.type(name, 'en') !== null);

test('every description has a Chinese text, and no text is left over', () => {
  const texts = listTexts(schema);
  expect(texts.size).toBeGreaterThan(1_000);
  const translated = new Set(listTranslated());
  expect([...texts].filter((text) => !translated.has(text))).toEqual([]);
  expect([...translated].filter((text) => !texts.has(text))).toEqual([]);
});

describe.each(['zh', 'en'] as const)('in %s', (lang) => {
  const pages = new Map([
    ['/reference', reference.index(lang)],
    ...names.map((name) => [`/reference/${name}`, reference.type(name, lang) ?? ''] as const),
  ]);

  test('every link leads to a page and a place that exist', () => {
    const broken: string[] = [];
    let count = 0;
    for (const [path, page] of pages) {
      for (const [, href = ''] of page.matchAll(/href="(\/reference[^"]*)"/g)) {
        count++;
        const [address = '', place] = href.split('#');
        const target = pages.get(address.replace(/\?lang=(zh|en)$/, ''));
        if (!target || (place && !target.includes(`id="${place}"`))) broken.push(`${path}: ${href}`);
      }
    }
    expect(count).toBeGreaterThan(2_000);
    expect(broken).toEqual([]);
  });

  test('shows fields with type, arguments, default and deprecation, and values with their labels', () => {
    const words = {
      zh: ['证照的公开状态', '不推荐使用', '默认', '有效'],
      en: ['The public status of a license', 'Deprecated', 'default', 'Valid'],
    }[lang];
    expect(pages.get('/reference')).toContain(words[0]);
    expect(pages.get('/reference/LicensePayload')).toContain(words[1]);
    expect(pages.get('/reference/CaseActInput')).toContain(`${words[2]} <code>false</code>`);
    expect(pages.get('/reference/LicenseState')).toMatch(new RegExp(`<code>VALID</code></dt><dd>${words[3]}`));
    expect(pages.get('/reference/License')).toContain(
      `<a href="/reference/Holder?lang=${lang}"><code>Holder</code></a>`,
    );
  });
});

test('texts are escaped, and nothing is found that the schema does not have', () => {
  const odd = createReference(buildSchema('"<b>&`a < b`" type Query { "<i>" a("<u>" b: Int = 1): Int }'));
  expect(odd.type('Query', 'en')).toContain('&lt;b&gt;&amp;<code>a &lt; b</code>');
  expect(odd.type('Query', 'en')).not.toMatch(/<[biu]>/);
  for (const name of ['Nothing', '__Schema', 'String', '__proto__', '<script>']) {
    expect(reference.type(name, 'zh')).toBeNull();
  }
});

test.each([
  ['有效 (Valid). Further `words`', 'Further `words`'],
  ['有效 (Valid)', ''],
  ['no label. Words', ''],
  [undefined, ''],
])('of %j a page says %j after the labels', (description, remark) => {
  expect(readRemark(description)).toBe(remark);
});
