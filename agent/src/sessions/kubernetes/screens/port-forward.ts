import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { type Access, ApiError, apiErrorOf, type KubeClient } from 'kube-client';
import WebSocket from 'ws';
import { PortForwardStream } from './port-forward-stream.ts';
import { SpdyPortForward } from './spdy-stream.ts';

/** One TCP connection per WebSocket: channel 0 is its data, channel 1 why it failed. */
const SUBPROTOCOL = 'v4.channel.k8s.io';
/** What the server sends in one message is a read of the kubelet's, far below this; bytes. */
const MESSAGE_LIMIT = 4 * 1024 * 1024;

type Way = 'websocket' | 'spdy';
type Opened = Duplex & { readonly opened: Promise<void> };

/**
 * Connections to pods' ports through the API server: over a WebSocket, and over SPDY where the server (or something before it)
 * refuses that. What worked is tried first the next time.
 */
export class PortForwarder {
  readonly #client: KubeClient;
  readonly #ways: Way[];

  constructor(client: KubeClient, ways: readonly Way[] = ['websocket', 'spdy']) {
    this.#client = client;
    this.#ways = [...ways];
  }

  /** Rejects when the API server refuses, or the pod's port does not answer. */
  async open(pod: string, port: number, signal: AbortSignal): Promise<Duplex> {
    let refusal: unknown;
    for (const way of this.#ways) {
      try {
        const stream = await this.#open(way, pod, port, signal);
        this.#ways.sort((a, b) => Number(b === way) - Number(a === way));
        return stream;
      } catch (error) {
        // the first one's words: that is how it should be done
        refusal ??= error;
        if (!mayGoOtherwise(error)) throw error;
      }
    }
    throw refusal;
  }

  async #open(way: Way, pod: string, port: number, signal: AbortSignal): Promise<Duplex> {
    const access = await this.#client.connection.access();
    signal.throwIfAborted();
    const path = this.#client.path('pods', pod, 'portforward');
    const stream = way === 'websocket' ? overWebSocket(access, path, port) : await overSpdy(access, path, port, signal);
    const onAbort = () => stream.destroy(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await stream.opened;
      return stream;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

/** Refused as it was asked for; not that there is no such pod, or that we are nobody. */
const mayGoOtherwise = (error: unknown): boolean =>
  error instanceof ApiError && error.status >= 300 && error.status !== 401 && error.status !== 404;

const agentFor = ({ server, proxyUrl, tls }: Access) =>
  proxyUrl && {
    agent: server.startsWith('https:') ? new HttpsProxyAgent(proxyUrl, tls) : new HttpProxyAgent(proxyUrl),
  };

function overWebSocket(access: Access, path: string, port: number): Opened {
  const { server, headers, tls } = access;
  const socket = new WebSocket(`${server.replace(/^http/, 'ws')}${path}?ports=${port}`, SUBPROTOCOL, {
    headers,
    ...tls,
    ...agentFor(access),
    perMessageDeflate: false,
    maxPayload: MESSAGE_LIMIT,
    skipUTF8Validation: true,
  });
  const stream = new PortForwardStream(socket);
  socket.once('unexpected-response', (_, response) => {
    void refusalOf(response).then((refusal) => stream.destroy(refusal));
  });
  return stream;
}

async function overSpdy(access: Access, path: string, port: number, signal: AbortSignal): Promise<Opened> {
  const { server, headers, tls } = access;
  const request = (server.startsWith('https:') ? httpsRequest : httpRequest)(`${server}${path}`, {
    method: 'POST',
    headers: {
      ...headers,
      connection: 'Upgrade',
      upgrade: 'SPDY/3.1',
      'x-stream-protocol-version': 'portforward.k8s.io',
      'content-length': 0,
    },
    ...tls,
    ...agentFor(access),
    signal,
  });
  return new Promise<Opened>((resolve, reject) => {
    request.once('upgrade', (_, socket, first) => {
      socket.setNoDelay(true);
      resolve(new SpdyPortForward(socket, port, first));
    });
    request.once('response', (response) => void refusalOf(response).then(reject));
    request.once('error', reject);
    request.end();
  });
}

/** What an answer says that is no upgrade. */
function refusalOf(response: NodeJS.ReadableStream & { statusCode?: number | undefined }): Promise<ApiError> {
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    response.on('data', (chunk: Buffer) => void (chunks.length < 64 && chunks.push(chunk)));
    const over = () => resolve(apiErrorOf(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8')));
    response.once('end', over);
    response.once('close', over);
    response.resume();
  });
}
