import type { Session } from '@streamspace/protocol';

const TEMPLATE = 'desktop';
const NAME = 'My first desktop';
const ANSWER_MS = 10_000;

/**
 * Makes a desktop for the user of the token, unless they have a session. `hub`: origin of the hub. Returns what happened, in words; rejects
 * with what the hub answered.
 */
export async function firstDesktop(hub: string, token: string): Promise<string> {
  const { items } = await call<{ items: Session[] }>(hub, token, 'GET');
  const known = items.filter(({ state }) => !['gone', 'deleting', 'failed'].includes(state));
  if (known.length > 0)
    return `${known.length === 1 ? 'one session is' : `${known.length} sessions are`} there already`;
  const { session } = await call<{ session: Session }>(hub, token, 'POST', { template: TEMPLATE, name: NAME });
  return `${NAME} (${session.id}) is on its way`;
}

async function call<T>(hub: string, token: string, method: string, body?: object): Promise<T> {
  const answer = await fetch(`${hub}/api/v1/sessions`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const json = (await answer.json()) as T & { error?: { message: string } };
  if (!answer.ok) throw new Error(json.error?.message ?? `HTTP ${answer.status}`);
  return json;
}
