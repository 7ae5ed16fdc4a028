import type { Client } from './client.ts';
import type { Script } from './scripts.ts';

/** Runs a script, by its digest where the server knows it. */
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
 * The script and `WAIT` directly behind it on the same connection: what the replicas confirm is what the script wrote, not what some other
 * primary holds after a failover.
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

/** Behind any step `WAIT` is for all that the server has written so far, whoever wrote it. */
export async function waitFor(client: Client, key: string, waitReplicas: number, waitMs: number): Promise<number> {
  const [any, wait] = (await client.pipeline().exists(key).wait(waitReplicas, waitMs).exec()) ?? [];
  const failed = any?.[0] ?? wait?.[0];
  if (failed || wait === undefined) throw failed ?? new Error('no answer');
  return Number(wait[1]);
}

/** The server doesn't have the script (any more): it is new there, or another one. */
const isUnknown = (error: unknown): boolean => error instanceof Error && error.message.startsWith('NOSCRIPT');
