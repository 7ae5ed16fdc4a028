import { HUB_METRICS_PORT, HTTP_PORT } from '../objects/api-env.ts';
import { HEALTH_PORT } from '../objects/agent-env.ts';
import { agentEnvironment, hubEnvironment } from './environment.ts';
import { CHART, IMAGES, memoryLimit } from './images.ts';
import { type Commented, commentedYaml } from './yaml.ts';

const PORT = '${STREAMSPACE_PORT:-8080}';
const PUBLIC_URL = `\${STREAMSPACE_URL:-http://localhost:${PORT}}`;
const STORE = 'store:6379';
const SECRETS = '/run/streamspace';
const SOCKET = '/var/run/docker.sock';
/** Replicas of the agent. */
const REPLICAS = 3;
const USER = `${CHART.api.runAsUser}:${CHART.api.runAsUser}`;
/** A host with one CPU refuses more. */
const CPUS = 1;

/** As the chart's pods: nothing of the container can be written but /tmp, no capability, no way to more rights. */
const hardened = (memory: string) => ({
  read_only: true,
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  tmpfs: ['/tmp:size=256m,mode=1777'],
  cpus: CPUS,
  mem_limit: memory,
  pids_limit: 512,
  logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } },
});

const health = (test: readonly string[]) => ({
  healthcheck: { test, interval: '3s', timeout: '3s', retries: 10, start_period: '30s' },
});
const volume = (source: string, target: string, readOnly = false) => ({
  type: 'volume',
  source,
  target,
  ...(readOnly && { read_only: true }),
  // its owner is root, whatever the image has at this path
  volume: { nocopy: true },
});
const ENGINE_SOCKET = {
  type: 'bind',
  source: `\${DOCKER_SOCKET:-${SOCKET}}`,
  target: SOCKET,
  bind: { create_host_path: false },
};
const withSecrets = (program: string, ...args: string[]) => [
  'node',
  `--env-file=${SECRETS}/env`,
  `dist/${program}.js`,
  ...args,
];
const after = (services: Readonly<Record<string, 'healthy' | 'completed_successfully' | 'started'>>) => ({
  depends_on: Object.fromEntries(
    Object.entries(services).map(([name, state]) => [name, { condition: `service_${state}` }]),
  ),
});
const built = (target: string) => ({ build: { context: '..', dockerfile: 'images/Dockerfile', target } });

const oneShot = { network_mode: 'none', restart: 'no' } as const;
const lasting = (seconds: number) => ({ restart: 'unless-stopped', stop_grace_period: `${seconds}s` });

