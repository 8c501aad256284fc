/**
 * PyTorch's affine_grid and grid_sample (bilinear, zero padding, align_corners=False) for one image, pixel by pixel in
 * float64, straight from their documentation.
 */

/** A picture of H x W numbers, row by row. */
export type Picture = { height: number; width: number; values: ArrayLike<number> };

/** [[a, 0, b], [0, c, d]]: from normalised output coordinates to normalised input coordinates. */
export type Affine = { scaleX: number; shiftX: number; scaleY: number; shiftY: number };

/** The map that writes: (s, x, y), or (sx, x, sy, y). */
export function placingMap(map: readonly number[]): Affine {
  const [scaleX, shiftX, scaleY, shiftY] = map.length === 3 ? [map[0], map[1], map[0], map[2]] : map;
  return { scaleX, shiftX, scaleY, shiftY };
}

/** Its inverse, the map that reads. */
export function readingMap(map: readonly number[]): Affine {
  const { scaleX, shiftX, scaleY, shiftY } = placingMap(map);
  return { scaleX: 1 / scaleX, shiftX: -shiftX / scaleX, scaleY: 1 / scaleY, shiftY: -shiftY / scaleY };
}

/** Normalised centre of pixel i of n. */
function centre(i: number, n: number): number {
  return (2 * i + 1) / n - 1;
}

/** Where an output picture looks in an input picture, in input pixels (pixel i has its centre at i). */
export function samplingPoints(
  { scaleX, shiftX, scaleY, shiftY }: Affine,
  input: { height: number; width: number },
  output: { height: number; width: number },
): { columns: number[]; rows: number[] } {
  const toPixel = (u: number, side: number) => ((u + 1) * side - 1) / 2;
  return {
    columns: Array.from({ length: output.width }, (_, i) =>
      toPixel(scaleX * centre(i, output.width) + shiftX, input.width),
    ),
    rows: Array.from({ length: output.height }, (_, i) =>
      toPixel(scaleY * centre(i, output.height) + shiftY, input.height),
    ),
  };
}

export function gridSample(input: Picture, map: Affine, [height, width]: readonly [number, number]): number[] {
  const { columns, rows } = samplingPoints(map, input, { height, width });
  const pixel = (row: number, column: number) => {
    const isInside = row >= 0 && row < input.height && column >= 0 && column < input.width;
    return isInside ? input.values[row * input.width + column] : 0;
  };
  return rows.flatMap((v) =>
    columns.map((u) => {
      const [top, left] = [Math.floor(v), Math.floor(u)];
      const [down, right] = [v - top, u - left];
      return (
        (1 - down) * ((1 - right) * pixel(top, left) + right * pixel(top, left + 1)) +
        down * ((1 - right) * pixel(top + 1, left) + right * pixel(top + 1, left + 1))
      );
    }),
  );
}
