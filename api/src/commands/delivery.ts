import { type HubMessage, type ProtocolVersion, type SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import { type Clock, coalesce, iso, type Outage, parseIso, pause, type Timer } from 'clock-port';
import type { Publisher } from '../events/publisher.ts';
import { retrying } from '../flow/retrying.ts';
import type { LinkMetrics } from '../agents/link/metrics.ts';
import { provable, type SessionProofs } from '../sessions/proof.ts';
import { type CommandRecord, isFinal, type Store } from '../store/store.ts';
import { expired } from './expiry.ts';
import { CommandWindow, isStart } from './window.ts';

/** The part of an agent's link that delivery uses. */
export interface CommandLink {
  readonly agentId: string;
  readonly connectionId: string;
  readonly version: ProtocolVersion;
  readonly open: boolean;
  readonly signal: AbortSignal;
  tell(message: HubMessage): boolean;
}

/** Operations that may fail repeatedly while the store is down. */
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
  /** Longest work of an agent on a received command, milliseconds. */
  readonly commandTimeoutMs: number;
  /** Signs the sessions that agents are told to make. */
  readonly proofs: SessionProofs;
}

/** Milliseconds without an ack after which an agent is asked about a command; doubled each time, up to the longest. */
const ASK_MS = { first: 15_000, longest: 120_000 };
/** Commands of one read of the queue. */
const PAGE = 128;
/**
 * Milliseconds until the store is asked again whether the end of a command lasts, after a long failure or one that it does not repair by
 * itself.
 */
const UNSETTLED_MS = 5_000;
/** Milliseconds until a failed read of the store is repeated. */
const RETRY_MS = 1_000;

/**
 * Delivers commands to an agent over one link, in the order of {@link CommandWindow}. A new link starts with nothing in flight, so every
 * command that is not final is sent again [CMD3]. A command that was final when the agent was claimed for the link stays final, because a claim
 * is durable, and so is every earlier write of the store.
 */
export class Delivery {
  readonly link: CommandLink;
  readonly #deps: DeliveryDeps;
  readonly #window = new CommandWindow();
  /** The place up to which the queue has been read. */
  #after = 0;
  #anew = false;
  #retry: Timer | undefined;
  readonly #look = coalesce(() => this.#tryRound());

  constructor(deps: DeliveryDeps, link: CommandLink) {
    this.#deps = deps;
    this.link = link;
  }

  get inFlight(): number {
    return this.#window.inFlight;
  }

  get unsettled(): number {
    return this.#window.unsettled;
  }

  /**
   * Sends all commands that can be sent now. Returns at once; calls during a round cause exactly one more round. Reads new commands of the
   * queue; `anew`: the whole queue, because places begin again in a store that was emptied or lost its last writes.
   */
  pump(anew = false): void {
    this.#anew ||= anew;
    void this.#look();
  }

  /** A command in flight, as it was when it was sent: `updated_at` is the time of that. */
  sent(id: string): CommandRecord | undefined {
    return this.#window.sent(id);
  }

