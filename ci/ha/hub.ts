import { request } from 'node:http';
import type { Accepted, Agent, Command, Event, Session, Ticket } from '@streamspace/protocol';

/** Longest wait for an answer of the hub, milliseconds: after it the client asks another replica. */
const ANSWER_MS = 1_500;

export interface Answer<T> {
  status: number;
  body: T;
}

type Refused = { error?: { code?: string; message?: string } };
export const codeOf = (body: unknown): string => (body as Refused | undefined)?.error?.code ?? '';

/** The hub's API for a client. Every call uses a new connection, so that the Service chooses a replica each time. */
export class Hub {
  readonly origin: string;
  readonly agent: string;
  readonly #token: string;

  constructor(origin: string, token: string, agent: string) {
    this.origin = origin;
    this.agent = agent;
    this.#token = token;
  }

  list(): Promise<Answer<Command>> {
    return this.call('POST', `/agents/${this.agent}/list`, {});
  }

  create(key: string, template: string): Promise<Answer<Accepted>> {
    return this.call('POST', '/sessions', { template, name: key, agent: this.agent }, { 'idempotency-key': key });
  }

  delete(session: string): Promise<Answer<Accepted>> {
    return this.call('DELETE', `/sessions/${session}`);
  }

  command(id: string): Promise<Answer<Command>> {
    return this.call('GET', `/commands/${id}`);
  }

  ticket(session: string): Promise<Answer<Ticket>> {
    return this.call('POST', `/sessions/${session}/ticket`, {});
  }

  /** As the hub knows it; undefined while the hub does not answer, or if the agent never connected. */
  async agentNow(): Promise<Agent | undefined> {
    const { status, body } = await this.call<Agent>('GET', `/agents/${this.agent}`).catch(() => NOTHING);
    return status === 200 ? (body as Agent) : undefined;
  }

  async sessions(): Promise<Session[]> {
    const { status, body } = await this.call<{ items: Session[] }>('GET', '/sessions?all=true');
    if (status !== 200) throw new Error(`GET /sessions: ${status}`);
    return body.items;
  }

  /** Rejects without an answer within the time. */
  call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer<T>> {
    return new Promise((resolve, reject) => {
      const sent = request(`${this.origin}/api/v1${path}`, {
        method,
        agent: false,
        signal: AbortSignal.timeout(ANSWER_MS),
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
      });
      sent.once('error', reject);
      sent.once('response', (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (part: string) => (text += part));
        answer.once('error', reject);
        answer.once('end', () => {
          try {
            resolve({ status: answer.statusCode ?? 0, body: (text === '' ? undefined : JSON.parse(text)) as T });
          } catch (error) {
            reject(error as Error);
          }
        });
      });
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** Follows the live events until the signal aborts, across hub replicas; missed events arrive later. */
  async follow(seen: (event: Event) => void, signal: AbortSignal): Promise<void> {
    let after: number | undefined;
    while (!signal.aborted) {
      try {
        await this.#stream(after, (event) => ((after = event.id), seen(event)), signal);
      } catch {
        // another replica is asked
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #stream(after: number | undefined, seen: (event: Event) => void, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const query = after === undefined ? '' : `?after=${after}`;
      const sent = request(`${this.origin}/api/v1/events${query}`, {
        agent: false,
        signal,
        headers: { authorization: `Bearer ${this.#token}` },
      });
      // under this load there are many events a second: silence means a dead replica
      sent.setTimeout(ANSWER_MS, () => sent.destroy(new Error('silent')));
      sent.once('error', reject);
      sent.once('response', (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.once('error', reject);
        answer.once('close', () => resolve());
        answer.on('data', (part: string) => {
          const blocks = (text + part).split('\n\n');
          text = blocks.pop() ?? '';
          for (const block of blocks) {
            const data = /^data: (.*)$/m.exec(block)?.[1];
            if (data !== undefined && /^event: (agent|session|command)\./m.test(block)) seen(JSON.parse(data) as Event);
          }
        });
      });
      sent.end();
    });
  }
}

const NOTHING: Answer<undefined> = { status: 0, body: undefined };
