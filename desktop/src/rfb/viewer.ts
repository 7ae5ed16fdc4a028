import type { Duplex } from 'node:stream';
import { Damage } from '../damage.ts';
import { type Framebuffer, intersection, type Rect, union } from '../framebuffer.ts';
import { type ClientMessage, ClientMessages } from './client-messages.ts';
import { RfbError } from './error.ts';
import { NATIVE_FORMAT, PixelWriter } from './pixel-format.ts';
import { encodeRect, ENCODING, serverCutText, serverInit, updateHeader } from './server-messages.ts';

/** The output and input of a desktop. */
export interface Screen {
  readonly frame: Framebuffer;
  readonly name: string;
  /** A small picture for viewers that draw the pointer themselves, as one update rectangle. */
  readonly cursor: (writer: PixelWriter) => Buffer;
  key(down: boolean, keysym: number): void;
  pointer(x: number, y: number, buttons: number): void;
  cutText(text: string): void;
  /** Called once after a batch of messages: a good time to draw. */
  changed(): void;
}

/** Most bytes of clipboard text that wait for a viewer that does not read; above that, the newest text is dropped. */
const CUT_TEXT_WAITING = 1024 * 1024;

/**
 * One connection of the built-in RFB server. At most one update waits in the socket: later changes are recorded as rectangles and sent once,
 * when the viewer has received that update and asks again.
 */
export class RfbViewer {
  readonly #socket: Duplex;
  readonly #screen: Screen;
  readonly #messages = new ClientMessages();
  readonly #damage = new Damage();
  #writer = new PixelWriter(NATIVE_FORMAT);
  #hextile = false;
  #cursor: 'unknown' | 'wanted' | 'sent' = 'unknown';
  #minor: 3 | 7 | 8 = 8;
  #ready = false;
  #requested: Rect | undefined;
  #blocked = false;
  /** A message came that may change the picture. */
  #input = false;

  constructor(socket: Duplex, screen: Screen, onEnd: (error: Error | undefined) => void) {
    this.#socket = socket;
    this.#screen = screen;
    let failure: Error | undefined;
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const message of this.#messages.read(chunk)) this.#take(message);
        if (this.#input) screen.changed();
        this.#input = false;
        this.flush();
      } catch (error) {
        failure = error as Error;
        socket.destroy();
      }
    });
    socket.on('drain', () => {
      this.#blocked = false;
      this.flush();
    });
    socket.on('end', () => socket.end());
    socket.on('error', (error) => (failure ??= error));
    socket.on('close', () => onEnd(failure));
    this.#send(Buffer.from('RFB 003.008\n'));
  }

  /** Records a changed part of the screen; {@link flush} sends it. */
  damage(rect: Rect): void {
    if (this.#ready) this.#damage.add(rect);
  }

  /** Sends the changes if the viewer has asked for them and can receive them. */
  flush(): void {
    if (!this.#requested || this.#blocked || !this.#ready) return;
    const rects = this.#damage.take(this.#requested);
    const cursor = this.#cursor === 'wanted';
    if (rects.length === 0 && !cursor) return;
    this.#requested = undefined;
    if (cursor) this.#cursor = 'sent';
    const parts = rects.map((rect) => encodeRect(this.#screen.frame, rect, this.#writer, this.#hextile));
    if (cursor) parts.unshift(this.#screen.cursor(this.#writer));
    this.#send(Buffer.concat([updateHeader(parts.length), ...parts]));
  }

  cutText(text: string): void {
    if (this.#ready && this.#socket.writableLength < CUT_TEXT_WAITING) this.#send(serverCutText(text));
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(bytes: Buffer): void {
    if (!this.#socket.write(bytes)) this.#blocked = true;
  }

  #take(message: ClientMessage): void {
    this.#input ||= message.type === 'key' || message.type === 'pointer' || message.type === 'cut_text';
    switch (message.type) {
      case 'version':
        this.#minor = message.minor;
        // 3.3: the server chooses None; later versions: the server offers a list with one entry
        return this.#send(message.minor === 3 ? Buffer.from([0, 0, 0, 1]) : Buffer.from([1, 1]));
      case 'security':
        return this.#security(message.choice);
      case 'init':
        this.#ready = true;
        this.#damage.add(this.#screen.frame.bounds);
        return this.#send(serverInit(this.#screen.frame.width, this.#screen.frame.height, this.#screen.name));
      case 'pixel_format':
        this.#writer = new PixelWriter(message.format);
        if (this.#cursor === 'sent') this.#cursor = 'wanted';
        return;
      case 'encodings':
        this.#hextile = message.encodings.includes(ENCODING.hextile);
        if (this.#cursor === 'unknown' && message.encodings.includes(ENCODING.cursor)) this.#cursor = 'wanted';
        return;
      case 'update_request':
        return this.#request(message.incremental, message.rect);
      case 'key':
        return this.#screen.key(message.down, message.keysym);
      case 'pointer':
        return this.#screen.pointer(message.x, message.y, message.buttons);
      case 'cut_text':
        return this.#screen.cutText(message.text);
    }
  }

  #security(choice: number): void {
    if (choice !== 1) throw new RfbError(`security type ${choice} was not offered`);
    if (this.#minor === 8) this.#send(Buffer.alloc(4));
  }

  #request(incremental: boolean, asked: Rect): void {
    const rect = intersection(asked, this.#screen.frame.bounds);
    if (!rect) return;
    if (!incremental) this.#damage.add(rect);
    this.#requested = this.#requested ? union(this.#requested, rect) : rect;
  }
}
