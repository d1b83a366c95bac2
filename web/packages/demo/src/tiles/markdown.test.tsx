import fc from 'fast-check';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, test } from 'vitest';
import { Markdown, safeHref } from './markdown.tsx';

const html = (text: string) => renderToStaticMarkup(<Markdown text={text} />);

test.each([
  ['**a** *b* ~~c~~ `d`', '<p><strong>a</strong> <em>b</em> <del>c</del> <code>d</code></p>'],
  ['# Top\n## Next', '<h3 class="kind-h1">Top</h3><h4 class="kind-h2">Next</h4>'],
  ['3. a\n4. b', '<ol start="3"><li>a</li><li>b</li></ol>'],
  ['a\nb', '<p>a<br/>b</p>'],
  ['AT&amp;T &#176; &lt;b&gt; &nope;', '<p>AT&amp;T ° &lt;b&gt; &amp;nope;</p>'],
  ['```js\n<b>\n```', '<pre><code>&lt;b&gt;</code></pre>'],
  ['`&amp;`', '<p><code>&amp;amp;</code></p>'],
])('%s', (text, expected) => {
  expect(html(text)).toBe(expected);
});

test('a table keeps its alignment', () => {
  expect(html('|a|b|\n|-|-:|\n|1|2|')).toContain('<td class="kind-right">2</td>');
});

describe('nothing of others becomes HTML', () => {
  test.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    'a <b onclick="x()">b</b>',
    '<svg/onload=alert(1)>',
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert(1))',
    '[x](\u0001javascript:alert(1))',
    '[x](data:text/html,<script>alert(1)</script>)',
    '[x](vbscript:x)',
    '![x](javascript:alert(1))',
    '<javascript:alert(1)>',
    '[x]: javascript:alert(1)\n\n[x]',
    '[x](https://a.b "onmouseover=alert(1)")',
    '<a href="java&#115;cript:alert(1)">x</a>',
    '[x](java&#115;cript:alert(1))',
    '<style>*{display:none}</style>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  ])('%s', (text) => {
    const page = document.createElement('div');
    page.innerHTML = html(text);
    expect(page.querySelector('script, img, svg, iframe, style, object, embed, form')).toBeNull();
    for (const element of page.querySelectorAll('*')) {
      for (const { name } of element.attributes) expect(name).not.toMatch(/^(on|style|src)/);
    }
    for (const a of page.querySelectorAll('a')) {
      expect(a.getAttribute('href')).toMatch(/^(https?:|mailto:)/);
      expect(a.rel).toContain('noopener');
    }
  });

  test('any text at all', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('<script>', '[a](', 'javascript:', ')', '![', '> ', '- ', '**', '|', '\n', '`', '<b x=', '&#60;'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const page = document.createElement('div');
        page.innerHTML = html(pieces.join(''));
        expect(page.querySelector('script, b, img')).toBeNull();
        for (const a of page.querySelectorAll('a')) expect(a.getAttribute('href')).not.toMatch(/^\s*javascript:/i);
      }),
      { numRuns: 300 },
    );
  });
});

test.each<[string, string | undefined]>([
  ['https://a.example/x', 'https://a.example/x'],
  [' http://a.example ', 'http://a.example'],
  ['mailto:a@b.example', 'mailto:a@b.example'],
  ['ftp://a.example', undefined],
  ['file:///etc/passwd', undefined],
  ['blob:https://a.example/1', undefined],
  ['java\nscript:alert(1)', undefined],
])('link to %j', (href, expected) => {
  expect(safeHref(href)).toBe(expected);
});

test('what is too long or too deep is shown in part, not refused', () => {
  expect(html('> '.repeat(40_000))).toBeTruthy();
  expect(html(`${'- '.repeat(200)}x`)).toBeTruthy();
  expect(html('a'.repeat(60_000))).toContain('The text goes on');
}, 60_000);
