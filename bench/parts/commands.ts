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

/** Creates and deletes sessions, `inFlight` at a time, following each by the event stream. */
export async function commands(stack: Stack, quick: boolean): Promise<Commands> {
  const inFlight = 50;
  const creates = quick ? 200 : 2_000;
  const finished = new Map<string, number>();
  const waiting = new Map<string, () => void>();
  const stop = new AbortController();
  const events = await fetch(`${stack.origin}/api/v1/events`, {
    headers: { authorization: `Bearer ${stack.token}` },
    signal: stop.signal,
  });
  const reading = (async () => {
    let text = '';
    for await (const chunk of events.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const parts = text.split('\n\n');
      text = parts.pop()!;
      for (const part of parts) {
        const data = /^data: (.*)$/m.exec(part)?.[1];
        if (data === undefined || !/^event: command\.updated$/m.test(part)) continue;
        const command = (JSON.parse(data) as { data: Command }).data;
        if (command.state !== 'completed' && command.state !== 'failed') continue;
        finished.set(command.id, performance.now());
        waiting.get(command.id)?.();
      }
    }
  })().catch(() => {});
  const done = (id: string) =>
    finished.has(id) ? Promise.resolve() : new Promise<void>((resolve) => waiting.set(id, resolve));

  const samples: number[] = [];
  let left = creates;
  let completed = 0;
  const worker = async () => {
    while (left-- > 0) {
      const started = performance.now();
      const created = await stack.call<Accepted>('POST', '/sessions', { template: 'echo' });
      await done(created.command.id);
      samples.push(finished.get(created.command.id)! - started);
      const deleted = await stack.call<Accepted>('DELETE', `/sessions/${created.session.id}`);
      await done(deleted.command.id);
      completed += 2;
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  const perSecond = completed / ((performance.now() - started) / 1000);
  stop.abort();
  await reading;
  return { perSecond, inFlight, create: distribution(samples) };
}
