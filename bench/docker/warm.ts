import { once } from 'node:events';
import { sleep, systemClock } from 'clock-port';
import { containerName } from '../../agent/src/sessions/docker/objects/names.ts';
import { IMAGE, type Place, soon, timed } from './place.ts';

const SIZE = { cpu: 0.2, memory: 3e8, storage: 0 };
const TEMPLATE = {
  id: 'kiosk',
  template: 'kiosk',
  image: IMAGE,
  ...SIZE,
  env: { STREAMSPACE_HOME: 'none', STREAMSPACE_START: 'terminal' },
  warm: 5,
};

export interface Claims {
  /** Command → session running, milliseconds. */
  readonly running: number[];
  /** Running → first byte of the screen, milliseconds. */
  readonly screen: number[];
  /** Sessions that did not get a warm container. */
  readonly cold: number;
}

/** Sessions with a warm container, one at a time, each when the pool is full. */
export async function claims(place: Place, count: number): Promise<Claims> {
  const driver = place.driver([TEMPLATE]);
  const over = new AbortController();
  const watching = driver.watch(() => undefined, over.signal);
  const full = async () => {
    while (driver.warm < TEMPLATE.warm) await sleep(systemClock, 20, soon());
  };
  const times = { running: [] as number[], screen: [] as number[], cold: 0 };
  try {
    // the first one opens connections
    for (let n = -1; n < count; n++) {
      await full();
      const { template, image, env } = TEMPLATE;
      const spec = place.spec({ template, image, env, ...SIZE });
      const since = systemClock.now();
      const running = await timed(() => driver.create(spec, place.op()));
      const screen = await timed(async () => {
        const opened = await driver.connect(spec.id, soon());
        await once(opened, 'data');
        opened.destroy();
      });
      const path = `/containers/${containerName(spec.id, 1)}/json`;
      const { Created } = await place.engine.json<{ Created: string }>(path, {}, soon());
      if (n >= 0) {
        times.running.push(running);
        times.screen.push(screen);
        if (Date.parse(Created) > since) times.cold++;
      }
      await driver.delete(spec.id, { deleteHome: true }, place.op());
    }
  } finally {
    over.abort();
    await watching;
  }
  return times;
}
