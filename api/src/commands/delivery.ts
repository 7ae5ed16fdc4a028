import {
  type Command,
  type HubMessage,
  type ProtocolVersion,
  type SessionSpec,
  StreamSpaceError,
} from '@streamspace/protocol';
import { type Clock, iso, type Outage, parseIso, pause, type Timer } from 'clock-port';
import type { Publisher } from '../events/publisher.ts';
import { retrying } from '../flow/retrying.ts';
import type { LinkMetrics } from '../agents/link/metrics.ts';
import { provable, type SessionProofs } from '../sessions/proof.ts';
import { type CommandRecord, isFinal, type Store } from '../store/store.ts';
import { expired } from './expiry.ts';

/** What delivery needs of an agent's link. */
export interface CommandLink {
  readonly agentId: string;
  readonly connectionId: string;
  readonly version: ProtocolVersion;
  readonly open: boolean;
  readonly signal: AbortSignal;
  tell(message: HubMessage): boolean;
}

/** What may fail again and again while the store is away. */
export interface DeliveryTrouble {
  readonly undelivered: Outage;
  readonly unsettled: Outage;
}

export interface DeliveryDeps {
  readonly store: Pick<Store, 'commands' | 'sessions' | 'agents'>;
  readonly clock: Clock;
  readonly trouble: DeliveryTrouble;
  readonly publish: Publisher;
  readonly metrics: LinkMetrics;
  /** Milliseconds that an agent may work on a command that it has. */
  readonly commandTimeoutMs: number;
  /** Signs the sessions that agents are told to make. */
  readonly proofs: SessionProofs;
}

/** Commands that may be with one agent at a time; it runs MAX_CONCURRENT_OPERATIONS of them, the others wait there. */
const MAX_IN_FLIGHT = 64;
/** Milliseconds without an ack after which an agent is asked what became of a command; doubled each time, up to the longest. */
const ASK_MS = { first: 15_000, longest: 120_000 };
/** What a delete cancels: it goes out while the agent has one of these. */
const STARTS: ReadonlySet<Command['action']> = new Set(['create_session', 'wake_session']);
/** Commands of one look at the queue. */
const PAGE = 128;
/** Commands that may wait here for those of their sessions that are with the agent; with more, the rest of the queue has to wait, too. */
const MAX_WAITING = 1_024;
/** Commands whose end may still be lost, at most: with more the store's replicas have been missing for a while, and the queue waits for them. */
const MAX_UNSETTLED = 1_024;
/** Milliseconds until the store is asked again for the end of a command, after it could not say for long, or in a way that it does not repair by itself. */
const UNSETTLED_MS = 5_000;
/** Milliseconds until a look at the store that failed is repeated. */
const RETRY_MS = 1_000;

/**
 * Hands an agent its commands over one link: those of one session one after the other in the order of acceptance (but a delete at once, to cancel a
 * start), those of different sessions side by side [CMD5]. A new link starts with nothing in flight, so everything that is not final goes out again [CMD3]; what was
 * final when the agent was claimed for it stays so, because a claim is durable, and all that the store did before it.
 */
export class Delivery {
  readonly link: CommandLink;
  readonly #deps: DeliveryDeps;
  readonly #inFlight = new Map<string, CommandRecord>();
  /** Of those, the ones without an ack: when the agent is to be asked (monotonic milliseconds), and how long after the last time. */
  readonly #unanswered = new Map<string, { at: number; afterMs: number }>();
  /** Ended by the agent, with an end that a failover of the store might lose. */
  readonly #unsettled = new Map<string, CommandRecord>();
  /** Read, and not sent: another of their session is with the agent, or too many are. In the order of acceptance. */
  readonly #waiting = new Map<string, CommandRecord>();
  /** Up to which place the queue has been read. */
  #after = 0;
  #wanted = false;
  #anew = false;
  #running = false;
  #retry: Timer | undefined;

