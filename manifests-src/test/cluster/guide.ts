import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { userToken } from '../../../ci/kind/install.ts';
import { TEMPLATE } from '../../../ci/ha/counter.ts';
import { PROGRAMS } from '../../../ci/kind/images.ts';
import type { Cluster } from '../support/cluster.ts';
import { AGENT_VALUES, ControlPlane } from '../support/control-plane.ts';
import { HEALTH, INSTALL, NOT_RUN, PLAIN, SESSIONS, TOKEN } from '../support/guide.ts';
import { MORE, OPERATIONS, PREVIOUS } from '../support/guide-operations.ts';
import type { Line } from '../support/line.ts';
import { installMetrics } from '../support/metrics-server.ts';
import { Reader } from '../support/reader.ts';
import { REPORT } from '../support/report.ts';
import { type Repository, serveCharts } from '../support/repository.ts';
import { onPath } from '../support/tools.ts';

const NAMESPACES = ['streamspace', 'tenant-a', 'tenant-b'];
/** The agents of MORE. */
const OTHERS = [
  'k8s-eu-west',
  'k8s-primary',
  'k8s-prod-eu-west-1',
  'k8s-standby',
  'k8s-tenant-a',
  'k8s-tenant-b',
  'k8s-us-east',
];

/** What stands for the reader's own: the charts' repository, the way to the control plane and to a pod, and what agents are told besides. */
const READERS_OWN = `curl() { command curl --cacert "$HOME/ca.crt" --connect-to "streamspace.example.com:443:127.0.0.1:$DOOR_PORT" $AGENT_PORTS "$@"; }
helm() {
  case "$*" in
    'repo add '*) command helm repo add "$3" "$REPOSITORY";;
    'install streamspace-k8s-agent '*) command helm "$@" --values first.json;;
    'install '*) command helm "$@" --values more.json;;
    *) command helm "$@";;
  esac
}`;

const titled = (lines: readonly Line[]) =>
  lines.map((line) => [line.type.replace(/^cat[^]*?\nEOF\n/, ''), line] as const);
/** Up to a line, without it. */
const before = (lines: readonly Line[], type: string) =>
  lines.slice(
    0,
    lines.findIndex((line) => line.type === type),
  );

/** The lines of the HA report, at a release of the chart called `streamspace`, in the namespace `streamspace`. */
export function reportOn(cluster: () => Cluster): void {
  let reader: Reader;
  beforeAll(async () => {
    reader = await Reader.at(cluster());
    // its release was never highly available
    await reader.type('kubectl delete lease --all');
  });
  it.each(titled(REPORT))('%s', (_title, line) => reader.run(line));
}

/** The lines of the agent's guide, from an empty namespace on. */
export function guideOn(cluster: () => Cluster): void {
  let reader: Reader;
  let repository: Repository;
  let controlPlane: ControlPlane;
  const run = (lines: readonly Line[]) => it.each(titled(lines))('%s', (_title, line) => reader.run(line));
  const agents = async () => {
    const answer = await reader.type(
      'curl -fsS -H "Authorization: Bearer $JWT_TOKEN" https://streamspace.example.com/api/v1/agents',
    );
    return (JSON.parse(answer) as { items: { id: string; connected: boolean }[] }).items;
  };

  beforeAll(async () => {
    await cluster().kubectl('delete', 'namespace', ...NAMESPACES, '--ignore-not-found');
    repository = await serveCharts(onPath('helm')!);
    controlPlane = new ControlPlane(cluster());
    await controlPlane.prepare();
    await installMetrics(cluster(), PROGRAMS.agent);
    reader = await Reader.at(cluster(), READERS_OWN);
    const token = await userToken('minimal');
    Object.assign(reader.env, { JWT_TOKEN: token, JWT: token, REPOSITORY: repository.url, AGENT_PORTS: '' });
    copyFileSync(controlPlane.certificate, join(reader.home, 'ca.crt'));
    const told = (enrolment: object) => JSON.stringify({ ...AGENT_VALUES, enrolment });
    const existingSecret = { name: 'streamspace-k8s-agent-token' };
    writeFileSync(join(reader.home, 'first.json'), told({ existingSecret }));
    writeFileSync(join(reader.home, 'more.json'), told({ token: 'for-tests-only-0123456789abcdef0123456789' }));
  });

  afterAll(async () => {
    repository?.close();
    await controlPlane?.close();
    await cluster().tryKubectl('delete', 'namespace', ...NAMESPACES, '--wait=false');
  });

  describe('without a chart', () => {
    const known = before(PLAIN, TOKEN).length + 1;
    run(PLAIN.slice(0, known));
    it('the control plane is told of the token', async () => {
      const secret = [
        'get',
        'secret',
        'streamspace-k8s-agent-token',
        '-o',
        'go-template={{.data.token | base64decode}}',
      ];
      const token = await cluster().kubectl('-n', 'streamspace', ...secret);
      reader.env['DOOR_PORT'] = `${await controlPlane.start(token)}`;
    });
    run(PLAIN.slice(known));
    afterAll(async () => {
      await reader.type('kubectl delete -f deployment.yaml -f rbac.yaml -f networkpolicy.yaml');
    });
  });

  describe('with the chart', () => {
    run(INSTALL);
    it.each(titled(HEALTH))('%s', (_title, line) =>
      reader.while(
        'kubectl port-forward -n streamspace deployment/streamspace-k8s-agent :8080 :9090',
        /-> 8080[^]*-> 9090/,
        async (printed) => {
          const at = (port: number) => new RegExp(`127\\.0\\.0\\.1:(\\d+) -> ${port}`).exec(printed)![1];
          reader.env['AGENT_PORTS'] = [8080, 9090]
            .map((port) => `--connect-to agent-pod:${port}:127.0.0.1:${at(port)}`)
            .join(' ');
          await reader.run(line);
        },
      ),
    );
    it('its container ends, and another one begins', async () => {
      await reader.type('kubectl exec deployment/streamspace-k8s-agent -- node -e "process.kill(1)"');
    });
    run([PREVIOUS]);
    it('a user has a session', async () => {
      await reader.type(`curl -fsS -X POST -H "Authorization: Bearer $JWT_TOKEN" -H 'Content-Type: application/json' \\
        -d '{"template":"${TEMPLATE}"}' https://streamspace.example.com/api/v1/sessions`);
      await reader.run({ type: 'kubectl get pods -l app=session', shows: /1\/1 +Running/ });
    });
    run(SESSIONS);
    run(OPERATIONS);
  });

  describe('more agents', () => {
    beforeAll(async () => {
      for (const name of NAMESPACES.slice(1)) await cluster().kubectl('create', 'namespace', name);
    });
    run(MORE);
    it('are at the control plane', async () => {
      for (;;) {
        const found = (await agents()).filter(({ connected }) => connected).map(({ id }) => id);
        if (found.length >= OTHERS.length) {
          expect(found.sort()).toEqual(OTHERS);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    });
  });

  it('there is no other line, but for these', () => {
    const all = [...PLAIN, ...INSTALL, ...HEALTH, ...SESSIONS, ...OPERATIONS, PREVIOUS, ...MORE];
    expect(all.map(({ type }) => type).filter((type) => !reader.ran.has(type))).toEqual([]);
    console.log(NOT_RUN.map(([lines, reason]) => `not run: ${lines}\n  ${reason}`).join('\n'));
  });
}
