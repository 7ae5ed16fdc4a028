import type { HubMessage } from '@streamspace/protocol';
import { VirtualClock } from '@streamspace/testkit';
import type { CommandLink } from '../../src/commands/delivery.ts';
import { CommandDispatcher } from '../../src/commands/dispatcher.ts';
import { publisher } from '../../src/events/publisher.ts';
import { memoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { claim, command } from './records.ts';
import { lonelyMetrics } from './metrics.ts';
import { SessionProofs } from '../../src/sessions/proof.ts';

const CONN = 'conn-r1-1';

/** A dispatcher with one agent connected, which says only what the test has it say. */
export async function dispatcherScene(clock = new VirtualClock(), store: Store = memoryStore(clock)) {
  const metrics = lonelyMetrics();
  const lines: string[] = [];
  const line = (_fields: object, message: string) => void lines.push(message);
  const log = { info: line, warn: line, error: line, debug: () => undefined } as never;
  const publish = publisher(store, clock);
  const dispatcher = new CommandDispatcher({
    store,
    clock,
    log,
    publish,
    metrics,
    hub: 'h1',
    commandTimeoutMs: 3_600_000,
    proofs: new SessionProofs([Buffer.alloc(32)]),
  });
  const over = new AbortController();
  void dispatcher.run(over.signal);
  await store.agents.claim(claim());
  const told: HubMessage[] = [];
  const link: CommandLink = {
    agentId: 'a1',
    connectionId: CONN,
    version: 3,
    open: true,
    signal: over.signal,
    tell: (message) => told.push(message) > 0,
  };
  dispatcher.attach(link);
  const expires_at = new Date(clock.now() + 3_600_000).toISOString();
  const created_at = new Date(clock.now()).toISOString();
  const made = (id: string, session: string | null = null) => command({ id, session, created_at, expires_at });
  const give = async (id: string, session: string | null = null) => {
    await store.commands.append(made(id, session));
    dispatcher.wake('a1');
    await clock.advance(10);
  };
  const sent = () => told.flatMap((each) => (each.type === 'command' ? [`${each.id} ${each.attempt}`] : []));
  /** The agent says how its latest attempt ended: well. */
  const ended = async (id: string) => {
    const attempt = Number(
      sent()
        .findLast((each) => each.startsWith(`${id} `))
        ?.split(' ')[1],
    );
    const over = dispatcher.result(link, { type: 'result', command_id: id, attempt });
    await clock.advance(200);
    await over;
  };
  return { clock, store, dispatcher, link, command: made, give, sent, ended, over, lines };
}
