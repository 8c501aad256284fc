/**
 * Text that is HTML. Whatever else is put into it is escaped: names and command lines come out of files, and a file may hold
 * anything. Only `html` and `trusted` make it, so what the types let into a page is either escaped or our own.
 */

export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What can stand in a template; nothing is written for undefined, false and the like. */
export type Piece = Markup | string | number | undefined | false | readonly Piece[];

const ESCAPES: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Safe as text and as the value of an attribute in quotes. Characters that HTML forbids become U+FFFD. */
export function escapeHtml(text: string): string {
  return (
    text
      .replace(/[&<>"']/g, (character) => ESCAPES[character])
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/g, '\ufffd')
  );
}

function written(piece: Piece): string {
  if (piece === undefined || piece === false) return '';
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === 'object') return piece.map(written).join('');
  return escapeHtml(String(piece));
}

/** A template of HTML: html`<p>${text}</p>` escapes the text. */
export function html(strings: TemplateStringsArray, ...pieces: Piece[]): Markup {
  return new Markup(strings.reduce((text, string, k) => text + written(pieces[k - 1]) + string));
}

/** HTML that a program wrote: a chart, a style sheet. Never what a file holds. */
export function trusted(text: string): Markup {
  return new Markup(text);
}
