import { whenAborted } from 'clock-port';
import type { Duplex } from 'node:stream';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { type Access, type ApiError, apiErrorOf, type KubeClient } from 'kube-client';
import WebSocket from 'ws';
import { PortForwardStream } from './port-forward-stream.ts';

/** One TCP connection per WebSocket: channel 0 carries its data, channel 1 the reason of a failure. */
const SUBPROTOCOL = 'v4.channel.k8s.io';
/** Longest message, bytes. A message of the server is one read of the kubelet's, which is far shorter. */
const MESSAGE_LIMIT = 4 * 1024 * 1024;

/** Connections to pods' ports through the API server, which passes the WebSocket to the kubelet. */
export class PortForwarder {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** Rejects when the API server refuses, or the pod's port does not answer. */
  async open(pod: string, port: number, signal: AbortSignal): Promise<Duplex> {
    const access = await this.#client.connection.access();
    signal.throwIfAborted();
    const stream = overWebSocket(access, this.#client.path('pods', pod, 'portforward'), port);
    const forget = whenAborted(signal, () => stream.destroy(signal.reason as Error));
    try {
      await stream.opened;
      return stream;
    } finally {
      forget();
    }
  }
}

const agentFor = ({ server, proxyUrl, tls }: Access) =>
  proxyUrl && {
    agent: server.startsWith('https:') ? new HttpsProxyAgent(proxyUrl, tls) : new HttpProxyAgent(proxyUrl),
  };

function overWebSocket(access: Access, path: string, port: number): PortForwardStream {
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

/** The error for a response that is no upgrade. */
function refusalOf(response: NodeJS.ReadableStream & { statusCode?: number | undefined }): Promise<ApiError> {
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    response.on('data', (chunk: Buffer) => void (chunks.length < 64 && chunks.push(chunk)));
    const over = () => {
      const refusal = apiErrorOf(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'));
      // Kubernetes' own responses have a reason
      if (refusal.reason === '') refusal.message += '; a proxy before the API server must let WebSockets pass';
      resolve(refusal);
    };
    response.once('end', over);
    response.once('close', over);
    response.resume();
  });
}
