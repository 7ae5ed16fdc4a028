import { type ReadonlySignal, signal } from '@preact/signals';
import RFB from '@novnc/novnc';
import { systemClock } from 'clock-port/system-clock';
import type { Ticket } from '@streamspace/protocol';
import { pause } from '../api/backoff.ts';
import { ApiError } from '../api/http.ts';
import type { TicketAndTime } from './first-ticket.ts';
import { OpeningTime } from './opening.ts';
import type { Phase, Scaling } from './phase.ts';
import { NOBODY_TOOK_IT, Patience, type Verdict, verdictOfClose, verdictOfRefusal } from './reconnect.ts';
import { Tickets } from './tickets.ts';

export interface ScreenDeps {
  /** Where noVNC puts its canvas. */
  holder: HTMLElement;
  ticket(signal: AbortSignal): Promise<Ticket>;
  webSocketUrl(path: string): string;
  /** Text that was copied in the desktop. */
  onClipboard(text: string): void;
  /** The connection is over; the canvas still has the last picture. */
  onLastPicture(canvas: HTMLCanvasElement): void;
}

/** A hub that lost its store learns its sessions again from their agents: what is gone may come back. Milliseconds. */
const GONE_MS = 10_000;
/** Milliseconds from the ticket to the first picture before an attempt is given up. */
const CONNECT_MS = 15_000;

/** One session's screen, kept connected with stock noVNC. A fresh ticket for every attempt that somebody took (SPEC.md [VIEW2], [STR8]). */
export class ScreenLink {
  readonly phase: ReadonlySignal<Phase>;
  readonly #phase = signal<Phase>({ kind: 'connecting' });
  readonly #deps: ScreenDeps;
  readonly #patience = new Patience();
  readonly #openingTime = new OpeningTime();
  readonly #tickets: Tickets;
  #rfb: RFB | null = null;
  #scaling: Scaling = 'fit';
  #viewOnly = false;
  /** Ends the wait between two attempts, if there is one; remembered while an attempt is under way. */
  #kicked = false;
  #wakeUp: (() => void) | null = null;

  constructor(deps: ScreenDeps) {
    this.#deps = deps;
    this.phase = this.#phase;
    const answered = (error: unknown) => error instanceof ApiError && error.status !== 0;
    this.#tickets = new Tickets(systemClock, (asking) => deps.ticket(asking), answered);
  }

  /** Until the signal aborts. Never rejects. */
  async run(aborted: AbortSignal): Promise<void> {
    while (!aborted.aborted) {
      this.#kicked = false;
      const { verdict, upMs } = await this.#attempt(aborted);
      if (aborted.aborted) return;
      if (verdict.next === 'gone') {
        this.#phase.value = { kind: 'gone' };
        await this.#waitForKick(GONE_MS, aborted);
        continue;
      }
      if (verdict.next === 'stop') {
        this.#phase.value = { kind: 'stopped', words: verdict.words };
        await this.#waitForKick(Infinity, aborted);
        this.#patience.reset();
        this.#phase.value = { kind: 'connecting' };
        continue;
      }
      const wait = this.#patience.next(upMs, Math.random());
      this.#phase.value = { kind: 'reconnecting', words: verdict.words, attempt: this.#patience.attempt };
      const atOnce = verdict.atOnce === 'always' || (verdict.atOnce === 'once' && this.#patience.attempt === 1);
      if (!atOnce) await this.#waitForKick(wait, aborted);
    }
  }

  /** Try now: the agent is back, or the user asks for it. */
  kick(): void {
    this.#kicked = true;
    this.#wakeUp?.();
  }

  /** Drops the connection and makes a new one. */
  reconnect(): void {
    this.#patience.reset();
    this.#openingTime.reset();
    this.kick();
    this.#rfb?.disconnect();
  }

  set scaling(scaling: Scaling) {
    this.#scaling = scaling;
    this.#dress();
  }

  set viewOnly(viewOnly: boolean) {
    this.#viewOnly = viewOnly;
    this.#dress();
  }

  focus(): void {
    this.#rfb?.focus({ preventScroll: true });
  }

  blur(): void {
    this.#rfb?.blur();
  }

  sendCtrlAltDel(): void {
    this.#rfb?.sendCtrlAltDel();
  }

  paste(text: string): void {
    this.#rfb?.clipboardPasteFrom(text);
  }

  #dress(): void {
    const rfb = this.#rfb;
    if (!rfb) return;
    rfb.scaleViewport = this.#scaling !== 'actual';
    rfb.resizeSession = this.#scaling === 'match';
    rfb.viewOnly = this.#viewOnly;
  }

