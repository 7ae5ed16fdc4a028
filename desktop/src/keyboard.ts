/** The meaning of a key. */
export type Typed =
  { readonly type: 'text'; readonly text: string } | { readonly type: 'backspace' | 'copy' | 'paste' | 'escape' };

const CONTROL = [0xffe3, 0xffe4];
const SUPER = [0xffe7, 0xffe8, 0xffeb, 0xffec];

/** Converts keysyms to typed text and actions; knows the held modifiers. */
export class Keyboard {
  readonly #held = new Set<number>();
  /** Name of the last pressed key, for display. */
  last = '';

  /** Undefined: the key has no effect. */
  press(down: boolean, keysym: number): Typed | undefined {
    if (CONTROL.includes(keysym) || SUPER.includes(keysym)) {
      if (down) this.#held.add(keysym);
      else this.#held.delete(keysym);
    }
    if (!down) return undefined;
    const char = character(keysym);
    const command = this.#held.size > 0;
    this.last = name(keysym, char, command) ?? this.last;
    if (command) {
      if (char?.toLowerCase() === 'c') return { type: 'copy' };
      if (char?.toLowerCase() === 'v') return { type: 'paste' };
      return undefined;
    }
    if (keysym === 0xff08) return { type: 'backspace' };
    if (keysym === 0xff1b) return { type: 'escape' };
    return char === undefined ? undefined : { type: 'text', text: char };
  }

  /** A viewer has left: no release follows for its held keys. */
  release(): void {
    this.#held.clear();
  }
}

/** The character of a keysym: Latin-1 unchanged, Unicode above 0x01000000, the keypad like the main keys. */
function character(keysym: number): string | undefined {
  if (keysym === 0xff0d || keysym === 0xff8d) return '\n';
  if (keysym === 0xff09) return '  ';
  if (keysym >= 0xffaa && keysym <= 0xffb9) return String.fromCharCode(keysym - 0xff80);
  if ((keysym >= 0x20 && keysym <= 0x7e) || (keysym >= 0xa0 && keysym <= 0xff)) return String.fromCharCode(keysym);
  if (keysym >= 0x01000100 && keysym <= 0x0110ffff) return String.fromCodePoint(keysym - 0x01000000);
  return keysym === 0x20ac ? '€' : undefined;
}

const NAMES: Readonly<Record<number, string>> = {
  0x20: 'Space',
  0xff08: 'Backspace',
  0xff09: 'Tab',
  0xff0d: 'Return',
  0xff8d: 'Return',
  0xff1b: 'Escape',
  0xff51: 'Left',
  0xff52: 'Up',
  0xff53: 'Right',
  0xff54: 'Down',
  0xffff: 'Delete',
};

function name(keysym: number, char: string | undefined, command: boolean): string | undefined {
  if (keysym >= 0xffe1 && keysym <= 0xffee) return undefined;
  const key = NAMES[keysym] ?? char ?? `0x${keysym.toString(16)}`;
  return command ? `Ctrl ${key.toUpperCase()}` : key;
}