/** Hub, store and three replicas of an agent whose sessions are containers of this engine. */
export const SERVICES: Readonly<Record<string, Commented>> = {
  secrets: {
    comment: 'Makes the secrets once, into volumes. Root without capabilities: the owner of new volumes.',
    value: {
      image: IMAGES.hub,
      ...built('api'),
      user: '0:0',
      entrypoint: ['node', 'dist/hub.js', 'secret-files', SECRETS, STORE, '/data'],
      volumes: [
        volume('hub-secrets', `${SECRETS}/hub`),
        volume('agent-secrets', `${SECRETS}/agent`),
        volume('store-secrets', `${SECRETS}/store`),
        volume('store-data', '/data'),
      ],
      healthcheck: { disable: true },
      ...oneShot,
      ...hardened(memoryLimit(CHART.api)),
    },
  },
  'desktop-image': {
    comment: 'Ends at once: it is here so that the image of desktops is there before the first one.',
    value: {
      image: 'streamspace/desktop:latest',
      build: { context: '../images/desktop' },
      entrypoint: ['true'],
      ...oneShot,
      ...hardened('64m'),
    },
  },
  store: {
    comment: 'The hub’s state, and the lease by which the replicas of the agent elect their leader.',
    value: {
      image: IMAGES.store,
      user: USER,
      entrypoint: ['valkey-server'],
      // who may ask what is in the file of users; without it nothing but PING
      command: Object.entries({
        dir: '/data',
        appendonly: 'yes',
        save: '',
        'maxmemory-policy': 'noeviction',
        aclfile: `${SECRETS}/users.acl`,
        'protected-mode': 'no',
      }).flatMap(([name, value]) => [`--${name}`, value]),
      volumes: [volume('store-data', '/data'), volume('store-secrets', SECRETS, true)],
      networks: ['inside'],
      ...health(['CMD-SHELL', 'valkey-cli ping | grep -q PONG']),
      ...after({ secrets: 'completed_successfully' }),
      ...lasting(CHART.redis.terminationGracePeriodSeconds),
      ...hardened(memoryLimit(CHART.redis)),
    },
  },
  hub: {
    comment:
      'The page and the API. Its port is on loopback unless STREAMSPACE_BIND says otherwise: without TLS nothing else is safe.',
    value: {
      image: IMAGES.hub,
      user: USER,
      entrypoint: withSecrets('hub'),
      environment: hubEnvironment({
        port: `${HTTP_PORT}`,
        metricsPort: `${HUB_METRICS_PORT}`,
        publicUrl: PUBLIC_URL,
        trustedProxies: '${STREAMSPACE_TRUSTED_PROXIES:-}',
        // each replica of the agent enrols by itself: they share no disk
        enrolmentTokenAgents: '${STREAMSPACE_AGENT_ID:-${COMPOSE_PROJECT_NAME:-streamspace}}',
        logLevel: '${LOG_LEVEL:-info}',
      }),
      volumes: [volume('hub-secrets', SECRETS, true)],
      ports: [`\${STREAMSPACE_BIND:-127.0.0.1}:${PORT}:${HTTP_PORT}`],
      networks: ['inside', 'outside'],
      ...health(['CMD', 'node', 'health.mjs']),
      ...after({ store: 'healthy' }),
      ...lasting(CHART.api.terminationGracePeriodSeconds),
      ...hardened(memoryLimit(CHART.api)),
    },
  },
  agent: {
    comment: `Each replica may lead; the others stand by. Root without capabilities: the socket belongs to root on every host, and whoever has the
socket rules the host anyway.`,
    value: {
      image: IMAGES.agent,
      ...built('agent'),
      deploy: { replicas: REPLICAS },
      user: '0:0',
      entrypoint: withSecrets('agent'),
      environment: agentEnvironment({
        agentId: '${STREAMSPACE_AGENT_ID:-${COMPOSE_PROJECT_NAME:-streamspace}}',
        controlPlaneUrl: `ws://hub:${HTTP_PORT}`,
        platform: 'docker',
        dockerHost: `unix://${SOCKET}`,
        enableHa: 'true',
        healthPort: `${HEALTH_PORT}`,
        maxSessions: '${STREAMSPACE_MAX_SESSIONS:-100}',
        reconnectDelay: '200ms',
        maxReconnectDelay: '10s',
        logLevel: '${LOG_LEVEL:-info}',
      }),
      volumes: [
        volume('agent-secrets', SECRETS, true),
        ENGINE_SOCKET,
      ],
      networks: ['inside'],
      ...health([
        'CMD',
        'node',
        '-e',
        `fetch('http://127.0.0.1:${HEALTH_PORT}/ready').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`,
      ]),
      ...after({ hub: 'healthy', store: 'healthy', 'desktop-image': 'completed_successfully' }),
      ...lasting(CHART.k8sAgent.terminationGracePeriodSeconds),
      ...hardened(memoryLimit(CHART.k8sAgent)),
    },
  },
  welcome: {
    comment: 'Says the link that signs in, and makes a first desktop. Again: docker compose run --rm welcome',
    value: {
      image: IMAGES.hub,
      user: USER,
      entrypoint: withSecrets('hub', 'link', '--admin', '--for', '24h', '--first-desktop', `http://hub:${HTTP_PORT}`),
      command: ['--user', '${STREAMSPACE_USER:-admin}'],
      environment: hubEnvironment({ publicUrl: PUBLIC_URL }),
      volumes: [volume('hub-secrets', SECRETS, true)],
      networks: ['inside'],
      healthcheck: { disable: true },
      restart: 'no',
      ...after({ hub: 'healthy', agent: 'healthy' }),
      ...hardened(memoryLimit(CHART.api)),
    },
  },
  tls: {
    comment: `docker compose --profile tls up: HTTPS for STREAMSPACE_SITE, by an authority of its own (internal) or by ACME (STREAMSPACE_TLS is then the
account’s e-mail address, and the ports 80 and 443 of this host have to be reachable from the internet).`,
    value: {
      image: '${STREAMSPACE_TLS_IMAGE:-caddy:2}',
      profiles: ['tls'],
      user: '0:0',
      entrypoint: ['caddy', 'run', '--adapter', 'caddyfile', '--config', '/etc/caddy/Caddyfile'],
      environment: {
        STREAMSPACE_SITE: '${STREAMSPACE_SITE:-localhost}',
        STREAMSPACE_TLS: '${STREAMSPACE_TLS:-internal}',
        XDG_DATA_HOME: '/data',
        XDG_CONFIG_HOME: '/tmp',
      },
      volumes: [
        volume('tls', '/data'),
        { type: 'bind', source: './Caddyfile', target: '/etc/caddy/Caddyfile', read_only: true },
      ],
      ports: ['${STREAMSPACE_HTTP_PORT:-80}:80', '${STREAMSPACE_HTTPS_PORT:-443}:443'],
      networks: ['outside'],
      ...after({ hub: 'healthy' }),
      ...lasting(30),
      ...hardened('256m'),
      // ports below 1024
      cap_add: ['NET_BIND_SERVICE'],
      ...health(['CMD', 'caddy', 'version']),
    },
  },
};

