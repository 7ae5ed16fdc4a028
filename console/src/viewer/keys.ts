/** A key for a desktop: X11's keysym, and the position on a keyboard, which noVNC sends with it if the server supports that. */
export interface Key {
  readonly keysym: number;
  /** `KeyboardEvent.code`; null: there is no such key. */
  readonly code: string | null;
}

export const MODIFIERS = {
  ctrl: { keysym: 0xffe3, code: 'ControlLeft' },
  alt: { keysym: 0xffe9, code: 'AltLeft' },
  super: { keysym: 0xffeb, code: 'MetaLeft' },
} as const satisfies Record<string, Key>;
export type Modifier = keyof typeof MODIFIERS;

export const SPECIAL_KEYS = {
  escape: { keysym: 0xff1b, code: 'Escape' },
  tab: { keysym: 0xff09, code: 'Tab' },
  enter: { keysym: 0xff0d, code: 'Enter' },
  backspace: { keysym: 0xff08, code: 'Backspace' },
  delete: { keysym: 0xffff, code: 'Delete' },
  left: { keysym: 0xff51, code: 'ArrowLeft' },
  up: { keysym: 0xff52, code: 'ArrowUp' },
  right: { keysym: 0xff53, code: 'ArrowRight' },
  down: { keysym: 0xff54, code: 'ArrowDown' },
} as const satisfies Record<string, Key>;

/** F1 to F12. */
export const functionKey = (number: number): Key => ({ keysym: 0xffbd + number, code: `F${number}` });

/** The key that writes a character (one code point). Latin-1 has keysyms of its own, all others are Unicode's number and a bit. */
export function keyOf(character: string): Key {
  if (character === '\n' || character === '\r') return SPECIAL_KEYS.enter;
  if (character === '\t') return SPECIAL_KEYS.tab;
  const point = character.codePointAt(0)!;
  const latin = (point >= 0x20 && point <= 0x7e) || (point >= 0xa0 && point <= 0xff);
  return { keysym: latin ? point : 0x1000000 + point, code: null };
}