  constructor(deps: DeliveryDeps, link: CommandLink) {
    this.#deps = deps;
    this.link = link;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  get unsettled(): number {
    return this.#unsettled.size;
  }

  /**
   * Sends what can be sent now. Returns at once; calls while it is at it are one more round. Reads what is new in the queue; `anew`: all of
   * it, because places begin again in a store that was emptied, or lost its last writes.
   */
  pump(anew = false): void {
    this.#wanted = true;
    this.#anew ||= anew;
    if (!this.#running) void this.#run();
  }

  /** What is with the agent, as it was when it was sent: `updated_at` says when. */
  sent(id: string): CommandRecord | undefined {
    return this.#inFlight.get(id);
  }

  /** The command is over, as far as this link is concerned: its session is free for the next one. */
  forget(id: string, attempt?: number): void {
    const known = this.#inFlight.get(id);
    if (known === undefined || (attempt !== undefined && known.attempt !== attempt)) return;
    this.#inFlight.delete(id);
    this.#unanswered.delete(id);
    this.pump();
  }

  /**
   * Its end is stored, but a failover of the store might still lose that, and the command would be carried out once more: behind the next
   * one of its session, if that went out now. So the session stays busy until the end lasts; if it is lost, the agent is asked again [CMD4].
   */
  async settle(id: string, attempt: number): Promise<void> {
    const { store, clock, metrics, trouble } = this.#deps;
    const { agentId, signal } = this.link;
    const ended = this.#inFlight.get(id);
    if (ended?.attempt !== attempt) return;
    this.#unsettled.set(id, ended);
    this.#inFlight.delete(id);
    this.#unanswered.delete(id);
    this.pump();
    // for as long as the link lasts: what is given up would hold its session, and its place among the unsettled, for ever
    while (!signal.aborted) {
      try {
        const now = await retrying(
          clock,
          signal,
          () => store.commands.get(id, 'lasting'),
          () => metrics.storeFailures.inc({ step: 'settle' }),
        );
        this.#unsettled.delete(id);
        return this.pump(now !== undefined && !isFinal(now));
      } catch (error) {
        // its session then waits for the next link, which begins with what has lasted
        if (signal.aborted) return;
        trouble.unsettled.failed({ err: error, agent: agentId, command: id });
        await pause(clock, UNSETTLED_MS, signal);
      }
    }
  }

  /** The agent has begun with it: it will say how it ends, or its connection will. */
  acked(id: string): void {
    this.#unanswered.delete(id);
  }

  /**
   * Asks the agent what became of commands that it has not answered for a while, though its connection is alive [CMD8]: by sending them
   * again, as the next attempt. It joins what runs, or repeats what came of it [CMD4]. Rejects when the store is away.
   */
  async ask(): Promise<void> {
    const { clock, metrics } = this.#deps;
    for (const [id, { at, afterMs }] of this.#unanswered) {
      const command = this.#inFlight.get(id);
      if (!this.link.open) return;
      if (at > clock.monotonic() || command === undefined) continue;
      metrics.asked.inc();
      await this.#send(command, Math.min(2 * afterMs, ASK_MS.longest));
      // final meanwhile (expired), or this connection does not hold the agent any more
      if (this.#inFlight.get(id) === command) this.forget(id);
    }
  }

  stop(): void {
    this.#retry?.cancel();
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#wanted && this.link.open) {
        this.#wanted = false;
        await this.#round();
      }
    } catch (error) {
      this.#deps.metrics.storeFailures.inc({ step: 'delivery' });
      this.#deps.trouble.undelivered.failed({ err: error, agent: this.link.agentId });
      this.#retry?.cancel();
      if (this.link.open) this.#retry = this.#deps.clock.setTimeout(() => this.pump(true), RETRY_MS);
    } finally {
      this.#running = false;
    }
  }

  get #hasRoom(): boolean {
    return this.#inFlight.size < MAX_IN_FLIGHT && this.#unsettled.size < MAX_UNSETTLED;
  }

