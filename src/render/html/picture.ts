/** Images with what was found in them, as drawings that stay sharp at any size: the pixels, and the boxes as lines. */
import type { Box, Latent } from '../../core/latent.js';
import { encodePng } from '../../formats/png.js';
import type { Scene } from '../../formats/records.js';
import { html, type Markup, type Piece, trusted } from './markup.js';

/** An image, what was inferred from it, and its truth as far as it is known. */
export type Shown = Pick<Scene, 'i' | 'image' | 'count'> & Pick<Latent, 'n' | 'q' | 'steps' | 'reconstruction'>;

/** Sides of pictures on the page are about so many px: a whole number of them for each pixel, so that all are as large. */
const SIDE = 100;

const COLOURS = 6;

export function scaleOf([height, width]: readonly [number, number]): number {
  return Math.max(1, Math.round(SIDE / Math.max(height, width)));
}

export function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** A number for print in a drawing: at most two decimals. */
const px = (value: number): string => String(Math.round(100 * value) / 100);

function boxLine([x, y, w, h]: Box, t: number): Markup {
  return html`<rect class="box s${t % COLOURS}" x="${px(x)}" y="${px(y)}" width="${px(w)}" height="${px(h)}"/>`;
}

/** A grey image [H, W] with boxes, the colour of each by its step. `label` is for who cannot see it. */
export function drawing(
  image: Uint8Array,
  [height, width]: readonly [number, number],
  { boxes = [], label }: { boxes?: readonly Box[]; label: string },
): Markup {
  const scale = scaleOf([height, width]);
  const data = base64(encodePng({ width, height, channels: 1, pixels: image }));
  return html`<svg role="img" aria-label="${label}" width="${width * scale}" height="${height * scale}" viewBox="0 0 ${width} ${height}"><image width="${width}" height="${height}" href="data:image/png;base64,${trusted(data)}"/>${boxes.map(boxLine)}</svg>`;
}

/** The image above, what the model makes of it below, with the boxes of the steps that it counted; and what that says. */
function shownImage(shown: Shown, canvas: readonly [number, number]): Markup {
  const { i, image, n, count, q, steps, reconstruction } = shown;
  const isWrong = count !== undefined && count !== n;
  const sure = html`q(${n}) = ${q[n].toFixed(3)}`;
  const says: Piece = isWrong ? html`<b>${count} taken for ${n}</b>${sure}` : html`<b>${n}</b>${sure}`;
  const boxes = steps.slice(0, n).map(({ box }) => box);
  const below = reconstruction ?? new Uint8Array(canvas[0] * canvas[1]);
  return html`<figure${isWrong && trusted(' class="wrong"')}>${drawing(image, canvas, { label: `image ${i}` })}${drawing(below, canvas, { boxes, label: `its reconstruction, with ${n} boxes` })}<figcaption>${says}</figcaption></figure>`;
}

export function pictures(shown: readonly Shown[], canvas: readonly [number, number]): Markup {
  return html`<div class="pictures">${shown.map((one) => html`${shownImage(one, canvas)}\n`)}</div>${legend(Math.max(0, ...shown.map(({ n }) => n)))}`;
}

/** Which colour is which step. */
function legend(steps: number): Piece {
  if (steps === 0) return '';
  const key = (t: number): Markup =>
    html`<li><svg viewBox="0 0 11 11" aria-hidden="true"><rect class="s${t % COLOURS}" width="11" height="11"/></svg>step ${t + 1}</li>`;
  return html`<ul class="legend">${Array.from({ length: steps }, (_, t) => key(t))}</ul>`;
}
