/**
 * Text as a terminal may be given it. What files hold (keys, names, command lines) and what files are called gets into messages: it
 * must neither move the cursor, colour the screen, ring, nor fill it.
 */

/** Control characters (also those of 8 bits, which some terminals obey), line separators, marks that turn the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\p{Cs}]/gu;

/** Longer lines are cut in their middle: where it happened stands first, what was expected last. */
const [KEPT_FIRST, KEPT_LAST] = [1500, 500];

/** A line as it may be shown: what would not be seen as `\u001b`, and not too much of it. */
export function printable(line: string): string {
  return shorten(escapeControls(shorten(line)));
}

function shorten(line: string): string {
  const isLong = line.length > KEPT_FIRST + KEPT_LAST;
  return isLong ? `${line.slice(0, KEPT_FIRST)} ... ${line.slice(-KEPT_LAST)}` : line;
}

/** What would not be seen as `\u001b`, as in JSON, where that is the same text. */
export function escapeControls(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
