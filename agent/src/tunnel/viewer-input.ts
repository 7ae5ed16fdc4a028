const VERSION_BYTES = 12;
/** Longest part of a message that determines its length and meaning: the head of a clipboard text. */
const HEAD_BYTES = 9;
const NONE = 1;
const VNC_AUTHENTICATION = 2;
const CHALLENGE_BYTES = 16;
const CLIENT_INIT_BYTES = 1;

/** Types of RFB's client messages, the usual extensions included. */
const SET_PIXEL_FORMAT = 0;
const SET_ENCODINGS = 2;
const UPDATE_REQUEST = 3;
const KEY = 4;
const POINTER = 5;
const CUT_TEXT = 6;
const CONTINUOUS_UPDATES = 150;
const FENCE = 248;
const XVP = 250;
const DESKTOP_SIZE = 251;
const QEMU = 255;

/**
 * Distinguishes a person's actions from a viewer program's own messages: keys and the pointer from requests for updates. Parses the viewer's
 * half of RFB 3.7 and 3.8 as it passes, in pieces of any size, and stores none of it. A stream that it can't parse (another version, encrypted,
 * an unknown message) counts as input as a whole, so that no session in use is ended as idle.
 */
export class ViewerInput {
  #phase: 'version' | 'security' | 'messages' | 'opaque' = 'version';
  readonly #head = Buffer.alloc(VERSION_BYTES);
  #have = 0;
  /** Remaining irrelevant bytes of the current message. */
  #skip = 0;

  /** Whether these bytes contain keyboard or pointer input. */
  sees(chunk: Buffer): boolean {
    let input = false;
    let at = 0;
    while (at < chunk.length) {
      if (this.#phase === 'opaque') return true;
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - at);
        this.#skip -= passed;
        at += passed;
        continue;
      }
      this.#head[this.#have++] = chunk[at++]!;
      if (this.#step()) input = true;
    }
    return input;
  }

  /** One more byte of a head; whether it shows input. */
  #step(): boolean {
    switch (this.#phase) {
      case 'version':
        if (this.#have === VERSION_BYTES) {
          const readable = /^RFB 003\.00[78]\n$/.test(this.#head.toString('latin1'));
          this.#begin(readable ? 'security' : 'opaque');
        }
        return false;
      case 'security': {
        const type = this.#head[0];
        const silent = type === NONE ? 0 : type === VNC_AUTHENTICATION ? CHALLENGE_BYTES : undefined;
        this.#begin(silent === undefined ? 'opaque' : 'messages', (silent ?? 0) + CLIENT_INIT_BYTES);
        return false;
      }
      default:
        return this.#message();
    }
  }

  #message(): boolean {
    const head = this.#head;
    const size = sizeOf(head, this.#have);
    if (size === 'more') return false;
    if (size === 'unknown') {
      this.#begin('opaque');
      return true;
    }
    const input = head[0] === KEY || head[0] === POINTER || (head[0] === QEMU && head[1] === 0);
    this.#begin('messages', size - this.#have);
    return input;
  }

  #begin(phase: 'security' | 'messages' | 'opaque', skip = 0): void {
    this.#phase = phase;
    this.#have = 0;
    this.#skip = skip;
  }
}

/** Bytes of a message that begins with the `have` first of `head`. */
function sizeOf(head: Buffer, have: number): number | 'more' | 'unknown' {
  const seen = (bytes: number, size: () => number): number | 'more' => (have < bytes ? 'more' : size());
  switch (head[0]) {
    case SET_PIXEL_FORMAT:
      return 20;
    case SET_ENCODINGS:
      return seen(4, () => 4 + 4 * head.readUInt16BE(2));
    case UPDATE_REQUEST:
      return 10;
    case KEY:
      return 8;
    case POINTER:
      return 6;
    case CUT_TEXT:
      // negative: the extended clipboard's length, as an absolute value
      return seen(8, () => 8 + Math.abs(head.readInt32BE(4)));
    case CONTINUOUS_UPDATES:
      return 10;
    case FENCE:
      return seen(HEAD_BYTES, () => HEAD_BYTES + head[8]!);
    case XVP:
      return 4;
    case DESKTOP_SIZE:
      return seen(7, () => 8 + 16 * head[6]!);
    case QEMU:
      if (have < 2) return 'more';
      if (head[1] === 0) return 12;
      // audio: on, off, or its format
      return head[1] === 1 ? seen(4, () => (head.readUInt16BE(2) === 2 ? 10 : 4)) : 'unknown';
    default:
      return 'unknown';
  }
}