  async #attempt(aborted: AbortSignal): Promise<{ verdict: Verdict; upMs: number }> {
    let given: TicketAndTime;
    try {
      given = await this.#tickets.next(aborted);
    } catch (error) {
      return { verdict: verdictOfRefusal(error), upMs: 0 };
    }
    if (aborted.aborted) return { verdict: { next: 'gone' }, upMs: 0 };
    const socket = new WebSocket(this.#deps.webSocketUrl(given.ticket.url), ['binary']);
    return this.#show(socket, this.#openingTime.next(given.tookMs), aborted);
  }

  /** Shows the screen until its connection ends; `openingMs`: how long it may take to open. */
  #show(socket: WebSocket, openingMs: number, aborted: AbortSignal): Promise<{ verdict: Verdict; upMs: number }> {
    return new Promise((resolve) => {
      let closed = { code: 1006, reason: '' };
      let connectedAt: number | undefined;
      let refusal: string | undefined;
      let late = false;
      // Before noVNC's own listener, which takes the canvas away.
      socket.addEventListener('close', ({ code, reason }) => {
        closed = { code, reason };
        if (connectedAt !== undefined && canvas) this.#deps.onLastPicture(canvas);
      });
      const rfb = new RFB(this.#deps.holder, socket, { shared: true });
      const canvas = this.#deps.holder.querySelector('canvas');
      const disconnect = () => rfb.disconnect();
      const timer = setTimeout(disconnect, CONNECT_MS);
      const opening = setTimeout(() => {
        late = true;
        disconnect();
      }, openingMs);
      socket.addEventListener('open', () => {
        this.#openingTime.reset();
        clearTimeout(opening);
      });
      aborted.addEventListener('abort', disconnect, { once: true });

      rfb.addEventListener('connect', () => {
        clearTimeout(timer);
        connectedAt = performance.now();
        this.#phase.value = { kind: 'connected' };
        this.focus();
      });
      rfb.addEventListener('clipboard', (event) => this.#deps.onClipboard(event.detail.text));
      rfb.addEventListener('securityfailure', (event) => {
        refusal = `The desktop refused the connection: ${event.detail.reason ?? `security status ${event.detail.status}`}`;
      });
      rfb.addEventListener('credentialsrequired', () => {
        refusal = 'The desktop asks for a password of its own; sessions of StreamSpace have none.';
        rfb.disconnect();
      });
      rfb.addEventListener('disconnect', () => {
        clearTimeout(timer);
        clearTimeout(opening);
        aborted.removeEventListener('abort', disconnect);
        this.#rfb = null;
        const upMs = connectedAt === undefined ? 0 : performance.now() - connectedAt;
        let verdict: Verdict = verdictOfClose(closed.code, closed.reason, connectedAt !== undefined);
        if (late) {
          verdict = NOBODY_TOOK_IT;
          this.#tickets.notTaken();
        }
        if (refusal !== undefined) verdict = { next: 'stop', words: refusal };
        resolve({ verdict, upMs });
      });
      this.#rfb = rfb;
      rfb.background = 'transparent';
      this.#dress();
    });
  }

  async #waitForKick(ms: number, aborted: AbortSignal): Promise<void> {
    if (this.#kicked) return;
    const kick = new AbortController();
    this.#wakeUp = () => kick.abort();
    await pause(Math.min(ms, 2 ** 31 - 1), AbortSignal.any([aborted, kick.signal]));
    this.#wakeUp = null;
  }
}
