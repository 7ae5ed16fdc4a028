import type { Client } from './client.ts';
import type { Script } from './scripts.ts';

/** Runs a script, by its digest if the server knows it. */
export async function runScript(
  client: Client,
  { sha, text }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!isUnknown(error)) throw error;
    return client.eval(text, keys.length, ...keys, ...args);
  }
}

/**
 * Runs the script and then `WAIT` on the same connection, so that the replicas confirm the script's own write, not the state of another primary
 * after a failover.
 */
export async function runScriptAndWait(
  client: Client,
  { sha, text }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
  waitReplicas: number,
  waitMs: number,
): Promise<{ result: unknown; replicas: number }> {
  for (const known of [true, false]) {
    const steps = client.pipeline();
    if (known) steps.evalsha(sha, keys.length, ...keys, ...args);
    else steps.eval(text, keys.length, ...keys, ...args);
    const [script, wait] = (await steps.wait(waitReplicas, waitMs).exec()) ?? [];
    if (known && isUnknown(script?.[0])) continue;
    const failed = script?.[0] ?? wait?.[0];
    if (failed || script === undefined || wait === undefined) throw failed ?? new Error('no answer');
    return { result: script[1], replicas: Number(wait[1]) };
  }
  throw new Error('the server keeps no scripts');
}

/** Runs `WAIT` after a trivial step: it covers all writes of the server so far, from any client. */
export async function waitFor(client: Client, key: string, waitReplicas: number, waitMs: number): Promise<number> {
  const [any, wait] = (await client.pipeline().exists(key).wait(waitReplicas, waitMs).exec()) ?? [];
  const failed = any?.[0] ?? wait?.[0];
  if (failed || wait === undefined) throw failed ?? new Error('no answer');
  return Number(wait[1]);
}

/** Whether the server does not have the script: it restarted, or is another server. */
const isUnknown = (error: unknown): boolean => error instanceof Error && error.message.startsWith('NOSCRIPT');
