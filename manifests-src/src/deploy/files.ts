import { composeFile, socketProxyOverride } from './compose.ts';
import { agentEnvFile, quadlet, systemdUnit } from './units.ts';
import { caddyfile } from './caddyfile.ts';

/** The generated files of deploy/, by path from the root. */
export const deployFiles = (): Map<string, string> =>
  new Map([
    ['deploy/compose.yaml', composeFile()],
    ['deploy/compose.socket-proxy.yaml', socketProxyOverride()],
    ['deploy/agent.env', agentEnvFile()],
    ['deploy/streamspace-agent.service', systemdUnit()],
    ['deploy/streamspace-agent.container', quadlet()],
    ['deploy/Caddyfile', caddyfile()],
  ]);
