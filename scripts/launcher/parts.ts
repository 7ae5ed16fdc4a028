import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_TEMPLATES } from '../../api/src/sessions/templates.ts';
import { Child, type ChildWatcher } from './child.ts';
import { HubClient } from './hub-client.ts';
import { agentStateDir, type Instance } from './instance.ts';

const REPLICAS = 3;
/** CPUs that a session reserves at most: a few desktops fit on two, and each may use more. */
const SHARE = 0.5;
/** For one person's own machine. */
const TEMPLATES = DEFAULT_TEMPLATES.map((template) => ({ ...template, cpu: Math.min(template.cpu, SHARE) }));

/** A hub and the replicas of one agent that connect to it, none of them started yet. */
export interface Parts {
  readonly origin: string;
  readonly client: HubClient;
  readonly hub: Child;
  readonly replicas: readonly Child[];
  /** Signs in every person who opens it. */
  readonly link: string;
}

export interface PartsOptions {
  readonly instance: Instance;
  readonly host: string;
  /** The hub's. */
  readonly port: number;
  /** Path of a built program. */
  readonly program: (name: string) => string;
  readonly token: string;
  readonly watcher: ChildWatcher;
}

export function makeParts({ instance, host, port, program, token, watcher }: PartsOptions): Parts {
  const origin = `http://localhost:${port}`;
  const templatesFile = join(instance.folder, 'templates.json');
  writeFileSync(templatesFile, JSON.stringify(TEMPLATES));
  const log = (name: string) => join(instance.folder, 'logs', `${name}.log`);
  const shared = { LOG_LEVEL: process.env.LOG_LEVEL || 'info', LOG_FORMAT: 'json' };
  const hub = new Child(
    {
      name: 'hub',
      args: [program('hub')],
      logFile: log('hub'),
      env: {
        ...shared,
        PORT: String(port),
        METRICS_PORT: '0',
        HOST: host,
        JWT_SECRET: instance.jwtSecret,
        ENROLMENT_TOKEN: instance.enrolmentToken,
        HEARTBEAT_INTERVAL: '2s',
        ALLOWED_ORIGINS: `http://${host}:${port}`,
        PUBLIC_URL: origin,
        TEMPLATES_FILE: process.env.TEMPLATES_FILE || templatesFile,
      },
    },
    watcher,
  );
  const replicas = Array.from({ length: REPLICAS }, (_, index) => {
    const name = `this-machine-${index + 1}`;
    return new Child(
      {
        name,
        args: [program('agent')],
        logFile: log(name),
        env: {
          ...shared,
          AGENT_ID: 'this-machine',
          CONTROL_PLANE_URL: `ws://${host}:${port}`,
          PLATFORM: 'process',
          REGION: 'local',
          POD_NAME: name,
          ENABLE_HA: 'true',
          AGENT_TOKEN: instance.enrolmentToken,
          STATE_DIR: agentStateDir(instance),
          HEARTBEAT_INTERVAL: '2s',
          RECONNECT_DELAY: '200ms',
          MAX_RECONNECT_DELAY: '5s',
          LISTEN_HOST: host,
          HEALTH_PORT: '0',
          METRICS_PORT: '0',
        },
      },
      watcher,
    );
  });
  const client = new HubClient(`http://${host}:${port}`, token);
  return { origin, client, hub, replicas, link: `${origin}/#token=${token}` };
}

/** Agents before the hub, so that it receives their goodbyes. */
export async function stopParts({ hub, replicas }: Parts): Promise<void> {
  await Promise.all(replicas.map((replica) => replica.stop(8_000)));
  await hub.stop(5_000);
}
