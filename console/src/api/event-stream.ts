/** One message of a server-sent stream. */
export interface StreamMessage {
  /** `message` where the stream names none. */
  event: string;
  data: string;
  /** The last id that the stream gave, or empty. */
  id: string;
}

/** A line longer than this (characters) is no event of ours: the stream is given up. */
const MAX_BUFFER = 4 * 1024 * 1024;

/** `text/event-stream`, fed with whatever pieces the network delivers. */
export class EventStreamParser {
  #rest = '';
  #data: string[] = [];
  #event = '';
  #id = '';
  #size = 0;
  #started = false;

  /** The messages that `text` completes. Throws when a message grows without end. */
  push(text: string): StreamMessage[] {
    if (!this.#started && text !== '') {
      this.#started = true;
      if (text.startsWith('\u{feff}')) text = text.slice(1);
    }
    const found: StreamMessage[] = [];
    let buffer = this.#rest + text;
    for (;;) {
      const end = buffer.search(/[\r\n]/);
      // A CR at the very end may be the first half of a CR LF.
      if (end < 0 || (buffer[end] === '\r' && end === buffer.length - 1)) break;
      const line = buffer.slice(0, end);
      buffer = buffer.slice(end + (buffer.startsWith('\r\n', end) ? 2 : 1));
      const message = this.#line(line);
      if (message) found.push(message);
    }
    this.#rest = buffer;
    if (this.#rest.length + this.#size > MAX_BUFFER) throw new Error('An event of the stream is too large');
    return found;
  }

  #line(line: string): StreamMessage | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return undefined;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') {
      this.#data.push(value);
      this.#size += value.length;
    } else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    return undefined;
  }

  #dispatch(): StreamMessage | undefined {
    const message = { event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id };
    const empty = this.#data.length === 0;
    this.#data = [];
    this.#event = '';
    this.#size = 0;
    return empty ? undefined : message;
  }
}
