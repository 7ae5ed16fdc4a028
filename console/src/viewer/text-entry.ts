import { SPECIAL_KEYS } from './keys.ts';
import type { Typist } from './typist.ts';

/** Milliseconds within which a browser delivers the pasted text after the paste keys. */
const PASTE_MS = 100;
/** Longest text, in characters, that is typed if it is pasted without keys, as on phones. */
const MOST_TYPED = 2_000;
/** Content of the field: something that an on-screen keyboard can delete. */
const FILLER = '\u200b'.repeat(4);

export interface TextEntryDeps {
  readonly holder: HTMLElement;
  readonly typist: Typist;
  /** The element on which noVNC listens to the keyboard; undefined while the screen is away. */
  canvas(): HTMLCanvasElement | undefined;
  /** The user pastes by keys, which are passed on to the desktop if this returns true. */
  onPaste(text: string): boolean;
}

/**
 * The element with the focus while the screen is used. A canvas gets only keys; this field also gets text from input methods, emoji pickers, dictation and on-screen
 * keyboards. Keys go on to noVNC unchanged.
 */
export class TextEntry {
  readonly #deps: TextEntryDeps;
  readonly #field = document.createElement('textarea');
  readonly #over = new AbortController();
  readonly #down = new Map<string, KeyboardEvent>();
  /** The paste key: it is passed on after the pasted text. */
  #pasting: KeyboardEvent | undefined;
  /** The sent part of the current composition; undefined: there is none. */
  #composed: string | undefined;

