import type { Duplex } from 'node:stream';
import { type Clock, sleep, withDeadline } from 'clock-port';
import { LIMITS, StreamSpaceError } from '@streamspace/protocol';
import type { SessionDriver } from '../sessions/driver.ts';
import { png } from './png.ts';
import { halved, type Raster } from './raster.ts';
import { framesOf } from './rfb-frame.ts';

/** Largest size of a picture, pixels. */
const BOX = { width: 480, height: 360 };
/** Most pictures taken at the same time, and most waiting requests; further ones are refused. */
const AT_ONCE = 2;
const MAX_WAITING = 128;
/** Longest time for one picture, milliseconds. */
const PICTURE_MS = 8_000;
/** A black picture is retaken this many times, after this pause each. */
const BLACK_TRIES = 3;
const BLACK_MS = 1_000;

/** Small pictures of sessions' current screens [PIC1]: few at a time, each over a separate connection. */
export class Pictures {
  readonly #driver: Pick<SessionDriver, 'connect'>;
  readonly #clock: Clock;
  #taking = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(driver: Pick<SessionDriver, 'connect'>, clock: Clock) {
    this.#driver = driver;
    this.#clock = clock;
  }

  /**
   * The session's screen as a PNG file of at most `LIMITS.picture` bytes. Throws `at_capacity`, `screen_unreachable`, and the errors of the driver's `connect`;
   * ends soon after the signal aborts.
   */
  async take(sessionId: string, signal: AbortSignal): Promise<Buffer> {
    if (this.#waiting.length >= MAX_WAITING)
      throw new StreamSpaceError(
        'at_capacity',
        `${MAX_WAITING} requests for pictures already wait at this agent: try again later`,
      );
    if (this.#taking < AT_ONCE) this.#taking++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await withDeadline(this.#clock, PICTURE_MS, 'picture', signal, (limit) => this.#take(sessionId, limit));
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#taking--;
      else next();
    }
  }

  async #take(sessionId: string, signal: AbortSignal): Promise<Buffer> {
    let screen: Duplex | undefined;
    try {
      screen = await this.#driver.connect(sessionId, signal);
      const raster = await this.#lit(screen, signal);
      const picture = await png(raster);
      return picture.length <= LIMITS.picture ? picture : await png(halved(raster));
    } finally {
      screen?.on('error', () => undefined).destroy();
    }
  }

  /** The screen's current picture; if it is all black, as at the start of a desktop, a slightly later one. */
  async #lit(screen: Duplex, signal: AbortSignal): Promise<Raster> {
    const frames = framesOf(screen, BOX, signal);
    let raster = await frames();
    for (let again = 0; again < BLACK_TRIES && raster.pixels.every((byte) => byte === 0); again++) {
      await sleep(this.#clock, BLACK_MS, signal);
      raster = await frames();
    }
    return raster;
  }
}
