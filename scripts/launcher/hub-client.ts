import type { Accepted, Agent, Session } from '@streamspace/protocol';

/** The launcher's calls as the signed-in user. */
export class HubClient {
  readonly #base: string;
  readonly #token: string;

  constructor(origin: string, token: string) {
    this.#base = `${origin}/api/v1`;
    this.#token = token;
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(this.#base + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(5_000),
    });
    const json = (await answer.json()) as T & { error?: { message: string } };
    if (!answer.ok) throw new Error(json.error?.message ?? `${method} ${path}: HTTP ${answer.status}`);
    return json;
  }

  /** Whether the hub at this address is ours: another one doesn't accept our token. */
  async answers(): Promise<boolean> {
    const headers = { authorization: `Bearer ${this.#token}` };
    return fetch(`${this.#base}/agents`, { headers, signal: AbortSignal.timeout(2_000) }).then(
      (answer) => answer.ok,
      () => false,
    );
  }

  agents = async (): Promise<Agent[]> => (await this.#call<{ items: Agent[] }>('GET', '/agents')).items;
  /** The signed-in user's. */
  sessions = async (): Promise<Session[]> => (await this.#call<{ items: Session[] }>('GET', '/sessions')).items;
  allSessions = async (): Promise<Session[]> =>
    (await this.#call<{ items: Session[] }>('GET', '/sessions?all=true')).items;
  create = (template: string, name: string): Promise<Accepted> => this.#call('POST', '/sessions', { template, name });
  wake = (id: string): Promise<Accepted> => this.#call('POST', `/sessions/${id}/wake`);
  hibernate = (id: string): Promise<Accepted> => this.#call('POST', `/sessions/${id}/hibernate`);
}

/** Asks until the condition holds; false if it does not within `limitMs`. */
export async function until(condition: () => Promise<boolean>, limitMs: number, everyMs = 100): Promise<boolean> {
  const end = Date.now() + limitMs;
  for (;;) {
    if (await condition().catch(() => false)) return true;
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
