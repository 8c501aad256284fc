/** Names in programs are in camelCase, in files and JSON in snake_case. */

/** `nEvidence` -> `n_evidence`; a name in snake_case stays as it is. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** `n_evidence` -> `nEvidence`; a name in camelCase stays as it is. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
