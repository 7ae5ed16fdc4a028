import { whenAborted } from 'clock-port/waiting';
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { systemClock } from 'clock-port/system-clock';
import type { Ticket } from '@streamspace/protocol';
import { RestError } from '../api/http.ts';
import { DEFAULT_SETTINGS, type ScreenSettings } from '../state/screen-settings.ts';
import { SCREEN_SUBPROTOCOL, VIEWER_SUBPROTOCOL } from '@streamspace/protocol/version';
import { ScreenConnection, type End } from './connection.ts';
import type { TicketAndTime } from './first-ticket.ts';
import { OpeningTime } from './opening.ts';
import { Kick } from './kick.ts';
import type { Key } from './keys.ts';
import { PanAndZoom } from './pan-and-zoom.ts';
import type { ScreenPhase } from './phase.ts';
import { ASKED_FOR, NOBODY_TOOK_IT, NoSocket, Patience, type Verdict, verdictOfRefusal } from './reconnect.ts';
import { SizeControl } from './size-control.ts';
import { TextEntry } from './text-entry.ts';
import { Tickets } from './tickets.ts';
import { Typist } from './typist.ts';

export interface ScreenDeps {
  /** Parent element of noVNC's canvas. */
  holder: HTMLElement;
  ticket(signal: AbortSignal): Promise<Ticket>;
  /** Rejects with the hub's knowledge of a ticket whose WebSocket did not open. */
  whyNoSocket(ticket: string, signal: AbortSignal): Promise<never>;
  webSocketUrl(path: string): string;
  /** Text that was copied in the desktop. */
  onClipboard(text: string): void;
  /** The user pastes a text by keys; false: the desktop does not have it, and must not paste. */
  onPaste(text: string): boolean;
  /** The screen is back; `keys` were typed meanwhile and lost. */
  onLostKeys(keys: number): void;
  /** The connection is over; the canvas still has the last picture. */
  onLastPicture(canvas: HTMLCanvasElement): void;
}

/** A hub that lost its store learns its sessions again from their agents: a session that is gone may return. Milliseconds. */
const GONE_MS = 10_000;
/** Longest wait, in milliseconds, for the hub's reason why a socket did not open; the next attempt waits for it. */
const WHY_MS = 2_000;

/** One session's screen, kept connected with unmodified noVNC. A fresh ticket after every accepted attempt (SPEC.md [VIEW2], [STR8]). */
export class ScreenLink {
  readonly phase: ReadonlySignal<ScreenPhase>;
  /** Milliseconds to the hub and back; null: not known yet. */
  readonly roundTripMs: ReadonlySignal<number | null>;
  /** Keys typed while the screen was away. */
  readonly lostKeys: ReadonlySignal<number>;
  /** Presses keys for the user. */
  readonly typist: Typist;
  readonly size: SizeControl;
  readonly #phase = signal<ScreenPhase>({ kind: 'connecting' });
  readonly #deps: ScreenDeps;
  readonly #entry: TextEntry;
  readonly #panAndZoom: PanAndZoom;
  readonly #patience = new Patience();
  readonly #openingTime = new OpeningTime();
  readonly #tickets: Tickets;
  readonly #noSocket = new NoSocket();
  readonly #roundTripMs = signal<number | null>(null);
  readonly #lost = signal(0);
  /** Keys that the silent connection may have lost. */
  readonly #doubtful = signal(0);
  /** Identifies this viewer across its connections [VIEW5]. */
  readonly #name = randomName();
  #connection: ScreenConnection | null = null;
  #settings = DEFAULT_SETTINGS;
  readonly #kick = new Kick();

  constructor(deps: ScreenDeps) {
    this.#deps = deps;
    this.phase = this.#phase;
    this.roundTripMs = this.#roundTripMs;
    this.lostKeys = computed(() => this.#lost.value + this.#doubtful.value);
    const answered = (error: unknown) => error instanceof RestError && error.status !== 0;
    this.#tickets = new Tickets(systemClock, (asking) => deps.ticket(asking), answered);
    const send = ({ keysym, code }: Key, down: boolean) => this.#connection?.rfb.sendKey(keysym, code, down);
    this.typist = new Typist(send, () => this.typed());
    const canvas = () => this.#connection?.canvas;
    this.#entry = new TextEntry({
      holder: deps.holder,
      typist: this.typist,
      canvas,
      onPaste: (text) => deps.onPaste(text),
    });
    this.#panAndZoom = new PanAndZoom(deps.holder);
    this.size = new SizeControl({
      holder: deps.holder,
      say: (text) => this.#connection?.say(text),
      changed: () => this.#dress(),
    });
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(aborted: AbortSignal): Promise<void> {
    await this.#run(aborted);
    this.#entry.remove();
    this.#panAndZoom.remove();
    this.size.remove();
  }

