import { type AgentMessageOf, type Command, type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import { coalesceEach, iso, Outage, parseIso, pause } from 'clock-port';
import type { FastifyBaseLogger } from 'fastify';
import type { CommandNotifier } from '../agents/ports.ts';
import { retrying } from '../flow/retrying.ts';
import type { CommandRecord, Store } from '../store/store.ts';
import { type CommandLink, Delivery, type DeliveryDeps, type DeliveryTrouble } from './delivery.ts';
import { expired } from './expiry.ts';
import { sessionPatch } from './outcome.ts';

/** Milliseconds between two searches for expired commands. */
const SWEEP_MS = 5_000;
/** Milliseconds after which delivery is triggered again for an unsent command of a connected agent. */
const OVERDUE_MS = 2_000;
/** Commands of one read in the search for expired ones. */
const SWEEP_PAGE = 256;

export interface DispatcherDeps extends Omit<DeliveryDeps, 'store' | 'trouble'> {
  readonly store: DeliveryDeps['store'] & Pick<Store, 'signals' | 'events'>;
  readonly log: FastifyBaseLogger;
  /** Address of this replica. */
  readonly hub: string;
}

/**
 * The commands of all agents with a link to this hub: sends them, and handles acks and results. Every change of a command is a compare-and-set
 * of the store, so a late answer, an old attempt or another connection changes nothing [CMD3].
 */
export class CommandDispatcher implements CommandNotifier {
  readonly #deps: DispatcherDeps;
  readonly #untold: Outage;
  /** Shared by the deliveries of all agents. */
  readonly #trouble: DeliveryTrouble;
  readonly #deliveries = new Map<string, Delivery>();
  /** Agents that may have open commands: the sweep reads only these. */
  readonly #watched = new Set<string>();
  /** Tells the replica that holds the agent, if there is one. The sweep makes up for a lost message. */
  readonly #wakeElsewhere = coalesceEach((agentId: string) => this.#tellHolder(agentId));

  constructor(deps: DispatcherDeps) {
    this.#deps = deps;
    const outage = (message: string) => new Outage(deps.clock, deps.log, message);
    this.#untold = outage('Hub replica of an agent not notified of a command; trying again');
    this.#trouble = {
      undelivered: outage('Commands not delivered; trying again'),
      unsettled: outage('End of a command may be lost; asking the store again'),
    };
  }

  get inFlight(): number {
    let sum = 0;
    for (const delivery of this.#deliveries.values()) sum += delivery.inFlight;
    return sum;
  }

  /** Number of ended commands whose end a failover of the store might lose. */
  get unsettled(): number {
    let sum = 0;
    for (const delivery of this.#deliveries.values()) sum += delivery.unsettled;
    return sum;
  }

  wake(agentId: string): void {
    this.#watched.add(agentId);
    const delivery = this.#deliveries.get(agentId);
    if (delivery !== undefined) delivery.pump();
    else void this.#wakeElsewhere(agentId);
  }

  /** Sends an agent that is connected here its commands; `anew`: also searches for overlooked ones. */
  pump(agentId: string, anew = false): void {
    this.#deliveries.get(agentId)?.pump(anew);
  }

  /** The link is the agent's from now on: every command that is not final is sent on it. */
  attach(link: CommandLink): void {
    this.#deliveries.get(link.agentId)?.stop();
    this.#deliveries.set(link.agentId, new Delivery({ ...this.#deps, trouble: this.#trouble }, link));
    this.wake(link.agentId);
  }

  detach(link: CommandLink): void {
    const delivery = this.#deliveries.get(link.agentId);
    if (delivery?.link !== link) return;
    delivery.stop();
    this.#deliveries.delete(link.agentId);
  }

  async ack(link: CommandLink, message: AgentMessageOf<'ack'>): Promise<void> {
    const { store, clock, publish, metrics } = this.#deps;
    const at = iso(clock.now());
    const acked = await retrying(
      clock,
      link.signal,
      () => store.commands.markAck(message.command_id, message.attempt, link.connectionId, at),
      () => metrics.storeFailures.inc({ step: 'ack' }),
    );
    if (acked === undefined) return;
    const delivery = this.#deliveries.get(link.agentId);
    if (delivery?.link === link) delivery.acked(acked.id);
    metrics.commands.inc({ state: 'ack' });
    await publish.command(acked);
  }

  /** Handles a result. Resolves with the sessions, and the time of the request, if it is the result of a `list_sessions`. */
  async result(
    link: CommandLink,
    message: AgentMessageOf<'result'>,
  ): Promise<{ sessions: SessionStatus[]; asOf: string } | undefined> {
    const { store, clock, log, metrics } = this.#deps;
    const { error, command_id: id } = message;
    const delivery = () => {
      const current = this.#deliveries.get(link.agentId);
      return current?.link === link ? current : undefined;
    };
    const outcome =
      error === undefined
        ? ({ state: 'completed' } as const)
        : ({
            state: 'failed',
            error: { code: error.code, message: error.message, retryable: error.retryable },
          } as const);
    const sent = delivery()?.sent(id);
    const finished = await retrying(
      clock,
      link.signal,
      async () => {
        const command = sent ?? (await store.commands.get(id));
        const attempt = { number: message.attempt, connectionId: link.connectionId };
        return command === undefined ? undefined : this.#finish(command, attempt, outcome, message);
      },
      () => metrics.storeFailures.inc({ step: 'result' }),
    );
    // not stored now: an earlier try whose answer was lost may have stored it
    if (finished?.settled === true) delivery()?.forget(id, message.attempt);
    else void delivery()?.settle(id, message.attempt);
    if (finished === undefined) {
      log.debug({ agent: link.agentId, command: id, attempt: message.attempt }, 'Late result ignored');
      return undefined;
    }
    if (
      finished.command.action === 'list_sessions' &&
      message.sessions !== undefined &&
      sent?.attempt === message.attempt
    )
      // not the time of this attempt: the agent may repeat, or have joined, the work that it began for an earlier one [CMD4]
      return { sessions: message.sessions, asOf: sent.created_at };
    return undefined;
  }

  /** Fails expired commands [CMD7], and asks agents about unanswered ones [CMD8], until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#expire(signal), this.#ask(signal)]);
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    const outage = new Outage(clock, log, 'Agent not asked for a command; trying again');
    while (!signal.aborted) {
      await pause(clock, SWEEP_MS, signal);
      for (const delivery of Array.from(this.#deliveries.values())) {
        if (signal.aborted) return;
        try {
          await delivery.ask();
        } catch (error) {
          outage.failed({ err: error, agent: delivery.link.agentId });
          break;
        }
      }
    }
  }

  async #expire(signal: AbortSignal): Promise<void> {
    const { store, clock, log } = this.#deps;
    const outage = new Outage(clock, log, 'Search for expired commands failed; trying again');
    let primed = false;
    store.signals.subscribe(
      this.#deps.hub,
      (message) => {
        this.#deps.metrics.signals.inc({ direction: 'received' });
        // not forwarded: the sender checks again by itself
        this.pump(message.agent);
      },
      () => {},
      signal,
    );
    // the replica that accepted the command may be gone when the command expires
    store.events.subscribe((event) => {
      if (event.type === 'command.updated' && event.agent !== null && event.data['state'] === 'pending')
        this.#watched.add(event.agent);
    }, signal);
    while (!signal.aborted) {
      try {
        if (!primed) {
          for (const agent of await store.agents.list()) this.#watched.add(agent.id);
          primed = true;
        }
        for (const agentId of Array.from(this.#watched)) if (!signal.aborted) await this.#sweep(agentId);
        outage.over();
      } catch (error) {
        outage.failed({ err: error });
      }
      await pause(clock, SWEEP_MS, signal);
    }
  }

  async #sweep(agentId: string): Promise<void> {
    const { store, clock, commandTimeoutMs } = this.#deps;
    // first removed, then added again: a wake during the read is not lost
    this.#watched.delete(agentId);
    try {
      let page = await store.commands.next(agentId, 0, SWEEP_PAGE);
      if (page.commands.length === 0) return;
      this.#watched.add(agentId);
      const agent = await store.agents.get(agentId);
      let overdue = false;
      for (;;) {
        let any = false;
        for (const command of page.commands) {
          if (!expired(command, agent, clock.now(), commandTimeoutMs)) {
            if (command.state === 'pending' && clock.now() - parseIso(command.created_at) > OVERDUE_MS) overdue = true;
            continue;
          }
          any = true;
          const error = new StreamSpaceError(
            'command_expired',
            `agent ${agentId} did not carry it out before ${command.expires_at}; try again when it is online`,
          ).toJSON();
          await this.#finish(command, null, { state: 'failed', error }, { error });
          this.#deliveries.get(agentId)?.forget(command.id);
        }
        // the queue is in the order of acceptance: after a page without expired commands there are none
        if (!any || page.commands.length < SWEEP_PAGE) break;
        page = await store.commands.next(agentId, page.last, SWEEP_PAGE);
      }
      if (!overdue || agent?.connected !== true) return;
      if (this.#deliveries.has(agentId)) this.pump(agentId, true);
      else void this.#wakeElsewhere(agentId);
    } catch (error) {
      this.#watched.add(agentId);
      throw error;
    }
  }

  async #tellHolder(agentId: string): Promise<void> {
    const { store, metrics, hub } = this.#deps;
    try {
      const agent = await store.agents.get(agentId);
      const holder = agent?.connected === true ? agent.hub : null;
      const found = holder === null ? 'offline' : holder === hub ? 'here' : 'peer';
      metrics.lookups.inc({ found });
      if (holder === null || holder === hub) return;
      await store.signals.send(holder, { type: 'wake', agent: agentId });
      metrics.signals.inc({ direction: 'sent' });
    } catch (error) {
      metrics.storeFailures.inc({ step: 'wake' });
      this.#untold.failed({ err: error, agent: agentId });
    }
  }

  async #finish(
    command: CommandRecord,
    attempt: { number: number; connectionId: string } | null,
    outcome: { state: 'completed' } | { state: 'failed'; error: NonNullable<Command['error']> },
    result: Pick<AgentMessageOf<'result'>, 'error' | 'session'>,
  ): Promise<{ command: CommandRecord; settled: boolean } | undefined> {
    const { store, clock, publish, metrics } = this.#deps;
    const at = iso(clock.now());
    const finished = await store.commands.finish(command.id, attempt, outcome, at, sessionPatch(command, result, at));
    if (finished === undefined) return undefined;
    const { command: final, session, settled } = finished;
    metrics.commands.inc({ state: final.state });
    metrics.commandLatency.observe({ until: 'final' }, (clock.now() - parseIso(final.created_at)) / 1_000);
    await Promise.all([publish.command(final), session === undefined ? undefined : publish.session(session)]);
    return { command: final, settled };
  }
}
