import { type ReadonlySignal, signal } from '@preact/signals';

/** Bytes of text that a VNC server takes: TigerVNC's default. It drops more silently. */
const MOST = 256 * 1024;
/** The browser has asked the user for permission to read the clipboard. */
const ASKED = 'streamspace.clipboard-asked';

/** The message about a text too long for a desktop; null: it is not. */
export function tooLong(text: string): string | null {
  // on the wire: UTF-8, lines ended as in Windows, and a zero at the end
  const bytes = new TextEncoder().encode(text.replaceAll(/\r?\n/g, '\r\n')).length + 1;
  if (bytes <= MOST) return null;
  return `This text has ${Math.ceil(bytes / 1024)} KiB; a desktop's clipboard takes ${MOST / 1024} KiB. Copy less of it at a time.`;
}

export interface ClipboardDeps {
  /** Undefined if the browser offers none to this page, which came over plain HTTP. */
  readonly clipboard: Clipboard | undefined;
  readonly permissions: Permissions | undefined;
  readonly storage: Storage;
  /** Sends a text; returns the reason of a failure, in words, or null. */
  send(text: string): string | null;
  refused(words: string): void;
}

/** Keeps the clipboards of this computer and of the desktop equal, as far as the browser allows. */
export class SharedClipboard {
  /** The last text copied in the desktop. */
  readonly received: ReadonlySignal<string>;
  readonly #received = signal('');
  readonly #deps: ClipboardDeps;
  /** The text in both clipboards. */
  #known: string | undefined;
  /** Copied in the desktop; the browser did not yet allow the page to write it. */
  #waiting: string | undefined;

  constructor(deps: ClipboardDeps) {
    this.#deps = deps;
    this.received = this.#received;
  }

  /** A text was copied in the desktop. */
  async copied(text: string): Promise<void> {
    this.#received.value = text;
    this.#waiting = text;
    this.#known = undefined;
    await this.#handOn();
  }

  /** The user focused the screen: returned to this window, or clicked. `clicked`: the browser may ask for permission now. */
  async turnedTo(clicked: boolean): Promise<void> {
    if (this.#waiting !== undefined) return this.#handOn();
    if (!(await this.#mayRead(clicked))) return;
    const text = await this.#deps.clipboard!.readText().catch(() => '');
    if (text !== '' && text !== this.#known) this.#report(this.send(text));
  }

  /** Sends a text to the desktop. Returns the reason of a failure, in words; null: success. */
  send(text: string): string | null {
    const refusal = tooLong(text) ?? this.#deps.send(text);
    // a too long text is refused only once
    this.#known = text;
    if (refusal === null) this.#waiting = undefined;
    return refusal;
  }

  /** The user pastes. False: the desktop does not get the text, and the user got a message. */
  pasted(text: string): boolean {
    return text === '' || this.#report(this.send(text));
  }

  /** Another desktop, with its own clipboard. */
  forget(): void {
    this.#known = this.#waiting = undefined;
  }

  async #handOn(): Promise<void> {
    const text = this.#waiting;
    if (text === undefined || text === '') return;
    try {
      await this.#deps.clipboard?.writeText(text);
    } catch {
      // not while another window has the focus, or not without a click: then with the next one
      return;
    }
    this.#known = text;
    if (this.#waiting === text) this.#waiting = undefined;
  }

  async #mayRead(clicked: boolean): Promise<boolean> {
    const { clipboard, permissions, storage } = this.#deps;
    if (!clipboard || !permissions) return false;
    // browsers without this permission ask at each reading: there the user pastes by keys, or by the panel
    const state = await permissions.query({ name: 'clipboard-read' as PermissionName }).then(
      (status) => status.state,
      () => 'denied' as const,
    );
    if (state !== 'prompt') return state === 'granted';
    if (!clicked || storage.getItem(ASKED) !== null) return false;
    storage.setItem(ASKED, 'yes');
    return true;
  }

  #report(refusal: string | null): boolean {
    if (refusal !== null) this.#deps.refused(refusal);
    return refusal === null;
  }
}
