/** How pages look: quiet, in the light or the dark that the reader has, on wide screens, on narrow ones and on paper. */
import type { Color } from '../draw.js';
import { PAGE, PANEL, RULE, stepColor, TEXT, WRONG } from '../theme.js';

const css = (color: Color): string => `rgb(${color.join(' ')})`;

/** In the dark the colours are those of the pictures. */
const DARK = `
  --page: ${css(PAGE)}; --panel: ${css(PANEL)}; --rule: ${css(RULE)}; --ink: ${css(TEXT)}; --muted: rgb(152 158 171);
  --accent: rgb(124 178 240); --wrong: ${css(WRONG)}; --fill: 34%;`;

const LIGHT = `
  --page: rgb(253 253 252); --panel: rgb(245 245 243); --rule: rgb(224 224 220); --ink: rgb(29 31 36); --muted: rgb(94 99 110);
  --accent: rgb(36 100 170); --wrong: rgb(166 88 0); --fill: 22%;`;

/** Boxes are drawn over images, which are dark in any light. */
const STEPS = Array.from({ length: 6 }, (_, t) => `.s${t} { stroke: ${css(stepColor(t))}; }`).join('\n');

export const STYLE = `
:root { color-scheme: light dark; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 44px 20px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 20px; line-height: 1.3; margin: 56px 0 6px; padding-top: 18px; border-top: 1px solid var(--rule); overflow-wrap: anywhere; }
h3 { font-size: 16px; margin: 36px 0 6px; }
p { margin: 0 0 12px; }
a { color: var(--accent); text-underline-offset: 2px; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; margin: 0; }
.lead { font-size: 18px; max-width: 62ch; }
.note { color: var(--muted); font-size: 14px; max-width: 76ch; }
.absent { color: var(--muted); font-size: 14px; border-left: 3px solid var(--rule); padding: 2px 0 2px 12px; max-width: 76ch; }
.warning { border-left: 3px solid var(--wrong); padding: 2px 0 2px 12px; max-width: 76ch; }
.run > h2 { font-size: 24px; margin-top: 72px; padding-top: 28px; border-top-width: 3px; }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 14px; margin: 14px 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(155px, 1fr)); gap: 10px; margin: 24px 0 8px; }
.tiles > div { background: var(--panel); border-radius: 8px; padding: 12px 14px; }
.tiles dt { font-size: 13px; color: var(--muted); }
.tiles dd { margin: 0; }
.tiles .value { font-size: 24px; line-height: 1.25; font-variant-numeric: tabular-nums; letter-spacing: -0.01em; white-space: nowrap; }
.tiles .value small { font-size: 14px; color: var(--muted); letter-spacing: 0; }
.tiles .about { font-size: 12px; line-height: 1.4; color: var(--muted); margin-top: 4px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; margin: 12px 0; }
caption { text-align: left; color: var(--muted); font-size: 13px; padding-bottom: 6px; }
th { font-weight: 500; color: var(--muted); text-align: right; vertical-align: bottom; }
td { text-align: right; vertical-align: baseline; }
th, td { padding: 5px 12px 5px 0; border-bottom: 1px solid var(--rule); }
th[scope=row], td.text, th.text { text-align: left; }
th[scope=row] { vertical-align: baseline; overflow-wrap: break-word; min-width: 110px; }
code.unlike { white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
table.confusion { border-collapse: separate; border-spacing: 3px; }
.confusion th, .confusion td { border: 0; padding: 6px 10px; }
.confusion td { text-align: center; border-radius: 6px; min-width: 62px; line-height: 1.25;
  background: color-mix(in srgb, var(--tone, var(--accent)) calc(var(--share) * var(--fill)), var(--panel)); }
.confusion td.off { --tone: var(--wrong); }
.confusion td.none { color: var(--muted); }
.confusion td small { display: block; font-size: 12px; color: var(--muted); }
.confusion thead th { text-align: center; }
.confusion tbody th { vertical-align: middle; }
tr.sum > * { color: var(--ink); font-weight: 600; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); gap: 8px 36px; align-items: start; }
.columns > *, .charts > * { min-width: 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr)); gap: 24px 20px; margin: 18px 0 8px; }
figure { margin: 0; }
figcaption { font-size: 13px; line-height: 1.45; color: var(--muted); margin-top: 4px; }
figcaption b { font-weight: 600; color: var(--ink); display: block; }
.chart > svg { display: block; max-width: 100%; height: auto; }
.pictures { display: flex; flex-wrap: wrap; gap: 18px 8px; margin: 18px 0 8px; }
.pictures svg { display: block; border-radius: 3px; background: #000; }
.pictures svg + svg { margin-top: 4px; }
.pictures image { image-rendering: pixelated; }
.pictures rect.box { fill: none; stroke-width: 1.5px; vector-effect: non-scaling-stroke; }
${STEPS}
.pictures .wrong svg:last-of-type { outline: 2px solid rgb(255 176 32); outline-offset: -1px; }
.pictures figcaption { font-size: 12px; font-variant-numeric: tabular-nums; }
.pictures .wrong figcaption b { color: var(--wrong); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; padding: 0; margin: 0; list-style: none; font-size: 13px; color: var(--muted); }
.legend svg { width: 11px; height: 11px; margin-right: 6px; background: #000; vertical-align: -1px; }
.legend rect { fill: none; stroke-width: 4; }
.settings { columns: 300px auto; column-gap: 36px; margin: 12px 0; padding: 0; list-style: none; font-size: 13px; }
.settings li { display: flex; justify-content: space-between; gap: 12px; padding: 3px 0; border-bottom: 1px solid var(--rule); break-inside: avoid; }
.settings code:last-child { text-align: right; }
.settings .changed { color: var(--wrong); font-weight: 600; }
.settings .changed code { font-weight: 600; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 18px; font-size: 14px; margin: 12px 0; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.lines { margin: 12px 0; padding: 0; list-style: none; }
.lines li { background: var(--panel); border-radius: 6px; padding: 8px 12px; margin-bottom: 6px; }
progress { display: block; width: 100%; height: 6px; margin: 14px 0; accent-color: var(--accent); border: 0; border-radius: 3px; background: var(--rule); }
progress::-webkit-progress-bar { background: var(--rule); border-radius: 3px; }
progress::-webkit-progress-value { background: var(--accent); border-radius: 3px; }
progress::-moz-progress-bar { background: var(--accent); border-radius: 3px; }
.slider { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 14px; font-size: 14px; margin: 12px 0; }
.slider[hidden] { display: none; }
.slider label { min-width: 96px; font-variant-numeric: tabular-nums; }
.slider input { flex: 1; min-width: 200px; accent-color: var(--accent); }
.preview { border-radius: 6px; }
.preview img { display: block; width: 100%; min-width: 640px; max-width: max-content; border-radius: 6px; }
footer { margin-top: 64px; padding-top: 14px; border-top: 1px solid var(--rule); font-size: 13px; color: var(--muted); }
@media (max-width: 560px) {
  main { padding: 24px 16px 48px; }
  h1 { font-size: 23px; }
  .lead { font-size: 16px; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .tiles .value { font-size: 20px; }
  .confusion th, .confusion td { padding: 6px; min-width: 52px; }
  .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts dd { margin-bottom: 8px; }
}
@media print {
  :root { ${LIGHT} }
  body { font-size: 11pt; }
  main { max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; }
  figure, tr, .tiles > div, .lines li { break-inside: avoid; }
  .run { break-before: page; }
  nav { display: none; }
  .tiles > div, .lines li { border: 1px solid var(--rule); }
  svg, td { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;

/** Charts bring colours of paper: in the dark, text and lines of their axes take those of the page. */
export const CHART_STYLE = `
.chart text { fill: var(--muted); font-family: inherit; }
.chart .role-axis-grid line, .chart .role-axis-domain line, .chart .role-axis-tick line { stroke: var(--rule); }
@media screen and (prefers-color-scheme: dark) {
  .chart [stroke="#0072b2"] { stroke: #4da3e0; }
  .chart [fill="#0072b2"] { fill: #4da3e0; }
  .chart [stroke="#222222"] { stroke: var(--ink); }
  .chart [fill="#222222"]:not(text) { fill: var(--ink); }
}
.chart > svg > rect, .chart .background { fill: none; stroke: none; }
`;
