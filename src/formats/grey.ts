/** Colours as grey: AIR sees intensities, so every format that may hold colours ends here. */

/** Samples that a pixel has: grey, RGB, RGB with alpha. */
export type Channels = 1 | 3 | 4;

export function isChannels(count: number): count is Channels {
  return count === 1 || count === 3 || count === 4;
}

/**
 * Luminance (ITU-R 601, as Pillow's convert("L")); what is transparent is black.
 *
 *   samples  [pixels, channels], uint8
 *   returns  [pixels], uint8, a copy
 */
export function toGrey(samples: Uint8Array, channels: Channels): Uint8Array {
  if (channels === 1) return new Uint8Array(samples);
  const pixels = new Uint8Array(samples.length / channels);
  for (let i = 0; i < pixels.length; i++) {
    const at = channels * i;
    const luminance = (19595 * samples[at] + 38470 * samples[at + 1] + 7471 * samples[at + 2] + 0x8000) >> 16;
    pixels[i] = channels === 3 ? luminance : Math.round((luminance * samples[at + 3]) / 255);
  }
  return pixels;
}
