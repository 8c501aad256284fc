/**
 * Pictures of scenes and of what was inferred from them. Images stand in columns, as many bands of them as it takes;
 * in each band the rows are the input, the reconstruction with the boxes of the steps that were counted, and, where asked for,
 * the canvas after each of them, P(n) and the decoded window of every step.
 */
import type { Box, Latent } from '../core/latent.js';
import { AirError } from '../errors.js';
import type { Scene } from '../formats/records.js';
import { type Area, Canvas, type Color } from './draw.js';
import { CAP_HEIGHT, textWidth } from './font.js';
import { canvasAfter } from './placing.js';
import type { PictureRow } from './rows.js';
import { drawTags, hasBoth, isMiscounted, type Shows, tagsHeight } from './tags.js';
import { MARGIN, MUTED, PAGE, PANEL, RULE, stepColor, TEXT, TRUTH, WRONG } from './theme.js';

/** What is drawn of one image: a scene, and what was inferred from it, if anything was. */
export type Subject = Pick<Scene, 'image' | 'count' | 'objects'> & Partial<Latent>;

export type PictureOptions = {
  /** Size of the images, [H, W]. */
  canvas: readonly [number, number];
  /** Size of the decoded windows, [h, w]. */
  window?: readonly [number, number] | undefined;
  rows: readonly PictureRow[];
  /** Images in a band. */
  columns: number;
  /** Side of an image's pixel, px. */
  scale: number;
  /** What to say when there are no images. */
  emptyText?: string;
};

/** One row of a band. */
type Strip = {
  label: string;
  labelColor?: Color;
  /** Room for what stands above it. */
  above?: number;
  height: number;
  draw(picture: Canvas, subject: Subject, left: number, top: number): void;
};

const GAP = 4;
const BAND_GAP = 20;
const LABEL_GAP = 10;

/** A larger picture is refused. */
export const MAX_PICTURE_PIXELS = 1 << 26;

/**
 * Draws images of one size, with boxes and counts where they are known.
 * @throws AirError 'usage' if the picture would be too large.
 */
export function drawPicture(subjects: readonly Subject[], options: PictureOptions): Canvas {
  if (subjects.length === 0) return drawMessage(options.emptyText ?? 'no images');
  const { canvas, window, rows, scale } = options;
  const steps = Math.max(...subjects.map((subject) => subject.steps?.length ?? 0));
  const cellWidth = scale * Math.max(canvas[1], rows.includes('steps') ? (window?.[1] ?? 0) : 0);
  const counted = Math.max(...subjects.map(({ n = 0 }) => n));
  const strips = makeStrips(subjects, { steps, counted }, cellWidth, options);
  // A single row needs no name, and its bands are one grid.
  const isGrid = strips.length === 1;
  const labelWidth = isGrid ? 0 : Math.max(...strips.map(({ label }) => textWidth(label))) + LABEL_GAP;
  const columns = Math.min(options.columns, subjects.length);
  const bands = Math.ceil(subjects.length / columns);
  const bandHeight = strips.reduce((sum, { above = 0, height }) => sum + above + height + GAP, -GAP);
  const bandPitch = bandHeight + (isGrid ? GAP : BAND_GAP);
  const legend = legendEntries(subjects, steps, rows);
  const content = (bands - 1) * bandPitch + bandHeight;
  const width = MARGIN + labelWidth + Math.max(columns * (cellWidth + GAP) - GAP, legendWidth(legend)) + MARGIN;
  const height = MARGIN + content + (legend.length > 0 ? BAND_GAP + CAP_HEIGHT : 0) + MARGIN;
  checkPictureSize(width, height);
  const picture = new Canvas(width, height, PAGE);
  for (const [k, subject] of subjects.entries()) {
    const left = MARGIN + labelWidth + (k % columns) * (cellWidth + GAP);
    let top = MARGIN + Math.floor(k / columns) * bandPitch;
    for (const strip of strips) {
      top += strip.above ?? 0;
      if (k % columns === 0 && !isGrid) {
        const labelTop = top + Math.floor((strip.height - CAP_HEIGHT) / 2);
        picture.drawText(strip.label, { left: MARGIN, top: labelTop, scale: 1 }, strip.labelColor ?? MUTED);
      }
      strip.draw(picture, subject, left, top);
      top += strip.height + GAP;
    }
  }
  drawLegend(picture, legend, MARGIN + labelWidth, MARGIN + content + BAND_GAP);
  return picture;
}

