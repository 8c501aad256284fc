/** What a picture can show of each image, a row each. Imports nothing: help loads it. */
export const PICTURE_ROWS = ['input', 'reconstruction', 'canvas', 'steps'] as const;

export type PictureRow = (typeof PICTURE_ROWS)[number];
