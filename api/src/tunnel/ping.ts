import { SCREEN_SUBPROTOCOL } from '@streamspace/protocol';
import type { WebSocket } from 'ws';

/** Most waiting bytes for the viewer at which it still gets an answer: a viewer that reads nothing gets no more. */
const WAITING = 64 * 1024;

/** Answers a viewer's `ping` [VIEW4]. False: it is no ping, or the subprotocol lacks it. */
export function answerPing(viewer: WebSocket, text: Buffer): boolean {
  if (viewer.protocol !== SCREEN_SUBPROTOCOL || text.length > 20) return false;
  const [, number] = /^ping (\d{1,15})$/.exec(text.toString('latin1')) ?? [];
  if (number === undefined) return false;
  if (viewer.readyState === viewer.OPEN && viewer.bufferedAmount < WAITING) viewer.send(`pong ${number}`);
  return true;
}
