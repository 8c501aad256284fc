/** JSON as it stands in files: of so few levels that whatever walks over it comes to its end. */

/** Far above anything that is written here. */
const MAX_LEVELS = 32;

/** @throws SyntaxError it is no JSON, or has more levels than anything of ours */
export function parseJson(text: string): unknown {
  if (isDeep(text)) throw new SyntaxError(`it has more than ${MAX_LEVELS} levels`);
  return JSON.parse(text);
}

/** Whether brackets are open in brackets in brackets; those in strings are none. */
function isDeep(text: string): boolean {
  let level = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (isInString) {
      if (character === '\\') at++;
      else if (character === '"') isInString = false;
    } else if (character === '"') isInString = true;
    else if (character === '[' || character === '{') {
      if (++level > MAX_LEVELS) return true;
    } else if (character === ']' || character === '}') level--;
  }
  return false;
}
