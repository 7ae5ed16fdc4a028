import { connect } from 'node:net';
import { WebSocket } from 'ws';

/** A connection to a server through any contender: the interface of its viewer's side. */
export interface Channel {
  send(data: Buffer): void;
  onData(listener: (data: Buffer) => void): void;
  /** Stops taking data, as a frozen viewer does: the kernel's buffers fill up. */
  freeze(): void;
  thaw(): void;
  close(): void;
  readonly closed: boolean;
}

export function tcpChannel(port: number): Promise<Channel> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve({
        send: (data) => void socket.write(data),
        onData: (listener) => void socket.on('data', listener),
        freeze: () => socket.pause(),
        thaw: () => socket.resume(),
        close: () => void socket.destroy(),
        get closed() {
          return socket.destroyed;
        },
      });
    });
  });
}

export function webSocketChannel(url: string): Promise<Channel> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, ['binary'], { perMessageDeflate: false });
    socket.binaryType = 'nodebuffer';
    // data that arrives before the caller listens is kept
    const early: Buffer[] = [];
    let listener: ((data: Buffer) => void) | undefined;
    socket.on('message', (data) => (listener ? listener(data as Buffer) : early.push(data as Buffer)));
    socket.once('error', reject);
    socket.once('open', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve({
        send: (data) => socket.send(data),
        onData: (next) => {
          listener = next;
          for (const data of early.splice(0)) next(data);
        },
        freeze: () => socket.pause(),
        thaw: () => socket.resume(),
        close: () => socket.terminate(),
        get closed() {
          return socket.readyState !== WebSocket.OPEN;
        },
      });
    });
  });
}
