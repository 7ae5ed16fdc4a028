import type { Accepted, Command, Ticket } from '@streamspace/protocol';
import { Cluster } from '../../bench/hub/cluster.ts';
import { BenchProcess } from '../../bench/load/process.ts';
import { watch } from './viewer.ts';

const REPLICAS = 3;
const SESSIONS = 10;
/** Typed part of the moved bytes. */
const UP = 0.1;
/** Longest time without any movement, milliseconds. */
const STUCK_MS = 60_000;
/** Most retries of a viewer whose screen could not be opened. */
const AGAIN = 10;

export interface SoakResult {
  bytes: number;
  seconds: number;
  /** Viewers whose hashes differ, or that lost their screen, each with why. */
  wrong: string[];
  connects: number;
  /** Connects that did not lead to a picture, each with why. */
  failed: string[];
}

/** Three hub replicas, two agents, and a screen that hashes its output and input. Programs have to be built. */
export class Soak {
  readonly cluster: Cluster;
  readonly #source: BenchProcess;
  readonly #sessions: string[] = [];

  private constructor(cluster: Cluster, source: BenchProcess) {
    this.cluster = cluster;
    this.#source = source;
  }

  static async start(): Promise<Soak> {
    const source = BenchProcess.node('test/soak/source.ts');
    const port = JSON.parse(await source.ready) as number;
    // everything shares one machine: a replica starved for a second or two is not dead here
    const soak = new Soak(await Cluster.start(REPLICAS, { HUB_PING_INTERVAL: '10s', TICKET_TTL: '60s' }), source);
    try {
      const { cluster } = soak;
      // every viewer's screen is the source
      const ports = { echo: port, flood: port, busy: port };
      for (const at of [0, 1]) await cluster.agent(`127.0.0.1:${cluster.ports[at]}`, ports, `soak-${at}`);
      for (let n = 0; n < SESSIONS; n += 1) soak.#sessions.push(await soak.#session());
      return soak;
    } catch (error) {
      await soak.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    await this.#source.stop();
  }

  /** So many bytes through so many tunnels at once, each through a replica of its own choice, with stalls on all sides. */
  async pour(
    bytes: number,
    tunnels: number,
    say: (text: string) => void = () => {},
  ): Promise<Omit<SoakResult, 'connects' | 'failed'>> {
    const urls = await Promise.all(Array.from({ length: tunnels }, (_, index) => this.#ticket(index)));
    const began = performance.now();
    let total = 0;
    let last = began;
    const each = bytes / tunnels;
    const up = Math.round(each * UP);
    const stuck = new AbortController();
    const watchdog = setInterval(() => {
      say(`${Math.round(total / 2 ** 20)} of ${Math.round(bytes / 2 ** 20)} MiB`);
      if (performance.now() - last > STUCK_MS) stuck.abort();
    }, 5_000);
    const gaveUp = new Promise<string>((resolve) =>
      stuck.signal.addEventListener('abort', () => resolve(`nothing moved for ${STUCK_MS / 1_000} s`)),
    );
    const moved = (count: number) => {
      total += count;
      last = performance.now();
    };
    try {
      const ends = await Promise.all(
        Array.from({ length: tunnels }, async (_, index) => {
          // one in ten is frozen for a while
          const wish = { seed: index + 1, down: Math.round(each) - up, up, freezeMs: index % 10 === 0 ? 3_000 : 0 };
          let wrong = await Promise.race([watch(urls[index]!, wish, moved), gaveUp]);
          // a screen that could not be opened in time, with all of them at once: the viewer comes again, as a page does
          for (let tries = 0; tries < AGAIN && wrong?.startsWith('closed after 0 of') === true; tries += 1) {
            await new Promise((resolve) => setTimeout(resolve, 500));
            const url = await this.#ticket(index).catch(() => undefined);
            if (url !== undefined) wrong = await Promise.race([watch(url, wish, moved), gaveUp]);
          }
          return wrong === undefined ? [] : [`tunnel ${index}: ${wrong}`];
        }),
      );
      return { bytes: total, seconds: (performance.now() - began) / 1_000, wrong: ends.flat() };
    } finally {
      clearInterval(watchdog);
    }
  }

  /** Viewers that connect through any replica, see a picture, and leave. */
  async connects(count: number, atOnce = 20): Promise<Pick<SoakResult, 'connects' | 'failed'>> {
    const failed: string[] = [];
    let next = 0;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (next < count) {
          const index = next++;
          try {
            const wish = { seed: index + 1, down: 1_000, up: 100, freezeMs: 0 };
            const wrong = await watch(await this.#ticket(index), wish, () => {});
            if (wrong !== undefined) failed.push(`viewer ${index}: ${wrong}`);
          } catch (error) {
            failed.push(`viewer ${index}: ${(error as Error).message}`);
          }
        }
      }),
    );
    return { connects: count, failed };
  }

  #any(): number {
    const { ports } = this.cluster;
    return ports[Math.floor(Math.random() * ports.length)]!;
  }

  /** A ticket by one replica, for the screen through another. */
  async #ticket(index: number): Promise<string> {
    const id = this.#sessions[index % this.#sessions.length]!;
    const { url } = await this.cluster.call<Ticket>(this.#any(), 'POST', `/sessions/${id}/ticket`);
    return `ws://127.0.0.1:${this.#any()}${url}`;
  }

  async #session(): Promise<string> {
    const { session, command } = await this.cluster.call<Accepted>(this.#any(), 'POST', '/sessions', {
      template: 'echo',
    });
    for (;;) {
      const { state, error } = await this.cluster.call<Command>(this.#any(), 'GET', `/commands/${command.id}`);
      if (state === 'completed') return session.id;
      if (state === 'failed') throw new Error(error?.message ?? 'failed');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
