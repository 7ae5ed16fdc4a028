import type { Hub } from './hub.ts';
import { TEMPLATE } from './counter.ts';
import { type Eyes, Observer } from './observer.ts';
import type { Platform } from './platform.ts';
import { until } from './until.ts';

const SCREEN_MS = 120_000;

/** Shared by all rounds: the installation and the hub, their observer, and a session with a watched screen. */
export class Rig<P extends Platform> {
  readonly cluster: P;
  readonly hub: Hub;
  readonly observer: Observer;
  /** Id of the session with the watched screen. */
  readonly screen: string;
  /** Distinguishes this run's requests from those of others. */
  readonly run: string;
  readonly #end: () => Promise<void>;

  private constructor(
    parts: Pick<Rig<P>, 'cluster' | 'hub' | 'observer' | 'screen' | 'run'>,
    end: () => Promise<void>,
  ) {
    this.cluster = parts.cluster;
    this.hub = parts.hub;
    this.observer = parts.observer;
    this.screen = parts.screen;
    this.run = parts.run;
    this.#end = end;
  }

  /**
   * Opens the session on an installation, and begins to observe; `stop` ends that. `end`: what is done when the rig is closed, or could not be
   * opened.
   */
  static async open<P extends Platform>(
    { cluster, hub, eyes, stop }: { cluster: P; hub: Hub; eyes: Eyes; stop: AbortController },
    end: () => Promise<void> = async () => {},
  ): Promise<Rig<P>> {
    const over = async () => {
      stop.abort();
      await end();
    };
    try {
      const observer = new Observer(eyes, hub, stop.signal);
      observer.start();
      const run = Math.random().toString(36).slice(2, 8);
      const rig = new Rig<P>({ cluster, hub, observer, screen: await openScreen(hub, run), run }, over);
      // left by an aborted run
      await rig.clear();
      return rig;
    } catch (error) {
      await over();
      throw error;
    }
  }

  /** Deletes the leftovers of a failed round: every session except the watched one. Never rejects. */
  async clear(): Promise<void> {
    const sessions = await this.hub.sessions().catch(() => []);
    for (const { id } of sessions) if (id !== this.screen) await this.hub.delete(id).catch(() => undefined);
  }

  /** Deletes the session, and stops the observers. */
  async close(): Promise<void> {
    await this.hub.delete(this.screen).catch(() => undefined);
    await this.#end();
  }
}

async function openScreen(hub: Hub, run: string): Promise<string> {
  const made = await until(
    'a session is accepted',
    async () => {
      const { status, body } = await hub.create(`screen-${run}`, TEMPLATE);
      if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`);
      return body.session.id;
    },
    SCREEN_MS,
  );
  await until(
    'the session runs',
    async () => {
      const session = (await hub.sessions()).find(({ id }) => id === made);
      if (session?.state === 'running') return true;
      throw new Error(`${session?.state}: ${session?.reason ?? ''}`);
    },
    SCREEN_MS,
  );
  return made;
}
