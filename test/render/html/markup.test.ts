/** What files hold is text in a page, whatever it would like to be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeHtml, html, trusted } from '#air/render/html/markup.js';

test('what is put into a template is escaped, and what is markup stays as it is', () => {
  const name = '<b title="x">\'&';
  assert.equal(html`<p>${name}</p>`.text, '<p>&lt;b title=&quot;x&quot;&gt;&#39;&amp;</p>');
  assert.equal(html`<p>${html`<i>${name}</i>`}${trusted('<hr>')}</p>`.text, `<p><i>${escapeHtml(name)}</i><hr></p>`);
  assert.equal(html`${[1, 'a&', html`<br>`]}${undefined}${false}${0}${''}`.text, '1a&amp;<br>0');
});

test('characters that HTML forbids do not come into a page', () => {
  assert.equal(escapeHtml('a\u0000b\u001bc\u0085d\uffff'), 'a\ufffdb\ufffdc\ufffdd\ufffd');
  assert.equal(escapeHtml('tab\tline\nsnow \u2603 \u{1f600}'), 'tab\tline\nsnow \u2603 \u{1f600}');
});