  async #run(aborted: AbortSignal): Promise<void> {
    while (!aborted.aborted) {
      this.#kick.forget();
      const { verdict, upMs } = await this.#attempt(aborted);
      if (aborted.aborted) return;
      if (verdict.next === 'gone') {
        this.#phase.value = { kind: 'gone' };
        await this.#kick.wait(GONE_MS, aborted);
        continue;
      }
      if (verdict.next === 'stop') {
        this.#phase.value = { kind: 'stopped', words: verdict.words };
        await this.#kick.wait(Infinity, aborted);
        this.#patience.reset();
        this.#phase.value = { kind: 'connecting' };
        continue;
      }
      const wait = this.#patience.next(upMs, Math.random());
      this.#phase.value = {
        kind: 'reconnecting',
        words: verdict.words,
        title: verdict.title,
        attempt: this.#patience.attempt,
      };
      const atOnce = verdict.atOnce === 'always' || (verdict.atOnce === 'once' && this.#patience.attempt === 1);
      if (!atOnce) await this.#kick.wait(wait, aborted);
    }
  }

  /** Try now: the agent is back, or the user asks for it. */
  kick(): void {
    this.#kick.give();
  }

  /** Drops the connection and makes a new one. */
  reconnect(): void {
    this.#patience.reset();
    this.#openingTime.reset();
    this.kick();
    this.#connection?.drop(ASKED_FOR);
  }

  set settings(settings: ScreenSettings) {
    this.#settings = settings;
    this.size.wanted = settings.scaling === 'match' && !settings.viewOnly;
    this.#dress();
  }

  focus(): void {
    this.#entry.focus();
  }

  blur(): void {
    this.#entry.blur();
  }

  /** Shows or hides a phone's keyboard; in a click's handler. */
  set keyboardShown(shown: boolean) {
    this.#entry.keyboardShown = shown;
    this.size.paused = shown;
  }

  /** A key was pressed on the screen, or where it was. */
  typed(): void {
    if (this.#settings.viewOnly) return;
    // between connections, and while held back, keys are lost
    if (this.#phase.value.kind === 'connected') this.#connection?.typed();
    else this.#lost.value += 1;
  }

  /** Keys, clicks and the clipboard go to the desktop now. */
  get takesKeys(): boolean {
    return this.#phase.peek().kind === 'connected' && !this.#settings.viewOnly;
  }

  /** Gives the desktop a text for its clipboard; false: not now. */
  paste(text: string): boolean {
    if (this.takesKeys) this.#connection?.rfb.clipboardPasteFrom(text);
    return this.takesKeys;
  }

  /** The screen takes keys again. */
  #back(): void {
    if (this.#lost.value > 0) this.#deps.onLostKeys(this.#lost.value);
    this.#lost.value = 0;
  }

  #dress(): void {
    const rfb = this.#connection?.rfb;
    if (!rfb) return;
    rfb.scaleViewport = true;
    this.#panAndZoom.scaling = this.#settings.scaling;
    rfb.qualityLevel = this.#settings.quality;
    rfb.compressionLevel = this.#settings.compression;
    rfb.resizeSession = this.size.resizes;
    rfb.viewOnly = this.#settings.viewOnly || this.#phase.value.kind === 'silent';
  }

  async #attempt(aborted: AbortSignal): Promise<{ verdict: Verdict; upMs: number }> {
    let given: TicketAndTime;
    try {
      given = await this.#tickets.next(aborted);
    } catch (error) {
      return { verdict: verdictOfRefusal(error), upMs: 0 };
    }
    if (aborted.aborted) return { verdict: { next: 'gone' }, upMs: 0 };
    const url = this.#deps.webSocketUrl(`${given.ticket.url}&viewer=${this.#name}&${this.size.begin()}`);
    const socket = new WebSocket(url, [SCREEN_SUBPROTOCOL, VIEWER_SUBPROTOCOL]);
    const { verdict, upMs, opened } = await this.#show(socket, this.#openingTime.next(given.tookMs), aborted);
    if (opened) this.#noSocket.reset();
    if (opened || verdict.next !== 'retry' || verdict.atOnce !== undefined) return { verdict, upMs };
    const limit = AbortSignal.any([aborted, AbortSignal.timeout(WHY_MS)]);
    const said = await this.#deps.whyNoSocket(given.ticket.ticket, limit).catch((error: unknown) => error);
    return { verdict: this.#noSocket.verdict(said) ?? verdict, upMs };
  }

  /** Shows the screen until its connection ends; `openingMs`: longest time for its opening. */
  async #show(socket: WebSocket, openingMs: number, aborted: AbortSignal): Promise<Omit<End, 'lost'>> {
    const connection = new ScreenConnection({
      holder: this.#deps.holder,
      socket,
      openingMs,
      onOpen: () => this.#openingTime.reset(),
      onConnected: () => {
        this.#phase.value = { kind: 'connected' };
        this.#back();
        this.focus();
      },
      onClipboard: (text) => this.#deps.onClipboard(text),
      onLastPicture: (canvas) => this.#deps.onLastPicture(canvas),
      onSilence: (silent) => {
        if (this.#phase.value.kind === (silent ? 'connected' : 'silent'))
          this.#phase.value = { kind: silent ? 'silent' : 'connected' };
        this.#doubtful.value = silent ? connection.unconfirmed : 0;
        this.#dress();
        if (!silent) this.#back();
      },
      onText: (text) => this.size.heard(text),
      onRoundTrip: (ms) => (this.#roundTripMs.value = ms),
    });
    const forget = whenAborted(aborted, () => connection.drop({ next: 'gone' }));
    this.#connection = connection;
    connection.rfb.background = 'transparent';
    connection.rfb.focusOnClick = false;
    this.#panAndZoom.show(connection.room);
    this.#dress();
    const { verdict, upMs, opened, lost } = await connection.ended;
    forget();
    this.#connection = null;
    // held keys end with the connection
    this.typist.releaseAll();
    this.#doubtful.value = 0;
    this.#lost.value += lost;
    if (verdict === NOBODY_TOOK_IT) this.#tickets.notTaken();
    return { verdict, upMs, opened };
  }
}

/** Not `randomUUID`: pages that came over plain HTTP have none. */
const randomName = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(36).padStart(2, '0')).join('');
