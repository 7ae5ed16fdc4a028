import type { Accepted, Command } from '@streamspace/protocol';
import type { Stack } from '../load/stack.ts';
import { type Distribution, distribution } from '../load/statistics.ts';

export interface Commands {
  /** Commands accepted (202) and completed per second, `inFlight` at once. */
  perSecond: number;
  inFlight: number;
  /** From POST to `completed`, with a driver that takes no time: what hub and agent add to a create. Milliseconds. */
  create: Distribution;
}

/** Follows commands by the event stream, as the page does. */
class Followed {
  readonly #finished = new Map<string, number>();
  readonly #waiting = new Map<string, (at: number) => void>();
  readonly #stop = new AbortController();
  readonly #reading: Promise<void>;

  private constructor(events: Response) {
    this.#reading = this.#read(events).catch(() => {});
  }

  static async start(stack: Stack): Promise<Followed> {
    return new Followed(
      await fetch(`${stack.origin}/api/v1/events`, { headers: { authorization: `Bearer ${stack.token}` } }),
    );
  }

  /** When the command ended (performance.now()). */
  end(id: string): Promise<number> {
    const at = this.#finished.get(id);
    return at === undefined ? new Promise((resolve) => this.#waiting.set(id, resolve)) : Promise.resolve(at);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#reading;
  }

  async #read(events: Response): Promise<void> {
    let text = '';
    const cancelled = new Promise<void>((resolve) => this.#stop.signal.addEventListener('abort', () => resolve()));
    const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
    void cancelled.then(() => reader.cancel());
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const parts = text.split('\n\n');
      text = parts.pop()!;
      for (const part of parts) if (part.includes('event: command.updated')) this.#take(part);
    }
  }

  #take(part: string): void {
    if (!/"state":"(completed|failed)"/.test(part)) return;
    const { data } = JSON.parse(/^data: (.*)$/m.exec(part)![1]!) as { data: Command };
    const at = performance.now();
    this.#finished.set(data.id, at);
    this.#waiting.get(data.id)?.(at);
  }
}

/** Bursts of creates, then creates and deletes as fast as they go. */
export async function commands(stack: Stack, quick: boolean): Promise<Commands> {
  const inFlight = 50;
  const followed = await Followed.start(stack);
  const create = async (): Promise<[Accepted, number]> => {
    const started = performance.now();
    const accepted = await stack.call<Accepted>('POST', '/sessions', { template: 'echo' });
    return [accepted, (await followed.end(accepted.command.id)) - started];
  };
  const remove = async (id: string): Promise<void> => {
    await followed.end((await stack.call<Accepted>('DELETE', `/sessions/${id}`)).command.id);
  };

  const samples: number[] = [];
  const warmUps = 20;
  for (let burst = 0; burst < (quick ? 25 : 60); burst++) {
    const made = await Promise.all(Array.from({ length: inFlight }, create));
    if (burst >= warmUps) samples.push(...made.map(([, ms]) => ms));
    await Promise.all(made.map(([{ session }]) => remove(session.id)));
  }

  let left = quick ? 200 : 3_000;
  const total = left * 2;
  const worker = async () => {
    while (left-- > 0) {
      const [{ session }] = await create();
      await remove(session.id);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  const perSecond = total / ((performance.now() - started) / 1000);
  await followed.stop();
  return { perSecond, inFlight, create: distribution(samples) };
}