/** @throws AirError 'usage' if a picture of that many pixels would be too large. */
export function checkPictureSize(width: number, height: number): void {
  if (width * height <= MAX_PICTURE_PIXELS) return;
  throw new AirError(
    'usage',
    `a picture of ${width} x ${height} pixels is too large: at most ${MAX_PICTURE_PIXELS} pixels`,
    'show fewer images (--limit) or smaller ones (--scale)',
  );
}

function drawMessage(text: string): Canvas {
  const picture = new Canvas(textWidth(text, 2) + 4 * MARGIN, 2 * CAP_HEIGHT + 4 * MARGIN, PAGE);
  picture.drawText(text, { left: 2 * MARGIN, top: 2 * MARGIN, scale: 2 }, TEXT);
  return picture;
}

/** `steps` that the guide takes, `counted` ones of the image with most objects. */
function makeStrips(
  subjects: readonly Subject[],
  { steps, counted }: { steps: number; counted: number },
  cellWidth: number,
  options: PictureOptions,
): Strip[] {
  const { canvas, rows, scale } = options;
  const imageStrip = (row: 'input' | 'reconstruction'): Strip => {
    const shows = countsOf(row, rows);
    return {
      label: row,
      above: tagsHeight(subjects, shows, scale),
      height: canvas[0] * scale,
      draw(picture, subject, left, top) {
        const area = { x: left, y: top, width: canvas[1] * scale, height: canvas[0] * scale };
        const image = row === 'input' ? subject.image : subject.reconstruction;
        if (image === undefined) picture.fill(area, PANEL);
        else picture.drawGray(image, canvas, { left, top, scale });
        if (shows.found) drawInferred(picture, subject, area, scale);
        if (row === 'input' && subject.n === undefined) drawTruth(picture, subject, area, scale);
        drawTags(picture, subject, shows, { ...area, scale });
      },
    };
  };
  const each = (strip: (t: number) => Strip) => Array.from({ length: steps }, (_, t) => strip(t));
  return rows.flatMap((row) => {
    if (row === 'steps') return [countStrip(cellWidth), ...each((t) => stepStrip(t, cellWidth, options))];
    return row === 'canvas' ? each((t) => canvasStrip(t, options)).slice(0, Math.max(counted, 1)) : [imageStrip(row)];
  });
}

/** The true count is above the input; what was found is on the reconstruction, or on the input where that is not shown. */
function countsOf(row: 'input' | 'reconstruction', rows: readonly PictureRow[]): Shows {
  const boxRow = rows.includes('reconstruction') ? 'reconstruction' : 'input';
  return { truth: row === 'input', found: row === boxRow };
}

/** The canvas after step t with the box that it has drawn; nothing where the step is not counted. */
function canvasStrip(t: number, { canvas, window = [0, 0], scale }: PictureOptions): Strip {
  return {
    label: `canvas ${t + 1}`,
    labelColor: stepColor(t),
    height: canvas[0] * scale,
    draw(picture, { steps = [], n = 0 }, left, top) {
      const area = { x: left, y: top, width: canvas[1] * scale, height: canvas[0] * scale };
      const drawn = steps
        .slice(0, t + 1)
        .flatMap(({ window: pixels, ...step }) => (pixels ? { ...step, window: pixels } : []));
      if (t >= n || drawn.length <= t) {
        picture.fill(area, PANEL);
        return;
      }
      picture.drawGray(canvasAfter(drawn, window, canvas), canvas, { left, top, scale });
      picture.outline(boxArea(steps[t].box, area, scale), stepColor(t), area);
    },
  };
}

function boxArea([x, y, w, h]: Box, { x: left, y: top }: Area, scale: number): Area {
  const [x0, y0] = [Math.round(x * scale), Math.round(y * scale)];
  const [x1, y1] = [Math.round((x + w) * scale), Math.round((y + h) * scale)];
  return { x: left + x0, y: top + y0, width: Math.max(x1 - x0, 1), height: Math.max(y1 - y0, 1) };
}

/** The boxes of the steps that were counted; a frame if that is wrong. */
function drawInferred(picture: Canvas, subject: Subject, area: Area, scale: number): void {
  const { n = 0, steps = [] } = subject;
  for (let t = 0; t < Math.min(n, steps.length); t++) {
    picture.outline(boxArea(steps[t].box, area, scale), stepColor(t), area);
  }
  if (isMiscounted(subject)) picture.outline(area, WRONG);
}

/** The true boxes of a scene, of which nothing was inferred. */
function drawTruth(picture: Canvas, { objects = [] }: Subject, area: Area, scale: number): void {
  for (const { ink } of objects) picture.outline(boxArea(ink, area, scale), TRUTH, area);
}

