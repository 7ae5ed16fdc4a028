import { systemClock } from 'clock-port';
import { createWebSocketStream, WebSocket } from 'ws';
import { OpeningTime } from '../../console/src/viewer/opening.ts';
import { Tickets } from '../../console/src/viewer/tickets.ts';
import { RfbClient } from '@streamspace/testkit';
import type { Ticket } from '@streamspace/protocol';
import { codeOf, type Hub } from './hub.ts';
import type { Fact } from './history.ts';

/** Pauses as in the console: none, then up to a second, with jitter. Milliseconds. */
const RETRY = { base: 300, max: 1_000 };
/** Time without a new picture after which the viewer reconnects, like the console's heartbeat. Milliseconds. */
const SILENT_MS = 4_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

class Refused extends Error {}

/** Rejects with {@link Refused} if the hub refuses a ticket. */
async function askTicket(hub: Hub, session: string): Promise<Ticket> {
  const { status, body } = await hub.ticket(session);
  if (status !== 201) throw new Refused(`${status} ${codeOf(body)}`);
  return body;
}

/** Watches one session's screen until the signal aborts, with a fresh ticket whenever its connection is lost. */
export async function view(hub: Hub, session: string, note: (fact: Fact) => void, signal: AbortSignal): Promise<void> {
  const opening = new OpeningTime();
  const tickets = new Tickets(
    systemClock,
    () => askTicket(hub, session),
    (error) => error instanceof Refused,
  );
  let failures = 0;
  for (let connection = 1; !signal.aborted; connection++) {
    let shown = false;
    try {
      const { ticket, tookMs } = await tickets.next(signal);
      const openingMs = opening.next(tookMs);
      const socket = new WebSocket(hub.origin.replace('http', 'ws') + ticket.url, ['binary'], {
        handshakeTimeout: openingMs,
      });
      socket.on('open', () => opening.reset());
      let late = false;
      socket.on('error', ({ message }) => (late = message === 'Opening handshake has timed out'));
      socket.on('close', (code, reason) =>
        note({ kind: 'screen', what: 'closed', connection, reason: `${code} ${reason.toString()}` }),
      );
      shown = await watch(socket, connection, note, signal);
      // the time without an acceptance was wait enough
      if (late) {
        tickets.notTaken();
        continue;
      }
    } catch (error) {
      note({ kind: 'screen', what: 'refused', connection, reason: (error as Error).message });
    }
    failures = shown ? 0 : failures + 1;
    await pause(Math.random() * Math.min(RETRY.max, RETRY.base * 2 ** failures));
  }
}

/** Records every picture until the connection ends; returns whether there was one. */
async function watch(
  socket: WebSocket,
  connection: number,
  note: (fact: Fact) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const stream = createWebSocketStream(socket);
  stream.on('error', () => undefined);
  let shown = 0;
  try {
    const client = await RfbClient.open(stream, AbortSignal.any([signal, AbortSignal.timeout(SILENT_MS)]));
    note({ kind: 'screen', what: 'open', connection, reason: '' });
    for (;;) {
      const before = shown;
      await client.until(() => client.updates > before, AbortSignal.any([signal, AbortSignal.timeout(SILENT_MS)]));
      shown = client.updates;
      note({ kind: 'frame', connection, number: client.picture.at(0, 0), bytes: client.bytesReceived });
    }
  } catch (error) {
    if (!signal.aborted) note({ kind: 'note', text: `screen ${connection}: ${(error as Error).message}` });
    return shown > 0;
  } finally {
    stream.destroy();
    socket.terminate();
  }
}
