/**
 * Counts of an image, in a line of their own above it, so that they cover nothing of it: the true one, and the one that was found. An
 * image that shows both has the true one on its left, the other on its right.
 */
import type { Latent } from '../core/latent.js';
import type { Scene } from '../formats/records.js';
import type { Area, Canvas, Color } from './draw.js';
import { CAP_HEIGHT, textWidth } from './font.js';
import { MUTED, PAGE, TEXT, WRONG } from './theme.js';

export type Counted = Pick<Scene, 'count'> & Partial<Pick<Latent, 'n'>>;

/** Which of its counts an image shows. */
export type Shows = { truth: boolean; found: boolean };

type Tag = { text: string; color: Color; back?: Color; side: 'left' | 'right' };

/** Is the inferred count wrong? Not if the truth is unknown. */
export function isMiscounted({ n, count }: Counted): boolean {
  return n !== undefined && count !== undefined && n !== count;
}

function tagsOf(subject: Counted, { truth, found }: Shows): Tag[] {
  const { n, count } = subject;
  const tags: Tag[] = [];
  if (truth && count !== undefined) {
    tags.push({ text: String(count), color: n === undefined ? TEXT : MUTED, side: 'left' });
  }
  if (found && n !== undefined) {
    const side = truth && count !== undefined ? 'right' : 'left';
    tags.push({ text: String(n), ...(isMiscounted(subject) ? { color: PAGE, back: WRONG } : { color: TEXT }), side });
  }
  return tags;
}

/** Between letters and the edge of their tag, and between a tag and its image, px. */
const PADDING = 2;
/** What keeps a tag away from the image above it, px. */
const APART = 4;

/** Letters grow with the images, and not beyond what is easily read. */
function letterScale(scale: number): number {
  return Math.min(scale, 2);
}

/** The height of the line, px; 0 if none of the images has a count to show. */
export function tagsHeight(subjects: readonly Counted[], shows: Shows, scale: number): number {
  if (subjects.every((subject) => tagsOf(subject, shows).length === 0)) return 0;
  return APART + letterScale(scale) * CAP_HEIGHT + 3 * PADDING;
}

/** Whether an image has both counts above it. */
export function hasBoth(subjects: readonly Counted[], shows: Shows): boolean {
  return subjects.some((subject) => tagsOf(subject, shows).length === 2);
}

/** @param image whose counts they are, above its upper edge */
export function drawTags(picture: Canvas, subject: Counted, shows: Shows, image: Area & { scale: number }): void {
  const letters = letterScale(image.scale);
  for (const { text, color, back, side } of tagsOf(subject, shows)) {
    const size = { width: textWidth(text, letters) + 2 * PADDING, height: letters * CAP_HEIGHT + 2 * PADDING };
    const x = side === 'left' ? image.x : image.x + image.width - size.width;
    const y = image.y - PADDING - size.height;
    if (back) picture.fill({ x, y, ...size }, back);
    picture.drawText(text, { left: x + PADDING, top: y + PADDING, scale: letters }, color);
  }
}
