/**
 * Charts: a Vega-Lite spec becomes SVG, and SVG becomes PNG, without a browser. The same spec gives the same bytes on every
 * machine: text is laid out by a table of widths, not by the fonts that are there, and rasterised with a font that comes
 * along, in WebAssembly.
 *
 * Vega, the rasteriser and the font are loaded by the first chart, not before.
 */
import type { TopLevelSpec } from 'vega-lite';
import { readFont, readRasteriser } from './chart-assets.js';
import { chartTextWidth } from './chart-text.js';
import { CHART_FONT, CHART_THEME } from './charts/theme.js';

/** What the functions of charts/ return. */
export type ChartSpec = TopLevelSpec;

/** Pixels of a PNG for one of the SVG, unless said otherwise: sharp on a fine screen, and in print. */
export const PNG_SCALE = 2;

/** The larger side that a PNG may have, px. */
export const MAX_CHART_SIDE = 8192;

/** What Vega measures text by; exported, but not in its types. */
type WithMetrics = { textMetrics: { width(item: { fontSize?: number }, text: unknown): number } };

/** The chart as a standalone SVG document, in the theme that all charts share. */
export async function chartSvg(spec: ChartSpec): Promise<string> {
  const { compile } = await import('vega-lite');
  const vega = await import('vega');
  (vega as unknown as WithMetrics).textMetrics.width = ({ fontSize = 11 }, text) =>
    chartTextWidth(`${text ?? ''}`, fontSize);
  const logger = vega.logger(vega.None);
  const runtime = vega.parse(compile(spec, { config: CHART_THEME, logger }).spec);
  vega.resetSVGDefIds(); // names of clips and gradients are counted, over all charts of a process
  const view = new vega.View(runtime, { renderer: 'none', logger });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** Size of a chart as `chartSvg` draws it, px. */
export function chartSize(svg: string): { width: number; height: number } {
  const [, width, height] = /^<svg [^>]*?\bwidth="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
  return { width: Number(width), height: Number(height) };
}

/** The same chart, so many px wide, with all that is in it. */
export function resizeChart(svg: string, width: number): string {
  const old = chartSize(svg);
  const height = Math.round((old.height * width) / old.width);
  return svg.replace(/\bwidth="[\d.]+" height="[\d.]+"/, `width="${width}" height="${height}"`);
}

/** The bytes of a PNG of an SVG document, `scale` px for one of its own. Text is in the font of charts, whatever it asks for. */
export async function chartPng(svg: string, scale = PNG_SCALE): Promise<Uint8Array> {
  const Resvg = await startRasteriser();
  const font = { fontBuffers: [await readFont()], defaultFontFamily: CHART_FONT, sansSerifFamily: CHART_FONT };
  const resvg = new Resvg(svg, { font, fitTo: { mode: 'zoom', value: scale } });
  const image = resvg.render();
  try {
    return image.asPng();
  } finally {
    image.free();
    resvg.free();
  }
}

type Rasteriser = typeof import('@resvg/resvg-wasm').Resvg;

let rasteriser: Promise<Rasteriser> | undefined;

/** Once in a process: the module refuses a second start. */
function startRasteriser(): Promise<Rasteriser> {
  rasteriser ??= (async () => {
    const { initWasm, Resvg } = await import('@resvg/resvg-wasm');
    await initWasm(await readRasteriser());
    return Resvg;
  })();
  return rasteriser;
}
