import type { Agent, IncomingMessage } from 'node:http';
import { type Clock, hedged, outcomeOf, withDeadline } from 'clock-port';
import {
  AGENT_SUBPROTOCOL,
  agentCodec,
  type AgentMessageOf,
  asStreamSpaceError,
  closeSocket,
  errorOfClose,
  hubCodec,
  LIMITS,
  StreamSpaceError,
} from '@streamspace/protocol';
import { type ClientOptions, type RawData, WebSocket } from 'ws';
import { attemptsOf, whenTaken } from './attempts.ts';
import { isLoopback } from './hub-url.ts';
import { Link } from './link.ts';
import { Refused } from './refused.ts';

export interface OpenOptions {
  readonly url: URL;
  /** Credential for the upgrade. */
  readonly token: string;
  readonly hello: AgentMessageOf<'hello'>;
  /** Agent of a proxy. */
  readonly agent?: Agent | undefined;
  /** PEM of the CAs to trust instead of the system's. */
  readonly ca?: string | undefined;
  /** Milliseconds. */
  readonly heartbeatInterval: number;
  /** Makes a WebSocket; by default the `ws` package's own. */
  readonly dial?: Dial | undefined;
}

export type Dial = (url: URL, protocols: string[], options: ClientOptions) => WebSocket;

const dialWs: Dial = (url, protocols, options) => new WebSocket(url, protocols, options);

/** Longest time from the first packet to an open WebSocket, milliseconds. */
const OPEN_TIMEOUT = 15_000;
/** Longest time from there to the welcome, milliseconds: the hub only asks its store. */
const HELLO_TIMEOUT = 12_000;
/** Longest wait for the hub's part of the closing handshake, milliseconds. */
const CLOSE_TIMEOUT = 1_000;

/**
 * Dials the hub, in parallel attempts if nobody answers, and says hello. Rejects with a {@link StreamSpaceError}: if the hub answered, a
 * {@link Refused} with the hub's own code; `unauthenticated` for a 401.
 */
export async function openLink(options: OpenOptions, clock: Clock, signal: AbortSignal): Promise<Link> {
  const ws = await withDeadline(clock, OPEN_TIMEOUT, 'connection', signal, (limit) =>
    hedged(
      clock,
      limit,
      (attempt, taken) => dial(options, clock, attempt, taken),
      attemptsOf(options.agent),
      (late) => late.terminate(),
    ),
  );
  try {
    return await withDeadline(clock, HELLO_TIMEOUT, 'hello', signal, (limit) => greet(ws, options, clock, limit));
  } catch (error) {
    const wrong = error instanceof StreamSpaceError && error.code !== 'unauthenticated' ? error.close : 1000;
    await closeSocket(ws, clock, { code: wrong, reason: '', withinMs: CLOSE_TIMEOUT });
    throw error;
  }
}

/** Resolves with an open WebSocket. */
function dial(options: OpenOptions, clock: Clock, signal: AbortSignal, taken: () => void): Promise<WebSocket> {
  const { url } = options;
  // A mask protects proxies on the way from bytes that a page made up (RFC 6455 §10.3). Inside TLS and on loopback there is no proxy on the
  // way, so a mask of zeros is as good as any and costs nothing: ws then skips the pass over the bytes.
  const unmasked = url.protocol === 'wss:' || (isLoopback(url) && options.agent === undefined);
  const ws = (options.dial ?? dialWs)(url, [AGENT_SUBPROTOCOL], {
    headers: { authorization: `Bearer ${options.token}` },
    maxPayload: LIMITS.controlMessage,
    perMessageDeflate: false,
    finishRequest(request) {
      whenTaken(request, taken);
      request.end();
    },
    ...(options.agent !== undefined && { agent: options.agent }),
    ...(options.ca !== undefined && { ca: options.ca }),
    ...(unmasked && { generateMask: (mask: Buffer) => void mask.fill(0) }),
  });
  // an abort may come during the handshake: after it, only this listener catches the error
  ws.on('error', () => undefined);
  const opened = outcomeOf<WebSocket>(signal, (resolve, reject) => {
    const onOpen = () => resolve(ws);
    const onError = (error: Error) => reject(asStreamSpaceError(error, 'agent_offline'));
    const onClose = () => reject(new StreamSpaceError('agent_offline', 'The connection ended before it was open'));
    const onResponse = (_request: unknown, response: IncomingMessage) => {
      readAnswer(response, (text) => reject(Refused.byResponse(response, text, clock)));
    };
    ws.on('open', onOpen);
    ws.on('error', onError);
    ws.on('close', onClose);
    ws.on('unexpected-response', onResponse);
    return () => {
      ws.off('open', onOpen);
      ws.off('error', onError);
      ws.off('close', onClose);
      ws.off('unexpected-response', onResponse);
    };
  });
  return opened.catch((error: unknown) => {
    ws.terminate();
    throw error;
  });
}

function greet(ws: WebSocket, options: OpenOptions, clock: Clock, signal: AbortSignal): Promise<Link> {
  return outcomeOf<Link>(signal, (resolve, fail) => {
    const onMessage = (data: RawData, isBinary: boolean) => {
      try {
        if (isBinary) throw new StreamSpaceError('malformed_frame', 'The hub sent a binary frame before its welcome');
        const message = hubCodec.decode((data as Buffer).toString());
        // at once: the same packet may contain the frame after the welcome, and the link has to exist for it
        if (message.type === 'welcome') {
          ws.off('message', onMessage);
          resolve(new Link(ws, message, clock, options.heartbeatInterval));
        } else if (message.type === 'refuse') fail(Refused.byMessage(message));
        else throw new StreamSpaceError('malformed_frame', `The hub said ${message.type} before its welcome`);
      } catch (error) {
        fail(error);
      }
    };
    const onError = (error: Error) => fail(asStreamSpaceError(error, 'agent_offline'));
    const onClose = (code: number, reason: Buffer) =>
      fail(
        new StreamSpaceError(
          errorOfClose(code) ?? 'agent_offline',
          `The hub closed before its welcome (${code} ${reason.toString()})`,
        ),
      );
    ws.on('message', onMessage);
    ws.on('error', onError);
    ws.on('close', onClose);
    // the connection may have ended in the moment in which it opened
    if (ws.readyState !== ws.OPEN) onClose(1006, Buffer.alloc(0));
    else ws.send(agentCodec.encode(options.hello), (error) => error && fail(error));
    return () => {
      ws.off('message', onMessage);
      ws.off('error', onError);
      ws.off('close', onClose);
    };
  });
}

/** At most 4 KiB of an answer's body: enough for an error, too little to fill memory. */
function readAnswer(response: IncomingMessage, done: (text: string) => void): void {
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > 4096) response.destroy();
  });
  response.on('error', () => undefined);
  response.once('close', () => done(text.slice(0, 4096)));
}