  constructor(deps: TextEntryDeps) {
    this.#deps = deps;
    const field = this.#field;
    field.className = 'viewer-entry';
    field.dataset.testid = 'viewer-entry';
    field.inputMode = 'none';
    field.autocapitalize = 'off';
    field.autocomplete = 'off';
    field.spellcheck = false;
    field.setAttribute('autocorrect', 'off');
    field.setAttribute('aria-label', deps.holder.getAttribute('aria-label') ?? 'Keyboard of the screen');
    this.#clear();
    deps.holder.prepend(field);
    const { signal } = this.#over;
    const on = <K extends keyof HTMLElementEventMap>(kind: K, listener: (event: HTMLElementEventMap[K]) => void) =>
      field.addEventListener(kind, listener, { signal });
    on('keydown', (event) => this.#keyDown(event));
    on('keyup', (event) => this.#keyUp(event));
    on('blur', () => this.#blurred());
    on('paste', (event) => this.#paste(event));
    on('beforeinput', (event) => this.#input(event as InputEvent));
    on('input', () => this.#clear());
    on('compositionstart', () => this.#compose(''));
    on('compositionupdate', ({ data }) => isLive(data) && this.#compose(data));
    on('compositionend', ({ data }) => {
      this.#compose(data);
      this.#composed = undefined;
      field.classList.remove('composing');
      this.#clear();
    });
    // noVNC suppresses the event that would set the focus
    const take = (event: MouseEvent | TouchEvent) => {
      const { clientX, clientY } = 'touches' in event ? event.touches[0]! : event;
      this.#place(clientX, clientY);
      this.focus();
    };
    deps.holder.addEventListener('mousedown', take, { capture: true, signal });
    deps.holder.addEventListener('touchstart', take, { capture: true, passive: true, signal });
  }

  focus(): void {
    this.#field.focus({ preventScroll: true });
  }

  blur(): void {
    this.#field.blur();
  }

  /** Shows or hides the on-screen keyboard of a phone. Call it in a click's handler: browsers require that. */
  set keyboardShown(shown: boolean) {
    this.#field.blur();
    this.#field.inputMode = shown ? 'text' : 'none';
    this.focus();
  }

  remove(): void {
    this.#over.abort();
    this.#field.remove();
  }

  #keyDown(event: KeyboardEvent): void {
    // the result of an input method or an on-screen keyboard arrives as text
    if (event.isComposing || event.key === 'Process' || event.key === 'Unidentified') return;
    this.#passPasting();
    this.#down.set(event.code, event);
    if (!isPaste(event)) return this.#pass(event);
    event.stopPropagation();
    this.#pasting = event;
    setTimeout(() => this.#pasting === event && this.#passPasting(), PASTE_MS);
  }

  #keyUp(event: KeyboardEvent): void {
    if (!this.#down.delete(event.code)) return;
    this.#passPasting();
    this.#pass(event);
    if (!['Control', 'Alt', 'AltGraph', 'Shift', 'Meta'].includes(event.key)) this.#deps.typist.releaseAll();
  }

  /** Keys that are down when the focus is lost would stay down, because their release is not seen. */
  #blurred(): void {
    for (const event of this.#down.values()) this.#deps.canvas()?.dispatchEvent(copyOf(event, 'keyup'));
    this.#down.clear();
  }

  #pass(event: KeyboardEvent): void {
    event.preventDefault();
    event.stopPropagation();
    this.#deps.canvas()?.dispatchEvent(copyOf(event, event.type));
  }

  #passPasting(): void {
    const event = this.#pasting;
    this.#pasting = undefined;
    if (event) this.#deps.canvas()?.dispatchEvent(copyOf(event, 'keydown'));
  }

  #paste(event: ClipboardEvent): void {
    event.preventDefault();
    const text = event.clipboardData?.getData('text/plain') ?? '';
    const byKeys = this.#pasting !== undefined;
    if (!byKeys && text.length <= MOST_TYPED) return this.#deps.typist.write(text);
    if (!this.#deps.onPaste(text)) this.#pasting = undefined;
    this.#passPasting();
  }

  #input(event: InputEvent): void {
    if (event.isComposing || this.#composed !== undefined) return;
    const { typist } = this.#deps;
    const { inputType, data } = event;
    if (inputType === 'insertLineBreak' || inputType === 'insertParagraph') typist.press(SPECIAL_KEYS.enter);
    else if (inputType.startsWith('insert')) typist.write(data ?? event.dataTransfer?.getData('text/plain') ?? '');
    else if (inputType.endsWith('Forward')) typist.press(SPECIAL_KEYS.delete);
    else if (inputType.startsWith('delete')) typist.press(SPECIAL_KEYS.backspace);
    event.preventDefault();
  }

  #compose(text: string): void {
    if (this.#composed === undefined) this.#field.classList.add('composing');
    this.#deps.typist.write(text, this.#composed);
    this.#composed = text;
  }

  #clear(): void {
    if (this.#composed !== undefined) return;
    this.#field.value = FILLER;
    this.#field.setSelectionRange(FILLER.length, FILLER.length);
  }

  /** Input methods show their suggestions beside the field. */
  #place(clientX: number, clientY: number): void {
    const { left, top } = this.#deps.holder.getBoundingClientRect();
    this.#field.style.translate = `${Math.round(clientX - left)}px ${Math.round(clientY - top)}px`;
  }
}

/** On-screen keyboards compose every word: letters are sent immediately. Other scripts are sent when the composition ends. */
const isLive = (text: string): boolean => matchMedia('(pointer: coarse)').matches && /^[\u0020-\u024f]*$/.test(text);

const isPaste = ({ code, key, ctrlKey, metaKey, shiftKey, altKey }: KeyboardEvent): boolean =>
  !altKey && (ctrlKey || metaKey ? key.toLowerCase() === 'v' : shiftKey && code === 'Insert');

const copyOf = (event: KeyboardEvent, kind: string): KeyboardEvent =>
  new KeyboardEvent(kind, {
    key: event.key,
    code: event.code,
    location: event.location,
    repeat: event.repeat,
    ctrlKey: event.ctrlKey,
    shiftKey: event.shiftKey,
    altKey: event.altKey,
    metaKey: event.metaKey,
    modifierAltGraph: event.getModifierState('AltGraph'),
    modifierCapsLock: event.getModifierState('CapsLock'),
    modifierNumLock: event.getModifierState('NumLock'),
    cancelable: true,
  });
