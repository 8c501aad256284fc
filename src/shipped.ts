/** Models that come with the package, by the name that stands for their file. */
export const SHIPPED_MODELS = {
  /** Counts 0 to 3 digits on 50 x 50 px, white on black. */
  digits: new URL('../fixtures/models/digits.safetensors', import.meta.url),
} as const satisfies { [name: string]: URL };
