import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readAgentConfig } from '../../agent/src/config.ts';
import { DEFAULT_TEMPLATES } from '../../api/src/sessions/templates.ts';
import { readHubConfig } from '../../api/src/config.ts';
import { PROGRAMS, STORE } from '../../ci/kind/images.ts';
import { atDefaults } from '../../manifests-src/src/deploy/environment.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Service {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly profiles?: readonly string[];
}
const file = parse(readFileSync(`${root}deploy/compose.yaml`, 'utf8')) as { services: Record<string, Service> };
const { services } = file;
const environmentOf = (service: string): Record<string, string> =>
  Object.fromEntries(Object.entries(services[service]!.environment!).map(([name, text]) => [name, atDefaults(text)]));

describe('D9 deploy/compose.yaml', () => {
  it('has settings that the programs accept, and the images of the chart', () => {
    const hub = readHubConfig({ ...environmentOf('hub'), JWT_SECRET: 'x'.repeat(32), ENROLMENT_TOKEN: 'x'.repeat(32) });
    expect(hub.publicUrl).toBe('http://localhost:8080');
    const agent = readAgentConfig({ ...environmentOf('agent'), LEASE_LOCK: 'redis://store:6379', HOME: '/' }, 'one');
    expect(agent).toMatchObject({ platform: 'docker', enableHa: true });
    expect([...hub.agentEnrolment.keys()].concat(agent.agentId)).toEqual(['streamspace', 'streamspace']);
    const image = (service: string) => atDefaults(services[service]!.image);
    expect(['hub', 'agent', 'store', 'desktop-image'].map(image)).toEqual([
      PROGRAMS.api,
      PROGRAMS.agent,
      STORE,
      DEFAULT_TEMPLATES[0]!.image,
    ]);
  });

  it('says of each service that lasts when it is healthy, and waits for those that others need', () => {
    for (const [name, { healthcheck, depends_on = {} }] of Object.entries(services)) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const lasts = services[other]!.healthcheck !== undefined && services[other]!.healthcheck.disable !== true;
        expect(condition, `${name} after ${other}`).toBe(lasts ? 'service_healthy' : 'service_completed_successfully');
      }
      if (['hub', 'store', 'agent', 'tls'].includes(name)) expect(healthcheck?.disable, name).not.toBe(true);
    }
  });
});

describe('D9 an agent alone', () => {
  const lines = (path: string) => readFileSync(`${root}deploy/${path}`, 'utf8').split('\n');
  const pairs = (from: readonly string[]): [string, string][] =>
    from.flatMap((line) => {
      const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value!]];
    });
  const own = pairs(lines('agent.env'));

  it('has settings that the agent accepts, in the systemd unit and in the Quadlet', () => {
    const inUnit = pairs(
      lines('streamspace-agent.service')
        .flatMap((line) => line.trim().split(' '))
        .filter((word) => /^[A-Z_]+=/.test(word)),
    );
    const inQuadlet = pairs(
      lines('streamspace-agent.container').flatMap((line) => /^Environment=(.*)/.exec(line)?.slice(1) ?? []),
    );
    expect(inUnit).toEqual(inQuadlet);
    expect(readAgentConfig(Object.fromEntries([...own, ...inUnit]), 'one')).toMatchObject({
      platform: 'docker',
      agentId: 'docker-1',
      stateDir: '/var/lib/streamspace',
    });
  });

  it('has only keys that Quadlet knows', () => {
    const known =
      'Image ContainerName EnvironmentFile Environment Volume User ReadOnly Tmpfs DropCapability NoNewPrivileges SecurityLabelDisable';
    const [, container] = /\[Container\]\n([^[]*)/.exec(lines('streamspace-agent.container').join('\n'))!;
    const keys = container!.split('\n').flatMap((line) => /^(\w+)=/.exec(line)?.slice(1) ?? []);
    expect(keys.length).toBeGreaterThan(8);
    expect(keys.filter((key) => !known.split(' ').includes(key))).toEqual([]);
  });

  const analyze = spawnSync('systemd-analyze', ['--version'], { stdio: 'ignore' }).status === 0;
  it.skipIf(!analyze || !existsSync('/usr/bin/docker'))(
    'is a unit that systemd takes (needs systemd-analyze and Docker)',
    () => {
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', `${root}deploy/streamspace-agent.service`], {
        encoding: 'utf8',
      });
      expect([status, stderr.includes('streamspace-agent')], stderr).toEqual([0, false]);
    },
  );
});
