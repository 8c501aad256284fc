/**
 * How wide text in the font of charts is, so that legends and axes get the room that they take. Vega would ask a browser's canvas;
 * without one it takes 0.8 of the font's size for every letter, which is too much for most.
 */

/** Advances of DejaVu Sans in thousandths of the font's size, for the characters from space to ~. */
const ADVANCES = [
  318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 301, 337, 636, 636, 636, 636, 636, 636, 636,
  636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 699, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863,
  748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635,
  615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636,
  337, 636, 838,
];

/** Of others: what a wide letter takes. Chinese, Japanese and Korean ones take a square. */
const OTHER_ADVANCE = 720;
const SQUARE_ADVANCE = 1000;
const FIRST_SQUARE = 0x2e80;

/** Width of a line of text at a font size, both px; for characters beyond ASCII no less than most of them take. */
export function chartTextWidth(text: string, fontSize: number): number {
  let thousandths = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    thousandths += ADVANCES[code - 32] ?? (code < FIRST_SQUARE ? OTHER_ADVANCE : SQUARE_ADVANCE);
  }
  return (thousandths * fontSize) / 1000;
}