  /** The command is over for this link: its session is free for the next one. */
  forget(id: string, attempt?: number): void {
    if (this.#window.forget(id, attempt)) this.pump();
  }

  /**
   * Called when the command's end is stored. A failover of the store might still lose that end, and the agent would execute the command once
   * more: after the session's next command, if that was sent now. So the session stays busy until the end lasts; if the end is lost, the agent
   * is asked again [CMD4].
   */
  async settle(id: string, attempt: number): Promise<void> {
    const { store, clock, metrics, trouble } = this.#deps;
    const { agentId, signal } = this.link;
    if (!this.#window.unsettle(id, attempt)) return;
    this.pump();
    // repeats as long as the link lasts: an abandoned command would hold its session, and its place among the unsettled ones, for ever
    while (!signal.aborted) {
      try {
        const now = await retrying(
          clock,
          signal,
          () => store.commands.get(id, 'lasting'),
          () => metrics.storeFailures.inc({ step: 'settle' }),
        );
        this.#window.settled(id);
        return this.pump(now !== undefined && !isFinal(now));
      } catch (error) {
        // its session then waits for the next link, which begins with the state that has lasted
        if (signal.aborted) return;
        trouble.unsettled.failed({ err: error, agent: agentId, command: id });
        await pause(clock, UNSETTLED_MS, signal);
      }
    }
  }

  /** The agent has begun the command: its result will come, or its connection will end. */
  acked(id: string): void {
    this.#window.acked(id);
  }

  /**
   * Asks the agent about commands that it has not answered for a while, although its connection is alive [CMD8]: sends them again, as the next
   * attempt. The agent joins a running command, or repeats the outcome of a finished one [CMD4]. Rejects when the store is unavailable.
   */
  async ask(): Promise<void> {
    const { clock, metrics } = this.#deps;
    for (const { command, afterMs } of this.#window.overdue(clock.monotonic())) {
      if (!this.link.open) return;
      metrics.asked.inc();
      await this.#hand(command, Math.min(2 * afterMs, ASK_MS.longest));
      // final meanwhile (expired), or this connection no longer holds the agent
      if (this.#window.sent(command.id) === command) this.forget(command.id);
    }
  }

  stop(): void {
    this.#retry?.cancel();
  }

  async #tryRound(): Promise<void> {
    try {
      if (this.link.open) await this.#round();
    } catch (error) {
      this.#deps.metrics.storeFailures.inc({ step: 'delivery' });
      this.#deps.trouble.undelivered.failed({ err: error, agent: this.link.agentId });
      this.#retry?.cancel();
      if (this.link.open) this.#retry = this.#deps.clock.setTimeout(() => this.pump(true), RETRY_MS);
    }
  }

  async #round(): Promise<void> {
    if (this.#anew) {
      this.#anew = false;
      this.#after = 0;
      this.#window.forgetWaiting();
    }
    for (let more = true; more && this.#window.hasRoom && this.link.open;) {
      more = this.#window.mayRead && (await this.#read());
      // commands to be sent again come before those read after them
      if (this.#anew) return;
      // another pass: a delete is sent after the start that it cancels, not beside it
      for (let batch = this.#sendable(); batch.length > 0; batch = this.#sendable()) {
        await Promise.all(
          batch.map(async (command) =>
            (await this.#pointless(command)) ? this.#cancel(command) : this.#hand(command),
          ),
        );
        if (!this.link.open) return;
      }
    }
    // the next result continues with the remaining commands
  }

  /** Returns whether the queue may have more commands. */
  async #read(): Promise<boolean> {
    // only commands that last: the store could lose a command that it never confirmed, and the command's effect would then belong to nobody
    const next = this.#deps.store.commands.next(this.link.agentId, this.#after, PAGE, 'lasting');
    const { commands, last } = await next;
    this.#after = last;
    this.#window.add(commands);
    return commands.length === PAGE;
  }

  #sendable(): CommandRecord[] {
    const { clock, commandTimeoutMs } = this.#deps;
    return this.#window.take((command) => expired(command, { connected: true }, clock.now(), commandTimeoutMs));
  }

  async #hand(command: CommandRecord, askMs = ASK_MS.first): Promise<void> {
    const { store, clock, publish, metrics } = this.#deps;
    const at = iso(clock.now());
    const sent = await store.commands.markSent(command.id, this.link.connectionId, at);
    if (sent === undefined) return; // final meanwhile, or this connection no longer holds the agent
    this.#window.sending(sent, clock.monotonic() + askMs, askMs);
    metrics.commands.inc({ state: 'sent' });
    if (sent.attempt > 1) metrics.redeliveries.inc();
    else metrics.commandLatency.observe({ until: 'sent' }, (clock.now() - parseIso(sent.created_at)) / 1_000);
    const told = this.link.tell(this.#message(sent));
    void publish.command(sent);
    if (!told && this.link.open) await this.#undeliverable(sent);
  }

  /**
   * Whether the command starts a session that is to be deleted: the agent may have received both commands, and a new leader would start the
   * session once more. This does not depend on whether the delete was sent: a failover of the store can lose that fact, but not the session's
   * state.
   */
  async #pointless({ action, session }: CommandRecord): Promise<boolean> {
    if (!isStart(action) || session === null) return false;
    const state = (await this.#deps.store.sessions.get(session))?.state;
    return state === 'deleting' || state === 'gone';
  }

  async #cancel(command: CommandRecord): Promise<void> {
    const { store, clock } = this.#deps;
    const sent = await store.commands.markSent(command.id, this.link.connectionId, iso(clock.now()));
    const error = new StreamSpaceError('command_aborted', 'The session is to be deleted').toJSON();
    if (sent !== undefined) await this.#fail(sent, error);
  }

  /** A command that does not match the wire's schema never will, and must not block its session for ever. */
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

  /** The spec signed as the hub's own [SES6]; unsigned for an agent of version 2, which does not know the field [VER2]. */
  #signed(spec: SessionSpec): SessionSpec {
    if (this.link.version < 3) return spec;
    return { ...spec, proof: this.#deps.proofs.sign(provable(this.link.agentId, spec)) };
  }
}