/** A bar for every n, the inferred one bright; the true n has a bright digit. */
function countStrip(cellWidth: number): Strip {
  const barsHeight = Math.round(cellWidth / 3);
  return {
    label: 'P(n)',
    height: barsHeight + 3 + CAP_HEIGHT + 2,
    draw(picture, subject, left, top) {
      const { q = [], n } = subject;
      const pitch = Math.floor(cellWidth / Math.max(q.length, 1));
      const base = top + barsHeight;
      for (const [k, p] of q.entries()) {
        const color = k !== n ? MUTED : isMiscounted(subject) ? WRONG : TEXT;
        const bar = {
          x: left + k * pitch + 2,
          width: Math.max(pitch - 4, 1),
          y: 0,
          height: Math.round(p * barsHeight),
        };
        picture.fill({ ...bar, y: base - bar.height }, color);
        const middle = left + k * pitch + Math.floor((pitch - textWidth(String(k))) / 2);
        picture.drawText(String(k), { left: middle, top: base + 3, scale: 1 }, k === subject.count ? TEXT : color);
      }
      picture.fill({ x: left, y: base, width: cellWidth, height: 1 }, RULE);
    },
  };
}

/** The decoded window of step t with q(n > t) below it; dim where the step is not counted. */
function stepStrip(t: number, cellWidth: number, { window = [0, 0], scale }: PictureOptions): Strip {
  const [height, width] = [window[0] * scale, window[1] * scale];
  return {
    label: `step ${t + 1}  P(n\u2265${t + 1})`,
    labelColor: stepColor(t),
    height: height + 4 + CAP_HEIGHT + 2,
    draw(picture, { steps = [], n = 0 }, left, top) {
      const step = steps[t];
      if (step === undefined) return;
      const isCounted = t < n;
      const x = left + Math.floor((cellWidth - width) / 2);
      if (step.window) picture.drawGray(step.window, window, { left: x, top, scale }, isCounted ? 1 : 0.4);
      if (isCounted) picture.outline({ x, y: top, width, height }, stepColor(t));
      const text = step.p.toFixed(2);
      const middle = left + Math.floor((cellWidth - textWidth(text)) / 2);
      picture.drawText(text, { left: middle, top: top + height + 4, scale: 1 }, isCounted ? TEXT : MUTED);
    },
  };
}

/** Of scenes that a model imagined (air sample), windows are known, and not where in them the ink is. */
function hasBoxesAlone({ objects = [] }: Subject): boolean {
  return objects.every(({ frame, ink }) => frame.join() === ink.join());
}

/** Without a colour it is words alone. */
type LegendEntry = { text: string; color?: Color; isFilled?: boolean };

function legendEntries(subjects: readonly Subject[], steps: number, rows: readonly PictureRow[]): LegendEntry[] {
  const entries: LegendEntry[] = Array.from({ length: steps }, (_, t) => ({
    text: `step ${t + 1}`,
    color: stepColor(t),
  }));
  if (subjects.some(isMiscounted)) entries.push({ text: 'wrong count', color: WRONG, isFilled: true });
  const hasTruth = steps === 0 && subjects.some(({ objects }) => objects?.length);
  if (hasTruth)
    entries.push({
      text: subjects.every(hasBoxesAlone) ? 'box of an object' : 'ink of a digit',
      color: TRUTH,
    });
  if (rows.includes('input') && hasBoth(subjects, countsOf('input', rows))) {
    entries.push({ text: 'left: true count, right: count found' });
  }
  return entries;
}

const KEY_GAP = 5;
const ENTRY_GAP = 18;

function entryWidth({ text, color }: LegendEntry): number {
  return (color ? CAP_HEIGHT + KEY_GAP : 0) + textWidth(text);
}

function legendWidth(entries: readonly LegendEntry[]): number {
  return entries.reduce((sum, entry) => sum + entryWidth(entry) + ENTRY_GAP, -ENTRY_GAP);
}

function drawLegend(picture: Canvas, entries: readonly LegendEntry[], left: number, top: number): void {
  let x = left;
  for (const entry of entries) {
    const { text, color, isFilled } = entry;
    const key = { x, y: top, width: CAP_HEIGHT, height: CAP_HEIGHT };
    if (color && isFilled) picture.fill(key, color);
    else if (color) picture.outline(key, color);
    picture.drawText(text, { left: x + entryWidth(entry) - textWidth(text), top, scale: 1 }, MUTED);
    x += entryWidth(entry) + ENTRY_GAP;
  }
}
