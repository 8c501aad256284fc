/**
 * What every field of a stream means: types, units, ranges. `air view --fields` prints it. Which fields there are is said by records.ts
 * and stream.ts, and a test compares.
 */

/** On the wire; "optional" where a value may lack it. */
export type Field = { type: string; optional?: true; help: string };

/** A kind of value, and its fields by their names on the wire, in the order in which they are written. */
export type FieldGroup = { what: string; fields: { readonly [name: string]: Field } };

const BOX = 'box [x, y, w, h]';
const IMAGE = 'bytes [H, W]';

const TRUTH: FieldGroup['fields'] = {
  count: { type: 'whole number', optional: true, help: 'true number of objects' },
  objects: { type: 'array', optional: true, help: 'the true objects, `count` of them; see object' },
};

export const FIELDS = {
  header: {
    what: 'what a stream, or a segment of one, begins with',
    fields: {
      air: { type: '"scenes" | "latents"', help: 'which records follow' },
      version: { type: '1', help: 'of the format' },
      canvas: { type: '[H, W]', help: 'size of the images, px, 1..2048 each: height first' },
      image: { type: 'array type', help: 'dtype "uint8" and shape [H, W] of images and reconstructions' },
      window: { type: 'array type', optional: true, help: 'dtype "uint8" and shape [h, w] of windows' },
      what: { type: 'array type', optional: true, help: 'dtype "float32" and shape [Z] of z_what' },
      where: { type: 'array type', optional: true, help: 'dtype "float32" and shape [D] of z_where, if D is not 3' },
      model: {
        type: 'map',
        optional: true,
        help: 'of latents: step, model steps N, prior, mode and draws of the model',
      },
      count: { type: '"inf"', optional: true, help: 'the stream has no end: readers do not wait for it' },
      seed: { type: 'whole number', optional: true, help: 'that the scenes were made with' },
      objects: { type: 'array', optional: true, help: 'how many objects a scene may have: the numbers asked for' },
      generator: {
        type: 'map',
        optional: true,
        help: 'of scenes: split, sizes, overlap, background, as gen-data was told',
      },
      provenance: { type: 'array', optional: true, help: 'the command lines that made it, oldest first' },
    },
  },
  scene: {
    what: 'an image, with its truth as far as it is known',
    fields: {
      i: { type: 'whole number', help: 'its index in the data set, 0, 1, ...: chance depends on it and the seed' },
      image: { type: IMAGE, help: 'intensities, 0 black .. 255 white, row by row from the top' },
      ...TRUTH,
    },
  },
  object: {
    what: 'a true object, in `objects`',
    fields: {
      label: { type: 'whole number', optional: true, help: 'its class: the digit, 0..9' },
      frame: { type: BOX, help: 'the picture of the digit as it was resized and put there, with its margins' },
      ink: {
        type: BOX,
        help: 'the smallest box around its pixels that are not 0; of air sample: as frame, its window',
      },
    },
  },
  latent: {
    what: 'what a model says of an image; the image and its truth pass through',
    fields: {
      i: { type: 'whole number', help: 'index of the image' },
      n: { type: 'whole number', help: 'the count, 0..N: the most probable one, argmax of q' },
      q: { type: 'array of N + 1', help: 'q(n) for n = 0 .. N: probabilities, 0..1, their sum is 1' },
      elbo: { type: 'number', optional: true, help: 'ELBO of the image, nats, from draws; not with infer --no-elbo' },
      evidence: {
        type: 'array of N + 1',
        optional: true,
        help: 'log-weight of each n = 0 .. N, nats, from draws; its softmax estimates p(n | image)',
      },
      n_evidence: { type: 'whole number', optional: true, help: 'argmax of evidence, 0..N; from two or more draws' },
      steps: { type: 'array of N', help: 'what each step found, also those that are not counted; see step' },
      image: { type: IMAGE, help: 'as in the scene' },
      reconstruction: { type: IMAGE, optional: true, help: 'the mean image of the first n objects, 0..255' },
      ...TRUTH,
    },
  },
  step: {
    what: 'an object that may be there, in `steps`; the first n of them are counted',
    fields: {
      box: { type: BOX, help: 'where its window lies on the image; it may reach beyond' },
      p: { type: 'number', help: 'q(n >= t) of step t = 1 .. N: the probability that it is there, 0..1, never rising' },
      where: {
        type: 'float32 [D]',
        help: 'z_where: D = 3, (s, x, y): a box W/s wide, centred at W/2 (1 - x/s); D = 4, (sx, x, sy, y): sx W wide, centred at W/2 (1 + x)',
      },
      where_scale: { type: 'float32 [D]', help: 'standard deviation of z_where under the guide, above 0' },
      what: { type: 'float32 [Z]', help: 'z_what: what it looks like; the prior is N(0, 1) for each number' },
      what_scale: { type: 'float32 [Z]', help: 'standard deviation of z_what under the guide, above 0' },
      window: { type: 'bytes [h, w]', optional: true, help: 'z_what decoded: the object before it is placed, 0..255' },
    },
  },
  end: {
    what: 'what a segment ends with; air view does not print it',
    fields: {
      end: { type: 'true', help: 'no more records' },
      records: { type: 'whole number', help: 'how many there were' },
      crc32: { type: 'whole number', help: 'CRC-32 of every byte of the segment before this value' },
    },
  },
} as const satisfies { [group: string]: FieldGroup };

/** What holds for all of them. */
export const FIELD_NOTES: readonly string[] = [
  'A box is [x, y, w, h] in px: its top left corner, its width and its height. x goes right and y down from the top left corner of the image; pixel i covers [i, i + 1), so numbers need not be whole.',
  'N is how many objects the model looks for at most, Z the length of z_what. W and H are those of the canvas.',
  'In JSON, as air view prints it, bytes are left out, or with --images in base64; float32 are arrays of numbers; -Infinity, the evidence of a count that has none, is null.',
];
