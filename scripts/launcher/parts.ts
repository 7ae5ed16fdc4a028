import { createHash } from 'node:crypto';
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

/** Platforms that `npm start` serves; the agents read their settings (DOCKER_HOST, SESSION_…) from the environment. */
type LaunchedPlatform = 'process' | 'docker';

/** From PLATFORM. Throws for another one: a cluster has its own way (`npm run kind:up`, the charts). */
export function launchedPlatform(given: string | undefined): LaunchedPlatform {
  if (given === undefined || given === '' || given === 'process') return 'process';
  if (given === 'docker') return 'docker';
  throw new Error(
    `PLATFORM: npm start runs sessions as processes of this machine, or with PLATFORM=docker; ${given} is another platform: see docs/install.md`,
  );
}

/** Two checkouts on one engine must not take each other's sessions for their own. */
function agentIdOf(platform: LaunchedPlatform, folder: string): string {
  if (platform === 'process') return 'this-machine';
  return `this-machine-${createHash('sha256').update(folder).digest('hex').slice(0, 8)}`;
}

/** A hub and the replicas of one agent that connect to it, none of them started yet. */
export interface Parts {
  readonly origin: string;
  readonly client: HubClient;
  readonly hub: Child;
  readonly replicas: readonly Child[];
  readonly agentId: string;
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
  const platform = launchedPlatform(process.env.PLATFORM);
  const agentId = agentIdOf(platform, instance.folder);
  const replicas = Array.from({ length: REPLICAS }, (_, index) => {
    const name = `this-machine-${index + 1}`;
    return new Child(
      {
        name,
        args: [program('agent')],
        logFile: log(name),
        env: {
          ...shared,
          AGENT_ID: agentId,
          CONTROL_PLANE_URL: `ws://${host}:${port}`,
          PLATFORM: platform,
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
  return { origin, client, hub, replicas, agentId, link: `${origin}/#token=${token}` };
}

/** Agents before the hub, so that it receives their goodbyes. */
export async function stopParts({ hub, replicas }: Parts): Promise<void> {
  await Promise.all(replicas.map((replica) => replica.stop(8_000)));
  await hub.stop(5_000);
}
