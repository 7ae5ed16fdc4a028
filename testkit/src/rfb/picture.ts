import { createHash } from 'node:crypto';

/** A part of a picture in pixels. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Pixels as 0xRRGGBB, row by row. */
export class Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint32Array(width * height);
  }

  at(x: number, y: number): number {
    return this.pixels[y * this.width + x] ?? 0;
  }

  put(region: Region, pixel: (index: number) => number): void {
    this.#check(region);
    let index = 0;
    for (let y = region.y; y < region.y + region.height; y++) {
      for (let x = region.x; x < region.x + region.width; x++) this.pixels[y * this.width + x] = pixel(index++);
    }
  }

  fill(region: Region, colour: number): void {
    this.put(region, () => colour);
  }

  copy(region: Region, fromX: number, fromY: number): void {
    const source = this.pixels.slice();
    this.put(
      region,
      (index) => source[(fromY + Math.floor(index / region.width)) * this.width + fromX + (index % region.width)] ?? 0,
    );
  }

  /** The same for the same pixels. */
  hash(region: Region = { x: 0, y: 0, width: this.width, height: this.height }): string {
    const hash = createHash('sha1');
    for (let y = region.y; y < region.y + region.height; y++)
      hash.update(this.pixels.subarray(y * this.width + region.x, y * this.width + region.x + region.width));
    return hash.digest('hex');
  }

  #check(region: Region): void {
    if (region.x + region.width > this.width || region.y + region.height > this.height)
      throw new Error(`a rectangle outside the screen: ${JSON.stringify(region)}`);
  }
}
