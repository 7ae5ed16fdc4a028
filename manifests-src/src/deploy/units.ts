import { STATE_DIR } from '../objects/agent-env.ts';
import { agentEnvironment, atDefaults } from './environment.ts';
import { CHART, IMAGES, memoryLimit } from './images.ts';

const NAME = 'streamspace-agent';
const SOCKET = '/var/run/docker.sock';
const IMAGE = atDefaults(IMAGES.agent);
const ENVIRONMENT = agentEnvironment({ platform: 'docker', dockerHost: `unix://${SOCKET}`, stateDir: STATE_DIR });
const GRACE = CHART.k8sAgent.terminationGracePeriodSeconds;
const DESCRIPTION = 'StreamSpace agent: desktops on this host';
const variables = Object.entries(ENVIRONMENT).map(([name, value]) => `${name}=${value}`);

const section = (name: string, lines: readonly string[]): string => `[${name}]\n${lines.join('\n')}\n`;
const header = (...lines: string[]): string => lines.map((line) => `# ${line}\n`).join('');

/** deploy/agent.env: what an installation has to say. */
export const agentEnvFile = (): string =>
  header(
    'Settings of an agent alone, for streamspace-agent.service and streamspace-agent.container; docs/agent.md has all of them.',
    'Make it readable for root only (chmod 600): the token lets an agent in. Written by `npm run update`.',
  ) +
  Object.entries(
    agentEnvironment({ agentId: 'docker-1', controlPlaneUrl: 'wss://hub.example.com', agentToken: 'sse_replace-this-token' }),
  )
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

/** deploy/streamspace-agent.service: an agent as a container that systemd keeps running. */
export const systemdUnit = (): string =>
  header(
    'An agent on a Docker engine: put this file into /etc/systemd/system, agent.env into /etc/streamspace, then',
    'systemctl daemon-reload && systemctl enable --now streamspace-agent. Written by `npm run update`.',
  ) +
  [
    section('Unit', [`Description=${DESCRIPTION}`, 'Wants=network-online.target docker.service', 'After=network-online.target docker.service']),
    section('Service', [
      `ExecStartPre=-/usr/bin/docker rm -f ${NAME}`,
      `ExecStart=/usr/bin/docker run --rm --name ${NAME} --env-file /etc/streamspace/agent.env \\`,
      `  --user 0:0 --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --memory ${memoryLimit(CHART.k8sAgent)} --pids-limit 512 \\`,
      `  -v ${SOCKET}:${SOCKET} -v ${NAME}:${STATE_DIR} \\`,
      `  ${variables.map((each) => `-e ${each}`).join(' ')} ${IMAGE}`,
      `ExecStop=/usr/bin/docker stop -t ${GRACE} ${NAME}`,
      'Restart=always',
      'RestartSec=5',
      `TimeoutStopSec=${GRACE + 15}`,
    ]),
    section('Install', ['WantedBy=multi-user.target']),
  ].join('\n');

/** deploy/streamspace-agent.container: the same for Podman, as root or as a user. */
export const quadlet = (): string =>
  header(
    'An agent on Podman, which makes a systemd unit of this file (Quadlet, Podman 4.4 or later). As root: this file into /etc/containers/systemd,',
    'agent.env into /etc/streamspace. As a user: ~/.config/containers/systemd and ~/.config/streamspace. Then systemctl [--user] daemon-reload',
    'and start streamspace-agent. Written by `npm run update`.',
  ) +
  [
    section('Unit', [`Description=${DESCRIPTION}`, 'Requires=podman.socket', 'After=podman.socket']),
    section('Container', [
      `Image=docker.io/${IMAGE}`,
      `ContainerName=${NAME}`,
      // /etc, or the user's configuration
      `EnvironmentFile=%E/streamspace/agent.env`,
      ...variables.map((each) => `Environment=${each}`),
      `Volume=%t/podman/podman.sock:${SOCKET}`,
      `Volume=${NAME}:${STATE_DIR}`,
      'User=0',
      'ReadOnly=true',
      'Tmpfs=/tmp',
      'DropCapability=all',
      'NoNewPrivileges=true',
      'SecurityLabelDisable=true',
    ]),
    section('Service', ['Restart=always', 'RestartSec=5', `TimeoutStopSec=${GRACE + 15}`]),
    section('Install', ['WantedBy=default.target']),
  ].join('\n');
