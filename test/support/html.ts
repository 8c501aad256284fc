/** Reads a page strictly, as its author should have written it: every tag closed where it was opened, every attribute in quotes. */
import assert from 'node:assert/strict';

/** A piece of text between elements is one of this name. */
const TEXT = '#text';

/** `text` is that directly in it. */
export type Element = { name: string; attributes: Map<string, string>; text: string; children: Element[] };

const VOID = ['meta', 'link', 'img', 'br', 'hr', 'input'];
/** Their text is no markup. */
const RAW = ['script', 'style'];

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

/** @throws AssertionError where the text is not what it should be */
export function parseHtml(page: string): Element {
  assert.match(page, /^<!doctype html>\n/);
  const root: Element = { name: '', attributes: new Map(), text: '', children: [] };
  const open = [root];
  const rest = page.slice(page.indexOf('\n') + 1);
  for (let at = 0; at < rest.length; ) {
    const top = open[open.length - 1];
    if (RAW.includes(top.name)) {
      const end = rest.indexOf(`</${top.name}>`, at);
      assert.ok(end >= at, `${top.name} has no end`);
      top.text = rest.slice(at, end);
      at = end + top.name.length + 3;
      open.pop();
      continue;
    }
    if (rest[at] !== '<') {
      const end = rest.indexOf('<', at);
      const text = end === -1 ? rest.slice(at) : rest.slice(at, end);
      assert.doesNotMatch(text, />/, `a bare > in ${JSON.stringify(text)}`);
      const plain = unescaped(text);
      top.text += plain;
      top.children.push({ name: TEXT, attributes: new Map(), text: plain, children: [] });
      at += text.length;
      continue;
    }
    const tag = /^<(\/?)([a-zA-Z][\w-]*)((?:\s+[a-zA-Z][\w:-]*(?:="[^"<]*")?)*)\s*(\/?)>/.exec(rest.slice(at));
    assert.ok(tag, `no tag: ${rest.slice(at, at + 80)}`);
    at += tag[0].length;
    const [, slash, name, list, isSelfClosing] = tag;
    if (slash !== '') {
      assert.equal(name, top.name, `</${name}> where <${top.name}> is open: ${rest.slice(at - 120, at)}`);
      open.pop();
      continue;
    }
    const attributes = new Map<string, string>();
    for (const [, key, value = ''] of list.matchAll(/([a-zA-Z][\w:-]*)(?:="([^"]*)")?/g)) {
      assert.ok(!attributes.has(key), `${key} twice in ${tag[0]}`);
      attributes.set(key, unescaped(value));
    }
    const element: Element = { name, attributes, text: '', children: [] };
    top.children.push(element);
    if (!VOID.includes(name) && isSelfClosing === '') open.push(element);
  }
  assert.deepEqual(open.slice(1), [], 'elements that are not closed');
  return root;
}

function unescaped(text: string): string {
  return text.replace(/&([^;\s]*);?/g, (entity, name: string) => {
    assert.ok(name in NAMED, `${entity} is no character`);
    return NAMED[name];
  });
}

export function all(element: Element): Element[] {
  return element.children.flatMap((child) => (child.name === TEXT ? [] : [child, ...all(child)]));
}

/** All that can be read in an element, in its order. */
export function textOf(element: Element): string {
  const inner = element.name === TEXT ? element.text : element.children.map(textOf).join(' ');
  return inner.replace(/\s+/g, ' ').trim();
}

/** What is asked of every page: one title, headings in order, anchors that lead somewhere, and nothing from elsewhere. */
export function checkPage(page: string, { files = [] }: { files?: readonly string[] } = {}): Element {
  const root = parseHtml(page);
  const elements = all(root);
  const named = (name: string): Element[] => elements.filter((element) => element.name === name);
  for (const one of ['html', 'head', 'body', 'title', 'main', 'h1']) assert.equal(named(one).length, 1, one);
  const ids = elements.flatMap(({ attributes }) => attributes.get('id') ?? []);
  assert.deepEqual(ids, [...new Set(ids)], 'ids are given once');
  for (const { attributes } of named('a')) {
    const target = attributes.get('href') ?? '';
    assert.ok(target.startsWith('#') && ids.includes(target.slice(1)), `a link to ${target}`);
  }
  let depth = 0;
  for (const { name } of elements) {
    if (!/^h[1-6]$/.test(name)) continue;
    const level = Number(name[1]);
    assert.ok(level <= depth + 1, `${name} below h${depth}`);
    depth = level;
  }
  for (const { name, attributes } of elements) {
    for (const [key, value] of attributes) {
      assert.doesNotMatch(key, /^on/, 'no program in an attribute');
      if (key === 'xmlns' || key.startsWith('xmlns:')) continue;
      assert.doesNotMatch(value, /^\s*(https?:)?\/\//i, `${name} ${key}`);
      if (key === 'src' || (key === 'href' && name !== 'a')) {
        assert.ok(value.startsWith('data:') || files.includes(value), `${name} loads ${value.slice(0, 60)}`);
      }
    }
    if (name === 'img') assert.ok(attributes.has('alt'), 'an image says what it shows');
  }
  for (const { text } of named('style')) assert.doesNotMatch(text, /@import|url\(/);
  return root;
}
