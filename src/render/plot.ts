/** Line plots, say of a training run: value over steps, axes with round numbers, a name at the end of each line. */
import { Canvas, type Color, type Point } from './draw.js';
import { CAP_HEIGHT, textWidth } from './font.js';
import { lineColor, MARGIN, MUTED, PAGE, RULE, TEXT } from './theme.js';

export type Series = {
  name: string;
  /** In data units. Points that are not finite leave a gap. */
  points: readonly Point[];
  color?: Color;
};

export type PlotOptions = {
  title: string;
  xLabel: string;
  series: readonly Series[];
  /** What the axes must show at least; the data widens them. */
  xRange?: readonly [number, number];
  yRange?: readonly [number, number];
  /** Of the whole picture, px. */
  width?: number;
  height?: number;
};

const Y_TICKS = 4;
const X_TICKS = 5;

/** Round numbers (1, 2 or 5 times a power of ten apart) inside low..high, about `count` of them, with their texts. */
export function axisTicks(low: number, high: number, count: number): { value: number; text: string }[] {
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = rough / power - 1e-9;
  const step = power * (size <= 1 ? 1 : size <= 2 ? 2 : size <= 5 ? 5 : 10);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k <= Math.floor(high / step + 1e-9); k++) {
    ticks.push({ value: k * step, text: formatTick(k * step, decimals) });
  }
  return ticks;
}

/** `10k` for 10000, `0.95`, never `-0`. */
function formatTick(value: number, decimals: number): string {
  if (Math.abs(value) >= 10000 && value % 100 === 0) return `${value / 1000}k`;
  return (value === 0 ? 0 : value).toFixed(decimals);
}

/** The smallest and largest of finite values, moved apart if they are the same; 0..1 if there are none. */
function extent(values: readonly number[]): [number, number] {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  const room = Math.abs(low) * 0.05 || 1;
  return low === high ? [low - room, high + room] : [low, high];
}

/** Room for the texts on both sides of the lines, px. */
type Sides = { left: number; right: number };

function axisRanges({ series, xRange, yRange }: PlotOptions): [x: [number, number], y: [number, number]] {
  const points = series.flatMap((one) => one.points);
  return [
    extent([...points.map(([x]) => x), ...(xRange ?? [])]),
    extent([...points.map(([, y]) => y), ...(yRange ?? [])]),
  ];
}

function sidesOf(options: PlotOptions): Sides {
  const [, [yLow, yHigh]] = axisRanges(options);
  const ticks = axisTicks(yLow, yHigh, Y_TICKS).map(({ text }) => textWidth(text));
  const names = options.series.length > 1 ? options.series.map(({ name }) => textWidth(name) + 6) : [];
  return { left: Math.max(...ticks, 0) + 6, right: Math.max(...names, 0) };
}

/** Draws one plot. `sides` may be wider than its texts need, to line it up with others. */
export function drawPlot(options: PlotOptions, sides: Sides = sidesOf(options)): Canvas {
  const { title, xLabel, series, width = 480, height = 220 } = options;
  const picture = new Canvas(width, height, PAGE);
  const [[xLow, xHigh], [yLow, yHigh]] = axisRanges(options);
  const yTicks = axisTicks(yLow, yHigh, Y_TICKS);
  const xTicks = axisTicks(xLow, xHigh, X_TICKS);

  const left = MARGIN + sides.left;
  const right = width - MARGIN - sides.right;
  const top = MARGIN + CAP_HEIGHT + 12;
  const bottom = height - MARGIN - 2 * CAP_HEIGHT - 12;
  const toX = (x: number): number => left + ((x - xLow) / (xHigh - xLow)) * (right - left);
  const toY = (y: number): number => bottom - ((y - yLow) / (yHigh - yLow)) * (bottom - top);

  picture.drawText(title, left, MARGIN, TEXT);
  for (const { value, text } of yTicks) {
    const y = Math.round(toY(value));
    picture.fill({ x: left, y, width: right - left, height: 1 }, RULE);
    picture.drawText(text, left - 6 - textWidth(text), y - 3, MUTED);
  }
  picture.fill({ x: left, y: bottom, width: right - left, height: 1 }, MUTED);
  for (const { value, text } of xTicks) {
    const x = Math.round(toX(value));
    picture.fill({ x, y: bottom, width: 1, height: 4 }, MUTED);
    const textLeft = Math.min(x - Math.floor(textWidth(text) / 2), width - MARGIN - textWidth(text));
    picture.drawText(text, textLeft, bottom + 8, MUTED);
  }
  picture.drawText(xLabel, left, height - MARGIN - CAP_HEIGHT, MUTED);

  const ends: { text: string; y: number; color: Color }[] = [];
  for (const [k, { name, points: own, color = lineColor(k) }] of series.entries()) {
    const clip = { x: left, y: top - 2, width: right - left + 2, height: bottom - top + 4 };
    for (const run of finiteRuns(own)) {
      picture.drawLine(
        run.map(([x, y]): Point => [toX(x), toY(y)]),
        color,
        1.5,
        clip,
      );
    }
    const last = own.findLast(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
    if (last && series.length > 1) ends.push({ text: name, y: Math.round(toY(last[1])) - 3, color });
  }
  // Names stand where their lines end, moved down where they would touch.
  ends.sort((a, b) => a.y - b.y);
  let free = Number.NEGATIVE_INFINITY;
  for (const { text, y, color } of ends) {
    free = Math.max(y, free);
    picture.drawText(text, right + 6, free, color);
    free += CAP_HEIGHT + 4;
  }
  return picture;
}

/** The stretches of points between those that are not finite. */
function finiteRuns(points: readonly Point[]): Point[][] {
  const runs: Point[][] = [[]];
  for (const point of points) {
    if (point.every(Number.isFinite)) runs[runs.length - 1].push(point);
    else runs.push([]);
  }
  return runs.filter((run) => run.length > 0);
}

/** Plots below each other as one picture: the bytes of a PNG. */
export function renderPlots(plots: readonly PlotOptions[]): Uint8Array {
  const sides = plots.map(sidesOf);
  const left = Math.max(...sides.map((one) => one.left));
  const right = Math.max(...sides.map((one) => one.right));
  const drawn = plots.map((plot) => drawPlot(plot, { left, right }));
  const width = Math.max(...drawn.map((plot) => plot.width));
  const height = drawn.reduce((sum, plot) => sum + plot.height, 0);
  const picture = new Canvas(width, height, PAGE);
  let top = 0;
  for (const plot of drawn) {
    picture.drawCanvas(plot, 0, top);
    top += plot.height;
  }
  return picture.toPng();
}
