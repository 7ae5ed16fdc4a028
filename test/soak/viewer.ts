import { createHash } from 'node:crypto';
import { WebSocket } from 'ws';
import { Keystream, writeHeader } from './keystream.ts';

const DIGESTS = 64;
const PIECE = 16 * 1024;
/** Bytes that may wait to be sent before more are made. */
const HIGH = 256 * 1024;

export interface Wish {
  seed: number;
  /** Bytes of the screen, and of what is typed. */
  down: number;
  up: number;
  /** Milliseconds for which the viewer takes nothing, once, somewhere in the middle. */
  freezeMs: number;
}

/**
 * One viewer that reads all requested bytes, with short stalls and a long one, and compares hashes: of the bytes that the screen sent
 * with the received ones, and of the typed bytes with those that the screen got. Resolves with the faults, if any.
 * `moved` gets the number of moved bytes.
 */
export function watch(
  url: string,
  { seed, down, up, freezeMs }: Wish,
  moved: (bytes: number) => void,
): Promise<string | undefined> {
  const ws = new WebSocket(url, ['binary'], { perMessageDeflate: false, handshakeTimeout: 20_000 });
  const came = createHash('sha256');
  const typed = createHash('sha256');
  const keystream = new Keystream(seed);
  const expected = createHash('sha256');
  let got = 0;
  let frozen = false;
  const tail: Buffer[] = [];

  const stall = (ms: number) => {
    ws.pause();
    setTimeout(() => ws.resume(), ms);
  };
  const type = async () => {
    const keys = new Keystream(-seed);
    for (let at = 0; at < up && ws.readyState === WebSocket.OPEN; at += PIECE) {
      const piece = keys.next(Math.min(PIECE, up - at));
      typed.update(piece);
      ws.send(piece);
      moved(piece.length);
      while (ws.bufferedAmount > HIGH && ws.readyState === WebSocket.OPEN)
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return new Promise((resolve) => {
    ws.on('error', () => undefined);
    ws.on('close', (code, reason) => resolve(`closed after ${got} of ${down} bytes: ${code} ${reason.toString()}`));
    ws.on('open', () => {
      ws.send(writeHeader({ seed, down, up }));
      void type();
    });
    ws.on('message', (data: Buffer) => {
      const part = data.subarray(0, Math.max(0, down - got));
      if (part.length > 0) {
        came.update(part);
        expected.update(keystream.next(part.length));
        got += part.length;
        moved(part.length);
        if (!frozen && freezeMs > 0 && got > down / 2) {
          frozen = true;
          stall(freezeMs);
        } else if (Math.random() < 0.002) stall(Math.random() * 300);
      }
      if (part.length === data.length) return;
      tail.push(data.subarray(part.length));
      const digests = Buffer.concat(tail);
      if (digests.length < DIGESTS) return;
      const [sent, hash] = [digests.subarray(0, 32), came.digest()];
      const wrong = [
        hash.equals(sent) && hash.equals(expected.digest()) ? [] : ['what came is not what the screen sent'],
        typed.digest().equals(digests.subarray(32, DIGESTS)) ? [] : ['what was typed is not what the screen got'],
        digests.length === DIGESTS ? [] : ['more came than was sent'],
      ].flat();
      resolve(wrong.length === 0 ? undefined : wrong.join('; '));
      ws.terminate();
    });
  });
}
