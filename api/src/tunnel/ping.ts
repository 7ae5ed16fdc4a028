import { SCREEN_SUBPROTOCOL } from '@streamspace/protocol';
import type { WebSocket } from 'ws';

/** Bytes that may wait for the viewer when it gets an answer: one that takes nothing gets no more. */
const WAITING = 64 * 1024;

/** Answers a viewer's `ping` [VIEW4]. False: it is none, or was not agreed on. */
export function answerPing(viewer: WebSocket, text: Buffer): boolean {
  if (viewer.protocol !== SCREEN_SUBPROTOCOL || text.length > 20) return false;
  const [, number] = /^ping (\d{1,15})$/.exec(text.toString('latin1')) ?? [];
  if (number === undefined) return false;
  if (viewer.readyState === viewer.OPEN && viewer.bufferedAmount < WAITING) viewer.send(`pong ${number}`);
  return true;
}
