import { randomUUID } from 'node:crypto';
import type { Accepted, Command } from '@streamspace/protocol';
import type { CommandEntry } from '@streamspace/testkit';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export interface ClientOptions {
  /** Host and port of the hub. */
  hub: string;
  token: string;
  note: (entry: CommandEntry) => void;
  random: () => number;
  /** After its abort no new session; begun work is completed. */
  enough: AbortSignal;
  /** After its abort no request at all. */
  giveUp: AbortSignal;
}

/**
 * A user's program that creates sessions and deletes most of them again. It repeats each request, with the same key, until it is answered, and
 * follows each command to its end.
 */
export async function client(options: ClientOptions): Promise<void> {
  const { note, random, enough, giveUp } = options;

  const call = async (method: string, path: string, body?: unknown, key?: string) => {
    const answer = await fetch(`http://${options.hub}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${options.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.any([AbortSignal.timeout(4_000), giveUp]),
    });
    return { status: answer.status, body: (await answer.json()) as unknown };
  };

  /** Repeats a request until it is accepted or finally refused; undefined: refused. Also repeats requests that may have taken effect. */
  const ask = async (key: string, op: 'create' | 'delete', session?: string): Promise<Accepted | undefined> => {
    while (!giveUp.aborted) {
      try {
        const { status, body } =
          op === 'create'
            ? await call('POST', '/sessions', { template: 'desktop', name: key }, key)
            : await call('DELETE', `/sessions/${session}`);
        if (status === 202) {
          const accepted = body as Accepted;
          note({ kind: 'accepted', key, op, command: accepted.command.id, session: accepted.session.id });
          return accepted;
        }
        const code = (body as { error?: { code?: string } }).error?.code ?? '';
        note({ kind: 'refused', key, status, code });
        // a deletion that was done before its answer was lost
        if (status < 500 && status !== 429) return undefined;
      } catch {
        // no answer: it may have been accepted or not
      }
      await pause(100 + random() * 300);
    }
    return undefined;
  };

  const follow = async (id: string): Promise<Command | undefined> => {
    while (!giveUp.aborted) {
      try {
        const { status, body } = await call('GET', `/commands/${id}`);
        if (status === 200) {
          const command = body as Command;
          note({ kind: 'seen', command: id, state: command.state, ...(command.error && { code: command.error.code }) });
          if (command.state === 'completed' || command.state === 'failed') return command;
        } else if (status === 404) {
          note({ kind: 'seen', command: id, state: 'unknown' });
          return undefined;
        }
      } catch {
        // asked again
      }
      await pause(100 + random() * 200);
    }
    return undefined;
  };

  while (!enough.aborted && !giveUp.aborted) {
    const created = await ask(randomUUID(), 'create');
    if (created === undefined) continue;
    await follow(created.command.id);
    await pause(random() * 500);
    // some stay, to be counted at the end
    if (random() < 0.1) continue;
    const deleted = await ask(randomUUID(), 'delete', created.session.id);
    if (deleted !== undefined) await follow(deleted.command.id);
    await pause(random() * 300);
  }
}
