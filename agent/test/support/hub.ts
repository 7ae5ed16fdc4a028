import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import {
  agentCodec,
  type AgentMessage,
  type AgentMessageOf,
  creditFrame,
  dataFrame,
  decodeFrame,
  endFrame,
  type Frame,
  hubCodec,
  type HubMessage,
} from '@streamspace/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { until } from './until.ts';

type Type = AgentMessage['type'];

/** One agent's connection, from the hub's side. */
export class Connection {
  readonly ws: WebSocket;
  readonly authorization: string;
  /** Control messages in the order they came. */
  readonly messages: AgentMessage[] = [];
  readonly frames: Frame[] = [];
  closed: { code: number; reason: string } | undefined;
  acksBeats = true;
  #read = 0;

  constructor(ws: WebSocket, request: IncomingMessage, onMessage: (message: AgentMessage) => void) {
    this.ws = ws;
    this.authorization = request.headers.authorization ?? '';
    ws.on('message', (data, isBinary) => {
      if (isBinary) return void this.frames.push(copyOf(decodeFrame(data as Buffer)));
      const message = agentCodec.decode((data as Buffer).toString());
      this.messages.push(message);
      if (message.type === 'heartbeat' && this.acksBeats) this.send({ type: 'heartbeat_ack', seq: message.seq });
      onMessage(message);
    });
    ws.on('error', () => undefined);
    ws.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
  }

  get hello(): AgentMessageOf<'hello'> {
    return this.messages.find((message): message is AgentMessageOf<'hello'> => message.type === 'hello')!;
  }

  send(message: HubMessage): void {
    if (this.ws.readyState === this.ws.OPEN) this.ws.send(hubCodec.encode(message));
  }

  sendData(streamId: number, data: Buffer): void {
    this.ws.send(dataFrame(streamId, data));
  }

  sendCredit(streamId: number, credit: number): void {
    this.ws.send(creditFrame(streamId, credit));
  }

  sendEnd(streamId: number): void {
    this.ws.send(endFrame(streamId));
  }

  /** All bytes that came on a stream. */
  received(streamId: number): Buffer {
    return Buffer.concat(
      this.frames.flatMap((frame) => (frame.kind === 'data' && frame.streamId === streamId ? [frame.data] : [])),
    );
  }

  all<K extends Type>(type: K): AgentMessageOf<K & keyof Messages>[] {
    return this.messages.filter((message) => message.type === type) as never;
  }

  /** The next message of that type that was not given out before. */
  async next<K extends keyof Messages>(type: K): Promise<Messages[K]> {
    return until(() => {
      const at = this.messages.findIndex((message, index) => index >= this.#read && message.type === type);
      if (at === -1) return undefined;
      this.#read = at + 1;
      return this.messages[at] as Messages[K];
    }, `a ${type} from the agent`);
  }

  /** A command that is sent, and its result. */
  command(
    id: string,
    action: 'create_session' | 'delete_session' | 'hibernate_session' | 'wake_session' | 'list_sessions',
    more: object = {},
    attempt = 1,
  ): void {
    this.send({ type: 'command', id, attempt, action, ...more });
  }
}

type Messages = { [K in Type]: Extract<AgentMessage, { type: K }> };

const copyOf = (frame: Frame): Frame => (frame.kind === 'data' ? { ...frame, data: Buffer.from(frame.data) } : frame);

export interface Script {
  /** Answers the upgrade: undefined lets it pass. */
  upgrade?(request: IncomingMessage): { status: number; headers?: Record<string, string> } | undefined;
  /** Answers the hello; the default welcomes everybody. */
  hello?(hello: AgentMessageOf<'hello'>, connection: Connection): HubMessage | undefined;
  enrol?(token: string, body: unknown): { status: number; body: unknown; headers?: Record<string, string> };
}

/** A hub that does what a test tells it to, on a real port. */
export class ScriptedHub {
  /** Those that said hello: of parallel attempts the agent leaves all but one. */
  readonly connections: Connection[] = [];
  readonly enrolments: { token: string; body: unknown }[] = [];
  /** Answers to upgrades, in order. */
  upgrades = 0;
  script: Script = {};
  heartbeatMs = 1000;
  term = 1;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #wss = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: (offered) => [...offered][0] ?? false,
  });

  /** `tls`: key and certificate, PEM. */
  constructor(tls?: { key: string; cert: string }) {
    const onRequest = (request: IncomingMessage, response: ServerResponse) => this.#enrol(request, response);
    this.#server = tls === undefined ? createServer(onRequest) : createSecureServer(tls, onRequest);
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('upgrade', (request, socket: Socket, head) => {
      this.upgrades++;
      socket.on('error', () => undefined);
      const refusal = this.script.upgrade?.(request);
      if (refusal !== undefined) {
        const headers = Object.entries({ ...refusal.headers, 'content-length': '0', connection: 'close' });
        socket.end(
          `HTTP/1.1 ${refusal.status} No\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
        );
        return;
      }
      this.#wss.handleUpgrade(request, socket, head, (ws) => {
        const connection: Connection = new Connection(ws, request, (message) => {
          if (message.type !== 'hello') return;
          this.connections.push(connection);
          this.#onHello(connection, message);
        });
      });
    });
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** TCP connections that are open. */
  get sockets(): number {
    return this.#sockets.size;
  }

  /** Connections that were welcomed and still live. */
  get live(): Connection[] {
    return this.connections.filter(({ closed, messages }) => closed === undefined && messages.length > 0);
  }

  /** The nth connection (from 1), once it said hello. */
  connection(n: number): Promise<Connection> {
    return until(() => this.connections[n - 1], `connection ${n}`);
  }

  async close(): Promise<void> {
    for (const { ws } of this.connections) ws.terminate();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #onHello(connection: Connection, hello: AgentMessageOf<'hello'>): void {
    const answer =
      this.script.hello === undefined
        ? this.welcome(Math.max(hello.term, this.term))
        : this.script.hello(hello, connection);
    if (answer === undefined) return;
    connection.send(answer);
    if (answer.type === 'refuse') connection.ws.close(4430);
  }

  welcome(term: number): HubMessage {
    return {
      type: 'welcome',
      version: 3,
      connection_id: `c${this.connections.length}`,
      term,
      heartbeat_ms: this.heartbeatMs,
    };
  }

  #enrol(request: IncomingMessage, response: ServerResponse): void {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      // given up on the way
      if (!request.complete) return;
      const token = (request.headers.authorization ?? '').replace('Bearer ', '');
      const body: unknown = JSON.parse(text);
      this.enrolments.push({ token, body });
      const answer = this.script.enrol?.(token, body) ?? { status: 201, body: { credential: `ssa_${'c'.repeat(40)}` } };
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(JSON.stringify(answer.body));
    });
  }
}
