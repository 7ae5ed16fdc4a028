import {
  AGENT_SUBPROTOCOL,
  type AgentMessage,
  type AgentMessageOf,
  decodeFrame,
  type Frame,
  type HubMessage,
  type HubMessageOf,
  type SessionStatus,
} from '@streamspace/protocol';
import { WebSocket } from 'ws';
import { Inbox } from './inbox.ts';

/** An agent that says what a test tells it to, and remembers what it hears. */
export class ScriptedAgent {
  readonly ws: WebSocket;
  readonly heard = new Inbox<HubMessage>();
  readonly frames = new Inbox<Frame>();
  readonly pings = new Inbox<true>();
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data, isBinary) => {
      if (isBinary) this.frames.add(decodeFrame(data as Buffer));
      else this.heard.add(JSON.parse((data as Buffer).toString()) as HubMessage);
    });
    ws.on('ping', () => this.pings.add(true));
    ws.on('error', () => {});
    this.closed = new Promise((resolve) =>
      ws.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
  }

  /** Resolves when the WebSocket is open; rejects with `{status, body}` when the upgrade is refused. */
  static async connect(
    url: string,
    credential: string | undefined,
    options: { autoPong?: boolean } = {},
  ): Promise<ScriptedAgent> {
    const ws = new WebSocket(`${url}/api/v1/agent/connect`, AGENT_SUBPROTOCOL, {
      headers: credential === undefined ? {} : { authorization: `Bearer ${credential}` },
      autoPong: options.autoPong ?? true,
    });
    const agent = new ScriptedAgent(ws);
    await opened(ws);
    return agent;
  }

  say(message: AgentMessage): void {
    this.ws.send(JSON.stringify(message));
  }

  /** Says hello and resolves with the welcome or the refusal. */
  async hello(
    fields: Partial<AgentMessageOf<'hello'>> = {},
  ): Promise<HubMessageOf<'welcome'> | HubMessageOf<'refuse'>> {
    this.say(helloMessage(fields));
    return (await this.heard.next((message) => message.type === 'welcome' || message.type === 'refuse')) as
      HubMessageOf<'welcome'> | HubMessageOf<'refuse'>;
  }

  async hear<T extends HubMessage['type']>(type: T): Promise<HubMessageOf<T>> {
    return (await this.heard.next((message) => message.type === type)) as HubMessageOf<T>;
  }

  /** The next command; acknowledged, unless told otherwise. */
  async command(ack = true): Promise<HubMessageOf<'command'>> {
    const command = await this.hear('command');
    if (ack) this.say({ type: 'ack', command_id: command.id, attempt: command.attempt });
    return command;
  }

  done(command: HubMessageOf<'command'>, more: Partial<AgentMessageOf<'result'>> = {}): void {
    this.say({ type: 'result', command_id: command.id, attempt: command.attempt, ...more });
  }

  /** Takes a command and carries it out at once. */
  async serve(): Promise<HubMessageOf<'command'>> {
    const command = await this.command();
    this.done(command);
    return command;
  }

  /** Everything heard so far is in when a heartbeat said now has been answered, and everything said before is stored soon after. */
  async sync(): Promise<void> {
    const seq = 1_000_000 + Math.floor(Math.random() * 1_000_000);
    this.say({
      type: 'heartbeat',
      seq,
      status: 'online',
      capacity: { cpu: 8, memory: 16e9, max_sessions: 10 },
      active_sessions: 0,
      replicas: [],
    });
    await this.heard.next((message) => message.type === 'heartbeat_ack' && message.seq === seq);
  }
}

export function helloMessage(fields: Partial<AgentMessageOf<'hello'>> = {}): AgentMessageOf<'hello'> {
  return {
    type: 'hello',
    versions: [3, 2],
    agent_id: 'a1',
    replica: 'r1',
    term: 1,
    platform: 'process',
    region: 'here',
    priority: 'normal',
    capacity: { cpu: 8, memory: 16e9, max_sessions: 10 },
    build: 'test',
    ...fields,
  };
}

export function status(id: string, state: SessionStatus['state'] = 'running', reason?: string): SessionStatus {
  return {
    spec: {
      id,
      user: 'ann',
      template: 'desktop',
      name: id,
      cpu: 1,
      memory: 1e9,
      storage: 1e9,
      image: '',
      env: {},
      created_at: '2030-01-01T00:00:00.000Z',
    },
    state,
    ...(reason !== undefined && { reason }),
  };
}

export interface RefusedUpgrade {
  status: number;
  body: { error?: { code: string; message: string } };
}

/** Resolves when open; rejects with {@link RefusedUpgrade} or the socket's error. */
export function opened(ws: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    ws.once('open', () => resolve());
    ws.once('error', reject);
    ws.once('unexpected-response', (request, response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        request.destroy();
        let body: RefusedUpgrade['body'] = {};
        try {
          body = JSON.parse(text) as RefusedUpgrade['body'];
        } catch {
          // not ours
        }
        const refused: RefusedUpgrade = { status: response.statusCode ?? 0, body };
        reject(refused as unknown as Error);
      });
    });
  });
}
