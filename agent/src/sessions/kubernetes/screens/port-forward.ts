import type { Duplex } from 'node:stream';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import WebSocket from 'ws';
import type { KubeClient } from '../api/client.ts';
import { apiErrorOf } from '../api/error.ts';
import { PortForwardStream } from './port-forward-stream.ts';

/** One TCP connection per WebSocket: channel 0 is its data, channel 1 why it failed. */
const SUBPROTOCOL = 'v4.channel.k8s.io';
/** What the server sends in one message is a read of the kubelet's, far below this; bytes. */
const MESSAGE_LIMIT = 4 * 1024 * 1024;

/** A connection to a pod's port through the API server. Rejects when that refuses, or the pod's port does not answer. */
export async function portForward(client: KubeClient, pod: string, port: number, signal: AbortSignal): Promise<Duplex> {
  const { server, headers, tls, proxyUrl } = await client.connection.access();
  signal.throwIfAborted();
  const url = `${server.replace(/^http/, 'ws')}${client.path('pods', pod, 'portforward')}?ports=${port}`;
  const socket = new WebSocket(url, SUBPROTOCOL, {
    headers,
    ...tls,
    ...(proxyUrl && {
      agent: server.startsWith('https:') ? new HttpsProxyAgent(proxyUrl, tls) : new HttpProxyAgent(proxyUrl),
    }),
    perMessageDeflate: false,
    maxPayload: MESSAGE_LIMIT,
    skipUTF8Validation: true,
  });
  const stream = new PortForwardStream(socket);
  const onAbort = () => stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('unexpected-response', (_, response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => void (chunks.length < 64 && chunks.push(chunk)));
        response.once('close', () => {
          const error = apiErrorOf(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'));
          stream.destroy(error);
          reject(error);
        });
        response.resume();
      });
      stream.once('error', reject);
      stream.once('close', () => reject(new Error('the API server closed the port-forward')));
      void stream.opened.then(resolve);
    });
    return stream;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