  async #round(): Promise<void> {
    if (this.#anew) {
      this.#anew = false;
      this.#after = 0;
      this.#waiting.clear();
    }
    for (let more = true; more && this.#hasRoom && this.link.open;) {
      more = this.#waiting.size < MAX_WAITING && (await this.#read());
      // what goes out again comes before what was read behind it
      if (this.#anew) return;
      // once more: a delete goes out behind the start that it cancels, not beside it
      for (let batch = this.#sendable(); batch.length > 0; batch = this.#sendable()) {
        await Promise.all(
          batch.map(async (command) =>
            (await this.#pointless(command)) ? this.#cancel(command) : this.#send(command),
          ),
        );
        if (!this.link.open) return;
      }
    }
    // what is left is for the next result
  }

  /** Whether there may be more behind what was read. */
  async #read(): Promise<boolean> {
    // an effect of a command that the store then loses, and that nobody was told was accepted, would be nobody's
    const next = this.#deps.store.commands.next(this.link.agentId, this.#after, PAGE, 'lasting');
    const { commands, last } = await next;
    this.#after = last;
    for (const command of commands) if (!this.#inFlight.has(command.id)) this.#waiting.set(command.id, command);
    return commands.length === PAGE;
  }

  /** Takes out what can be sent now. */
  #sendable(): CommandRecord[] {
    const { clock, commandTimeoutMs } = this.#deps;
    const busy = new Set<string>();
    const uncancelled = new Set<string>();
    for (const known of [this.#inFlight, this.#unsettled]) {
      for (const { session, action } of known.values()) {
        if (session === null) continue;
        busy.add(session);
        if (known === this.#unsettled || !STARTS.has(action)) uncancelled.add(session);
      }
    }
    const sendable: CommandRecord[] = [];
    for (const command of this.#waiting.values()) {
      if (this.#inFlight.size + sendable.length >= MAX_IN_FLIGHT) break;
      // over, whoever has come to say so: another replica may have let the next of its session go out
      if (expired(command, { connected: true }, clock.now(), commandTimeoutMs)) {
        this.#waiting.delete(command.id);
        continue;
      }
      if (command.session !== null) {
        const cancels = command.action === 'delete_session' && !uncancelled.has(command.session);
        const waits = busy.has(command.session) && !cancels;
        busy.add(command.session);
        uncancelled.add(command.session);
        if (waits) continue;
      }
      sendable.push(command);
    }
    for (const { id } of sendable) this.#waiting.delete(id);
    return sendable;
  }

  async #send(command: CommandRecord, askMs = ASK_MS.first): Promise<void> {
    const { store, clock, publish, metrics } = this.#deps;
    const at = iso(clock.now());
    const sent = await store.commands.markSent(command.id, this.link.connectionId, at);
    if (sent === undefined) return; // final meanwhile, or this connection does not hold the agent any more
    this.#inFlight.set(sent.id, sent);
    this.#unanswered.set(sent.id, { at: clock.monotonic() + askMs, afterMs: askMs });
    metrics.commands.inc({ state: 'sent' });
    if (sent.attempt > 1) metrics.redeliveries.inc();
    else metrics.commandLatency.observe({ until: 'sent' }, (clock.now() - parseIso(sent.created_at)) / 1_000);
    const told = this.link.tell(this.#message(sent));
    void publish.command(sent);
    if (!told && this.link.open) await this.#undeliverable(sent);
  }

  /**
   * Whether it is a start whose session is to be deleted: an agent may have had both, and whoever leads now would start the session once more.
   * Whether one had them is not asked: that a command was sent is what a failover of the store can lose, that its session is to go is not.
   */
  async #pointless({ action, session }: CommandRecord): Promise<boolean> {
    if (!STARTS.has(action) || session === null) return false;
    const state = (await this.#deps.store.sessions.get(session))?.state;
    return state === 'deleting' || state === 'gone';
  }

  async #cancel(command: CommandRecord): Promise<void> {
    const { store, clock } = this.#deps;
    const sent = await store.commands.markSent(command.id, this.link.connectionId, iso(clock.now()));
    const error = new StreamSpaceError('command_aborted', 'The session is to be deleted').toJSON();
    if (sent !== undefined) await this.#fail(sent, error);
  }

  /** It doesn't match the wire's schema: it never will, and must not block its session for ever. */
  async #undeliverable(command: CommandRecord): Promise<void> {
    const error = { code: 'internal', message: 'the hub could not put the command into a message', retryable: false };
    await this.#fail(command, error);
  }

  async #fail(command: CommandRecord, error: NonNullable<CommandRecord['error']>): Promise<void> {
    const attempt = { number: command.attempt, connectionId: this.link.connectionId };
    const at = iso(this.#deps.clock.now());
    const failed = await this.#deps.store.commands.finish(command.id, attempt, { state: 'failed', error }, at);
    this.forget(command.id);
    if (failed !== undefined) void this.#deps.publish.command(failed.command);
  }

  #message(command: CommandRecord): HubMessage {
    const { spec, delete_home: deleteHome } = command.payload;
    return {
      type: 'command',
      id: command.id,
      attempt: command.attempt,
      action: command.action,
      ...(command.session !== null && { session_id: command.session }),
      ...(spec !== undefined && { spec: this.#signed(spec) }),
      ...(deleteHome !== undefined && { delete_home: deleteHome }),
      ...(/^[0-9a-f]{32}$/.test(command.trace_id) && { trace_id: command.trace_id }),
    };
  }

  /** As the hub's own [SES6]; not for an agent of version 2, which does not know the field [VER2]. */
  #signed(spec: SessionSpec): SessionSpec {
    if (this.link.version < 3) return spec;
    return { ...spec, proof: this.#deps.proofs.sign(provable(this.link.agentId, spec)) };
  }
}