const HEADER = `Hub, store and three replicas of an agent on one Docker engine: docker compose -f deploy/compose.yaml up
docs/docker.md explains it. Written by \`npm run update\` from the tables of settings (settings/) and the chart's values: change it by a
second file (-f), not here.`;

/** deploy/compose.yaml. */
export const composeFile = (): string =>
  commentedYaml(HEADER, {
    name: 'streamspace',
    services: SERVICES,
    networks: { inside: { internal: true }, outside: {} },
    volumes: Object.fromEntries(
      ['hub-secrets', 'agent-secrets', 'store-secrets', 'store-data', 'tls'].map((name) => [name, {}]),
    ),
  });

const ENGINE = '/run/engine';
const PROXY_HEADER = `A second file that takes the engine's socket from the agent: docker compose -f deploy/compose.yaml -f deploy/compose.socket-proxy.yaml up
A proxy lets through what the agent asks, and nothing else (docs/docker.md says what that is worth). Written by \`npm run update\`.`;

/** deploy/compose.socket-proxy.yaml. */
export const socketProxyOverride = (): string =>
  commentedYaml(PROXY_HEADER, {
    services: {
      engine: {
        comment: 'It has no network; what it makes is a socket in a volume.',
        value: {
          image: '${STREAMSPACE_NGINX_IMAGE:-nginx:1.28}',
          user: '0:0',
          entrypoint: [
            'sh',
            '-c',
            `rm -f ${ENGINE}/docker.sock && exec nginx -e stderr -c /etc/streamspace/socket-proxy.conf`,
          ],
          volumes: [
            volume('engine', ENGINE),
            ENGINE_SOCKET,
            {
              type: 'bind',
              source: './socket-proxy.conf',
              target: '/etc/streamspace/socket-proxy.conf',
              read_only: true,
            },
          ],
          network_mode: 'none',
          ...health(['CMD-SHELL', `test -S ${ENGINE}/docker.sock`]),
          ...lasting(30),
          ...hardened('128m'),
          // nginx sets the groups of its workers
          cap_add: ['SETGID'],
        },
      },
      agent: {
        comment: 'No longer root, and without the socket.',
        value: {
          user: USER,
          environment: agentEnvironment({ dockerHost: `unix://${ENGINE}/docker.sock` }),
          volumes: [volume('agent-secrets', SECRETS, true), volume('engine', ENGINE)],
          ...after({ engine: 'healthy' }),
        },
      },
    },
    volumes: { engine: {} },
  }).replace(/(\n  agent:\n(?: {4}.*\n)*?) {4}volumes:/, '$1    volumes: !override');
