/** The skeleton of a page that needs nothing but itself: no other file, no network, no script to be read. */
import { html, type Markup, type Piece, trusted } from './markup.js';
import type { Chart } from './run.js';
import { CHART_STYLE, STYLE } from './style.js';

export type Page = {
  title: string;
  body: Piece;
  /** More of the head: how a live page comes up to date. */
  head?: Markup | undefined;
};

/** Nothing may be loaded, even if something of a file had found its way into the page; scripts are the page's own. */
const POLICY = "default-src 'none'; img-src data: 'self' file:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

export function page({ title, body, head }: Page): string {
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="air">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${trusted(STYLE + CHART_STYLE)}</style>
${head}
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
  return withOwnNames(text);
}

/** Charts name their clips from the same number on, each by itself: in one page, names are made their own. */
function withOwnNames(text: string): string {
  let charts = 0;
  return text.replace(/<svg [^>]*class="marks"[\s\S]*?<\/svg>/g, (svg) => {
    const own = `chart-${++charts}-`;
    return svg.replace(/ id="/g, ` id="${own}`).replace(/url\(#/g, `url(#${own}`);
  });
}

/** A heading with what it is about below it, and an anchor. */
export function section(
  { id, title, level = 2 }: { id: string; title: string; level?: 2 | 3 },
  ...body: Piece[]
): Markup {
  const name = trusted(`h${level}`);
  return html`<section id="${id}">
<${name}>${title}</${name}>
${body.map((piece) => (piece === undefined || piece === false ? '' : html`${piece}\n`))}</section>`;
}

export const note = (...text: Piece[]): Markup => html`<p class="note">${text}</p>`;

/** Why something is not in the page. */
export const absent = (...text: Piece[]): Markup => html`<p class="absent">${text}</p>`;

/** A drawing of ours with its name and what made it. */
export function figure(title: string, svg: Markup, caption?: Piece): Markup {
  return html`<figure class="chart">${svg}<figcaption><b>${title}</b>${caption}</figcaption></figure>`;
}

/** Such drawings, one beside the other where there is room. */
export function charts(all: readonly Chart[]): Markup {
  return html`<div class="charts">${all.map(({ title, svg, caption }) => figure(title, svg, caption))}</div>`;
}

export function facts(rows: readonly (readonly [name: string, value: Piece] | false)[]): Markup {
  const shown = rows.filter((row) => row !== false);
  return html`<dl class="facts">${shown.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>`;
}

export type Tile = [name: string, value: string, about: Piece];

/** The few numbers that one looks at first, large. */
export function tiles(all: readonly Tile[]): Markup {
  return html`<dl class="tiles">${all.map(([name, value, about]) => html`<div><dt>${name}</dt><dd><div class="value">${value}</div><div class="about">${about}</div></dd></div>\n`)}</dl>`;
}

/** Numbers in columns; the first cell of a row names it. Wider than a screen, it scrolls by itself. */
export function table(
  head: readonly string[],
  rows: readonly (readonly Piece[])[],
  { caption, textColumns = [] }: { caption?: Piece; textColumns?: readonly number[] } = {},
): Markup {
  const kind = (k: number): Piece => (k === 0 || textColumns.includes(k) ? trusted(' class="text"') : '');
  const cells = (row: readonly Piece[]): Piece =>
    row.map((value, k) => (k === 0 ? html`<th scope="row">${value}</th>` : html`<td${kind(k)}>${value}</td>`));
  return html`<div class="scroll"><table>
${caption !== undefined && html`<caption>${caption}</caption>`}
<thead><tr>${head.map((name, k) => html`<th scope="col"${kind(k)}>${name}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${cells(row)}</tr>\n`)}</tbody></table></div>`;
}
