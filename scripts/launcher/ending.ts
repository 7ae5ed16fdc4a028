import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HostConnection } from '../../agent/src/sessions/process/host-connection.ts';
import { layout } from '../../agent/src/sessions/process/layout.ts';
import { type HubClient, until } from './hub-client.ts';

const HIBERNATE_MS = 10_000;
const HOST_MS = 10_000;

/** Hibernates the sessions of all users, so that no process is left behind; one deadline for all. */
export async function hibernateAll(client: HubClient): Promise<void> {
  const asked = new Set<string>();
  const asleep = async () => {
    const awake = (await client.allSessions()).filter(({ state }) =>
      ['running', 'starting', 'waking', 'pending', 'hibernating'].includes(state),
    );
    for (const { id, state } of awake) {
      // a starting session gets the request as soon as it runs
      if (state !== 'running' || asked.has(id)) continue;
      asked.add(id);
      await client.hibernate(id).catch(() => asked.delete(id));
    }
    return awake.length === 0;
  };
  // a hub that has ended answers no request: endHosts ends its sessions
  if (await client.answers()) await until(asleep, HIBERNATE_MS);
}

/** Ends session hosts that the agent can no longer end; `stateDir` is the agent's. */
export async function endHosts(stateDir: string): Promise<void> {
  const places = layout(stateDir, tmpdir());
  const folders = new Set(['a', 'a'.repeat(63)].map((id) => dirname(places.run(id, 1).folder)));
  await Promise.all(
    [...folders].flatMap((folder) => namesIn(folder).map((name) => endHost(join(folder, name, 'control')))),
  );
}

async function endHost(control: string): Promise<void> {
  const connection = await HostConnection.open(control, AbortSignal.timeout(HOST_MS)).catch(() => undefined);
  if (connection === undefined || typeof connection === 'string') return;
  connection.stop();
  try {
    await connection.until(() => false, AbortSignal.timeout(HOST_MS));
  } catch {
    // its connection is open, so the pid is still its own
    const pid = connection.state?.pid;
    if (pid !== undefined && !connection.closed) process.kill(pid, 'SIGKILL');
  } finally {
    connection.close();
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
