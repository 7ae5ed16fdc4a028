/** A picture: three bytes a pixel (red, green, blue), row by row. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly pixels: Buffer;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Reduces a large picture while its rows arrive: each small pixel is the mean of its source pixels. */
export class Reduction {
  readonly from: Size;
  readonly #to: Size;
  /** Sums of red, green, blue, and their count. */
  readonly #sums: Uint32Array;
  readonly #columns: Uint32Array;

  /** Fits into `box`; never enlarged. */
  constructor(width: number, height: number, box: Size) {
    this.from = { width, height };
    const scale = Math.max(width / box.width, height / box.height, 1);
    const to = { width: Math.max(1, Math.floor(width / scale)), height: Math.max(1, Math.floor(height / scale)) };
    this.#to = to;
    this.#sums = new Uint32Array(4 * to.width * to.height);
    this.#columns = Uint32Array.from({ length: width }, (_, x) => 4 * Math.floor((x * to.width) / width));
  }

  /** A piece of the row `y` that begins at `x`: four bytes a pixel (blue, green, red, nothing). */
  add(x: number, y: number, row: Buffer): void {
    const sums = this.#sums;
    const line = 4 * this.#to.width * Math.floor((y * this.#to.height) / this.from.height);
    for (let at = 0, column = x; at < row.length; at += 4, column++) {
      const cell = line + this.#columns[column]!;
      sums[cell]! += row[at + 2]!;
      sums[cell + 1]! += row[at + 1]!;
      sums[cell + 2]! += row[at]!;
      sums[cell + 3]! += 1;
    }
  }

  /** Missing pixels are black. */
  result(): Raster {
    const sums = this.#sums;
    const pixels = Buffer.alloc((3 * sums.length) / 4);
    for (let cell = 0, at = 0; cell < sums.length; cell += 4, at += 3) {
      const count = sums[cell + 3] || 1;
      pixels[at] = sums[cell]! / count;
      pixels[at + 1] = sums[cell + 1]! / count;
      pixels[at + 2] = sums[cell + 2]! / count;
    }
    return { ...this.#to, pixels };
  }
}

/** Half as wide and half as high. */
export function halved({ width, height, pixels }: Raster): Raster {
  const reduction = new Reduction(width, height, { width: width / 2, height: height / 2 });
  for (let y = 0; y < height; y++) {
    const row = Buffer.alloc(4 * width);
    for (let x = 0; x < width; x++)
      for (let colour = 0; colour < 3; colour++) row[4 * x + 2 - colour] = pixels[3 * (y * width + x) + colour]!;
    reduction.add(0, y, row);
  }
  return reduction.result();
}
