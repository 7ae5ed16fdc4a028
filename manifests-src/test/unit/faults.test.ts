import { describe, expect, it } from 'vitest';
import { k8sAgent } from '../../src/charts/k8s-agent.ts';
import { streamspace } from '../../src/charts/streamspace.ts';
import type { ChartSource } from '../../src/charts/chart.ts';
import { type RenderedObject, objectsOf } from '../../src/render/synth.ts';
import { schemaFile } from '../../src/render/schema-file.ts';
import { coalesceValues } from '../../src/values/tree.ts';
import { BASES, RELEASE } from '../support/bases.ts';
import { problems } from '../support/valid.ts';

// Faults that charts of this class have had, each by its number. What is about a running cluster is in test/cluster/faults.test.ts.

const umbrella = streamspace();
const render = (values: object, release = RELEASE, source: ChartSource = umbrella) =>
  objectsOf(source, release, coalesceValues(BASES[source.name === 'k8s-agent' ? source.name : 'streamspace'], values), {
    tests: true,
  });
const wrong = (values: object, source: ChartSource = umbrella) =>
  problems(source, RELEASE, coalesceValues(BASES[source.name], values)) ?? [];

interface Pod {
  readonly metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
  readonly spec: {
    containers: { env?: { name: string; value?: string }[] }[];
    securityContext: Record<string, unknown>;
    tolerations?: unknown;
    nodeSelector?: unknown;
  };
}
const find = (objects: readonly RenderedObject[], kind: string, name: string): RenderedObject =>
  objects.find((object) => object.kind === kind && object.metadata.name === name)!;
const spec = <T>(object: RenderedObject): T => object['spec'] as T;
const podOf = (objects: readonly RenderedObject[], name: string): Pod =>
  spec<{ template: Pod }>(
    objects.find(({ kind, metadata }) => ['Deployment', 'StatefulSet'].includes(kind) && metadata.name === name)!,
  ).template;
const api = 'streamspace-api';
const agent = 'streamspace-k8s-agent';
const redis = 'streamspace-redis';

describe('F1 namespaces that a release makes', () => {
  const objects = render({
    namespace: { create: true },
    k8sAgent: { config: { namespace: 'sessions' }, sessionNamespace: { create: true } },
    argocd: { syncWaves: true },
    commonLabels: { team: 'a' },
    commonAnnotations: { 'example.com/owner': 'b' },
  });
  const wave = ({ metadata }: RenderedObject) =>
    Number((metadata['annotations'] as Record<string, string>)['argocd.argoproj.io/sync-wave']);

  it.each(['sessions', 'desktops'])('%s: come before all that lies in it, and stay', (name) => {
    const namespace = find(objects, 'Namespace', name);
    expect(namespace.metadata['annotations']).toMatchObject({
      'helm.sh/resource-policy': 'keep',
      'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
      'example.com/owner': 'b',
    });
    expect(namespace.metadata['labels']).toMatchObject({
      team: 'a',
      'pod-security.kubernetes.io/enforce': 'restricted',
    });
    const inside = objects.filter(({ kind, metadata }) => kind !== 'Pod' && metadata.namespace === name);
    expect(inside.length).toBeGreaterThan(2);
    for (const object of inside)
      expect(wave(object), `${object.kind} ${object.metadata.name}`).toBeGreaterThan(wave(namespace));
  });
});

describe('F2 IPv6', () => {
  it('the hub listens on both families, and gets its address as the kubelet writes it', () => {
    const { env } = podOf(render({}), api).spec.containers[0]!;
    expect(env!.find(({ name }) => name === 'HOST')).toEqual({ name: 'HOST', value: '::' });
    expect(env!.find(({ name }) => name === 'HUB_ADDRESS')).toEqual({ name: 'HUB_ADDRESS', value: '$(POD_IP)' });
  });
  it.each(['wss://[fd00::1]', 'wss://[2001:db8::1]:8443/hub', 'ws://[fd00::1]:8080', 'ws://[::1]:8080'])(
    'takes %s',
    (url) => {
      expect(wrong({ k8sAgent: { config: { controlPlaneUrl: url } } })).toEqual([]);
    },
  );
  it.each(['wss://[fd00::1', 'wss://[fd00:::1]', 'wss://[1:2:3]', 'wss://fd00::1'])('refuses %s', (url) => {
    expect(wrong({ k8sAgent: { config: { controlPlaneUrl: url } } })[0]).toMatch(
      /controlPlaneUrl: takes a WebSocket URL/,
    );
  });
  it('refuses ws:// to a public address of IPv6', () => {
    expect(wrong({ k8sAgent: { config: { controlPlaneUrl: 'ws://[2001:db8::1]' } } })[0]).toMatch(/use wss/);
  });
});

describe('F3 names', () => {
  const everything = {
    k8sAgent: { replicaCount: 2, ha: { enabled: true, createLease: true }, resourceQuota: { enabled: true } },
    api: { replicaCount: 2, auth: { jwksUrl: '', secret: 'x'.repeat(32) } },
    redis: { auth: { password: 'x'.repeat(16) } },
  };
  it.each([
    'a'.repeat(53),
    `${'a-'.repeat(26)}a`,
    `${'a.'.repeat(26)}a`,
    '9lives',
    'a.b',
    'streamspace',
    `${'1'.repeat(41)}streamspace`,
  ])('of a release called %s fit', (name) => {
    const long = { ...umbrella, version: `1.2.3-${'x'.repeat(70)}+sha.0`, appVersion: `1.2.3+${'y.'.repeat(40)}` };
    for (const object of render(everything, { ...RELEASE, name }, long)) {
      const { kind, metadata } = object;
      expect(metadata.name, kind).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
      if (kind === 'StatefulSet') expect(metadata.name.length).toBeLessThanOrEqual(52);
      const labels = {
        ...(metadata['labels'] as object),
        ...(object['spec'] as { template?: Pod })?.template?.metadata.labels,
      };
      for (const [key, value] of Object.entries(labels))
        expect(value, key).toMatch(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/);
    }
  });
});

describe('F4 replicas that need a node each', () => {
  const strategy = (values: object, name: string) =>
    spec<{ strategy: unknown }>(find(render(values), 'Deployment', name)).strategy;
  const apart = { podAntiAffinity: { type: 'required' } };
  it('are replaced old one first', () => {
    const values = {
      api: { replicaCount: 3, ...apart },
      k8sAgent: { replicaCount: 3, ha: { enabled: true }, ...apart },
    };
    for (const name of [api, agent])
      expect(strategy(values, name)).toEqual({
        type: 'RollingUpdate',
        rollingUpdate: { maxSurge: 0, maxUnavailable: 1 },
      });
  });
  it('are replaced as the user says', () => {
    expect(strategy({ api: { ...apart, strategy: { type: 'Recreate' } } }, api)).toEqual({ type: 'Recreate' });
    expect(strategy({ api: { replicaCount: 3 } }, api)).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
    });
  });
});

describe('F5 a new value of a Secret that the chart makes', () => {
  const secrets = (n: number) => ({
    enrolment: { existingSecret: { name: '' }, token: `${n}`.repeat(32) },
    api: {
      auth: { jwksUrl: '', secret: `${n}`.repeat(33) },
      peers: { existingSecret: { name: '' }, secret: `${n}`.repeat(34) },
    },
    redis: { auth: { password: `${n}`.repeat(16) } },
  });
  const annotations = (values: object, name: string) => podOf(render(values), name).metadata.annotations ?? {};
  it.each([
    [api, { ...secrets(1), enrolment: secrets(2).enrolment }],
    [api, { ...secrets(1), api: { ...secrets(1).api, auth: secrets(2).api.auth } }],
    [api, { ...secrets(1), api: { ...secrets(1).api, peers: secrets(2).api.peers } }],
    [api, { ...secrets(1), redis: secrets(2).redis }],
    [redis, { ...secrets(1), redis: secrets(2).redis }],
  ])('rolls %s', (name, changed) => {
    expect(annotations(changed, name)).not.toEqual(annotations(secrets(1), name));
    expect(JSON.stringify(annotations(secrets(1), name))).not.toContain('1'.repeat(16));
  });
  it('rolls nothing that reads it from a file, or not at all', () => {
    expect(annotations({ ...secrets(1), enrolment: secrets(2).enrolment }, agent)).toEqual(
      annotations(secrets(1), agent),
    );
    expect(annotations({ ...secrets(2), redis: secrets(1).redis }, redis)).toEqual(annotations(secrets(1), redis));
  });
});

describe('F6 runAsUser: 0', () => {
  it('leaves user and group to the platform in every pod', () => {
    const objects = render({ api: { runAsUser: 0 }, k8sAgent: { runAsUser: 0 }, redis: { runAsUser: 0 } });
    const pods = [podOf(objects, api), podOf(objects, agent), podOf(objects, redis)].map(({ spec: inner }) => inner);
    const tests = objects.filter(({ kind }) => kind === 'Pod').map((each) => spec<Pod['spec']>(each));
    expect(tests).toHaveLength(2);
    for (const { securityContext } of [...pods, ...tests]) {
      expect(Object.keys(securityContext)).not.toContain('runAsUser');
      expect(Object.keys(securityContext)).not.toContain('fsGroup');
      expect(securityContext).toMatchObject({ runAsNonRoot: true });
    }
  });
});

describe('F7 an external store', () => {
  const ports = (external: object, store: object = {}) =>
    spec<{ egress: { ports: { port: number }[] }[] }>(
      find(render({ redis: { external }, networkPolicy: { store } }), 'NetworkPolicy', api),
    )
      .egress.map((rule) => rule.ports.map(({ port }) => port))
      .find((all) => !all.includes(53) && !all.includes(8080) && !all.includes(443));
  it.each([
    ['redis://a:7000', [7000]],
    ['rediss://cache.example.com', [6379]],
    ['redis://[fd00::1]:7001/2', [7001]],
    ['redis+cluster://a:7000,b:7001,c:7000', [7000, 7001]],
    ['rediss+cluster://a,b:7001', [7001, 6379]],
    ['redis+sentinel://a:26380,b/primary', [26_380, 26_379, 6379]],
  ])('%s passes, on its ports alone', (url, expected) => {
    expect(ports({ url })).toEqual(expected);
  });
  it('is reached on the ports that the user names, and on the usual ones where a Secret has its URL', () => {
    expect(ports({ url: 'redis://a:7000' }, { ports: [1234] })).toEqual([1234]);
    expect(ports({ existingSecret: { name: 'a' } })).toEqual([6379, 6380, 26_379]);
  });
  it.each(['redis+sentinel://a:26379', 'redis://a,b', 'redis+cluster://a/1', 'redis://a:70000', 'http://a'])(
    'refuses %s',
    (url) => {
      expect(wrong({ redis: { external: { url } } })[0]).toMatch(
        /redis.external.url: takes redis:\/\/host:port, redis\+sentinel/,
      );
    },
  );
  it('refuses waitReplicas where there is no replica', () => {
    expect(wrong({ redis: { external: { waitReplicas: 1 } } })[0]).toMatch(
      /waitReplicas: the installed Valkey has no replicas/,
    );
  });
});

describe('F9 in a parent chart', () => {
  const schema = JSON.parse(schemaFile('x', umbrella.schema)) as { patternProperties: object };
  it('takes the key that its condition names, globals of others, and anchors', () => {
    const values = { enabled: true, global: { storageClass: 'x', other: { a: 1 } }, 'x-labels': { a: 'b' } };
    expect(wrong(values)).toEqual([]);
    expect(schema.patternProperties).toEqual({ '^(enabled|x-.+)$': {} });
    expect(wrong({ enable: true })[0]).toMatch(/enable: unknown key/);
  });
  it.each([umbrella, k8sAgent()].map((source) => [source.folder, source] as const))(
    'two aliases of %s in one release share nothing',
    (_folder, source) => {
      const names = (alias: string) =>
        objectsOf({ ...source, name: alias }, RELEASE, BASES[source.name], { tests: true }).map(
          ({ kind, metadata }) => `${kind}/${metadata.namespace}/${metadata.name}`,
        );
      const all = [...names('east'), ...names('West_2'), ...names(source.name)];
      expect(new Set(all).size).toBe(all.length);
      for (const name of all) expect(name).toMatch(/\/[a-z]([-a-z0-9]*[a-z0-9])?$/);
    },
  );
});

describe('F11 disruption budgets', () => {
  it.each([
    [{ minAvailable: 0 }, 2, /minAvailable: 0 protects nothing/],
    [{ minAvailable: '0%' }, 2, /minAvailable: 0 protects nothing/],
    [{ maxUnavailable: 0 }, 2, /maxUnavailable: 0 blocks every drain/],
    [{ maxUnavailable: '0%' }, 3, /maxUnavailable: 0 blocks every drain/],
    [{ minAvailable: '99%' }, 2, /minAvailable: 99% of 2 replicas, rounded up, are all of them/],
    [{ minAvailable: '67%' }, 3, /67% of 3 replicas/],
    [{ minAvailable: 3 }, 3, /minAvailable: 3 of 3 replicas/],
    [{ minAvailable: '100%' }, 2, /100% of 2/],
    [{ minAvailable: '101%' }, 2, /a percentage from 0% to 100%/],
  ])('%j of %i replicas is refused, with the reason', (pdb, replicaCount, says) => {
    expect(wrong({ api: { replicaCount, pdb } }).join('\n')).toMatch(says);
  });
  it.each([
    [{ minAvailable: '50%' }, 2],
    [{ minAvailable: '66%' }, 3],
    [{ maxUnavailable: '1%' }, 2],
    [{ minAvailable: 1 }, 2],
  ])('%j of %i replicas is taken', (pdb, replicaCount) => {
    expect(wrong({ api: { replicaCount, pdb } })).toEqual([]);
  });
});

describe('F13 registry and pull secrets', () => {
  const env = (values: object) =>
    Object.fromEntries(podOf(render(values), agent).spec.containers[0]!.env!.map(({ name, value }) => [name, value]));
  it('reach the sessions’ images', () => {
    const values = { global: { imageRegistry: 'r.example.com', imagePullSecrets: ['a'] }, imagePullSecrets: ['b'] };
    expect(env(values)).toMatchObject({ SESSION_IMAGE_REGISTRY: 'r.example.com', SESSION_IMAGE_PULL_SECRETS: 'b,a' });
    expect(env({ ...values, k8sAgent: { config: { session: { imageRegistry: 's.example.com' } } } })).toMatchObject({
      SESSION_IMAGE_REGISTRY: 's.example.com',
    });
    expect(Object.keys(env({}))).not.toContain('SESSION_IMAGE_REGISTRY');
    expect(Object.keys(env({}))).not.toContain('SESSION_IMAGE_PULL_SECRETS');
  });
});

describe('F14 a CA or common metadata', () => {
  it('does not restart the store', () => {
    const plain = podOf(render({}), redis);
    const changed = {
      ca: { pem: '-----BEGIN CERTIFICATE-----' },
      commonLabels: { team: 'a' },
      commonAnnotations: { 'example.com/a': 'b' },
    };
    expect(podOf(render(changed), redis)).toEqual(plain);
  });
});

describe('F12 network policies', () => {
  const agents = 'streamspace-k8s-agent-pods';
  interface Rule {
    readonly to?: { ipBlock?: { cidr: string }; namespaceSelector?: { matchLabels?: Record<string, string> } }[];
    readonly from?: unknown;
    readonly ports?: { port: number }[];
  }
  const rules = (values: object, name: string) =>
    spec<{ ingress: Rule[]; egress: Rule[] }>(find(render(values), 'NetworkPolicy', name));
  const dns = (values: object) => rules(values, agents).egress[0]!.to!;
  const apiPorts = (values: object) => rules(values, agents).egress[1]!.ports!.map(({ port }) => port);
  const preset = (name: string) => ({ networkPolicy: { preset: name } });

  it('let a cache on the node be asked, unless told otherwise', () => {
    expect(dns({})).toContainEqual({ ipBlock: { cidr: '169.254.20.10/32' } });
    expect(dns({ networkPolicy: { dns: { nodeLocal: false } } })).toHaveLength(1);
  });
  it.each([
    ['generic', [443, 6443], 'kube-system'],
    ['openshift', [443, 6443], 'openshift-dns'],
    ['microk8s', [16_443], 'kube-system'],
    ['minikube', [8443], 'kube-system'],
  ])('find API server and DNS of %s', (name, ports, namespace) => {
    expect(apiPorts(preset(name))).toEqual(ports);
    expect(dns(preset(name))[0]!.namespaceSelector!.matchLabels).toEqual({ 'kubernetes.io/metadata.name': namespace });
    const own = { networkPolicy: { preset: name, apiServer: { ports: [7443] }, dns: { namespace: 'dns' } } };
    expect(apiPorts(own)).toEqual([7443]);
    expect(dns(own)[0]!.namespaceSelector!.matchLabels).toEqual({ 'kubernetes.io/metadata.name': 'dns' });
  });
  it.each([
    ['api', api],
    ['agent', agents],
    ['redis', redis],
    ['sessions', 'streamspace-k8s-agent-sessions'],
  ])('of %s have what the user adds', (key, name) => {
    const extraIngress = [{ from: [{ ipBlock: { cidr: '192.0.2.1/32' } }] }];
    const extraEgress = [{ to: [{ ipBlock: { cidr: '192.0.2.2/32' } }] }];
    const { ingress, egress } = rules({ networkPolicy: { [key]: { extraIngress, extraEgress } } }, name);
    expect(ingress.at(-1)).toEqual(extraIngress[0]);
    expect(egress.at(-1)).toEqual(extraEgress[0]);
  });
  it('lead to proxies, by their URLs, by what the user says, or where a Secret has them', () => {
    const ports = (proxy: object, policy: object = {}) =>
      rules({ k8sAgent: { config: { proxy } }, networkPolicy: { proxy: policy } }, agents)
        .egress.map((rule) => (rule.ports ?? []).map(({ port }) => port))
        .filter((all) => all.some((port) => [3128, 8080, 8888].includes(port)) && !all.includes(53));
    expect(ports({ https: 'http://proxy.example.com:3128' })).toContainEqual([3128]);
    expect(ports({ https: 'http://proxy.example.com:3128' }, { ports: [8888] })).toContainEqual([8888]);
    expect(ports({ existingSecret: { name: 'proxy' } })).toContainEqual([3128, 8080]);
  });
});

describe('F17', () => {
  it('an account that nobody named never gets the agent’s rights', () => {
    const none = { k8sAgent: { serviceAccount: { create: false } } };
    expect(wrong(none)[0]).toMatch(/k8sAgent.serviceAccount.name: is empty, .* every pod .* name an account/);
    expect(wrong({ k8sAgent: { ...none.k8sAgent, rbac: { create: false } } })).toEqual([]);
    expect(wrong({ k8sAgent: { serviceAccount: { create: false, name: 'mine' } } })).toEqual([]);
  });
  it('credentials of a proxy are in a Secret', () => {
    const proxy = (values: object) => ({ k8sAgent: { config: { proxy: values } } });
    expect(wrong(proxy({ https: 'http://me:secret@proxy.example.com' }))[0]).toMatch(/proxy: has credentials in a URL/);
    const { env } = podOf(render(proxy({ existingSecret: { name: 'p', httpKey: 'plain' } })), agent).spec
      .containers[0]!;
    expect(env).toContainEqual({
      name: 'HTTPS_PROXY',
      valueFrom: { secretKeyRef: { name: 'p', key: 'https-proxy' } },
    });
    expect(env).toContainEqual({ name: 'HTTP_PROXY', valueFrom: { secretKeyRef: { name: 'p', key: 'plain' } } });
  });
  it('test pods get through, and run where the workload does', () => {
    const tolerations = [{ key: 'dedicated', operator: 'Exists' }];
    const objects = render({ api: { tolerations, nodeSelector: { pool: 'a' } } });
    const test = objects.find(({ kind, metadata }) => kind === 'Pod' && metadata.name === 'streamspace-api-test')!;
    expect(spec<Pod['spec']>(test)).toMatchObject({ tolerations, nodeSelector: { pool: 'a' } });
    const policy = find(objects, 'NetworkPolicy', 'streamspace-test');
    expect(spec<{ podSelector: { matchLabels: object } }>(policy).podSelector.matchLabels).toEqual(
      test.metadata['labels'],
    );
  });
  it('the ServiceMonitor selects by a label that Argo CD leaves alone', () => {
    const objects = render({ observability: { serviceMonitor: { enabled: true } } });
    const { selector } = spec<{ selector: { matchLabels: Record<string, string> } }>(
      find(objects, 'ServiceMonitor', api),
    );
    expect(Object.keys(selector.matchLabels)).toEqual(['streamspace.dev/service']);
    expect(find(objects, 'Service', api).metadata['labels']).toMatchObject(selector.matchLabels);
  });
});

describe('F15 null', () => {
  it('takes lists, maps and parts of them away', () => {
    const container = (values: object) => podOf(render({ k8sAgent: values }), agent).spec.containers[0]!;
    expect(container({ resources: null })).not.toHaveProperty('resources');
    expect(container({ resources: { limits: { cpu: null } } })).toMatchObject({
      resources: { limits: { memory: '256Mi', 'ephemeral-storage': '256Mi' } },
    });
    expect(JSON.stringify(container({ resources: { limits: { cpu: null } } }))).not.toContain('"cpu":"1"');
  });
  it('of what has to be there is refused, with the remedy', () => {
    expect(wrong({ k8sAgent: { replicaCount: null } })[0]).toMatch(
      /replicaCount: .* leave the key out for its default/,
    );
    expect(problems(umbrella, RELEASE, { ...BASES['streamspace'], api: null })![0]).toMatch(
      /api: .* leave the key out for its default/,
    );
  });
});

describe('what few need', () => {
  const container = (values: object) =>
    podOf(render({ api: { advanced: values } }), api) as unknown as {
      spec: { securityContext: object; containers: Record<string, unknown>[] } & Record<string, unknown>;
    };
  it('goes over what the chart sets, key by key', () => {
    const { spec: pod } = container({
      podSecurityContext: { fsGroup: 7 },
      securityContext: { readOnlyRootFilesystem: false },
      dnsPolicy: 'None',
      hostAliases: [{ ip: '192.0.2.1', hostnames: ['a'] }],
    });
    expect(pod).toMatchObject({
      dnsPolicy: 'None',
      hostAliases: [{ ip: '192.0.2.1', hostnames: ['a'] }],
      securityContext: {
        fsGroup: 7,
        runAsNonRoot: true,
        runAsUser: 10_001,
        seccompProfile: { type: 'RuntimeDefault' },
      },
    });
    expect(pod.containers[0]!['securityContext']).toEqual({
      readOnlyRootFilesystem: false,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
  });
  it('is checked as Kubernetes does', () => {
    expect(wrong({ api: { advanced: { hostAliases: [{ hostname: 'a' }] } } })[0]).toMatch(
      /hostAliases\[0\]\.hostname.*hostnames/,
    );
  });
  it('a store keeps its data on a claim that is there already', () => {
    const set = find(render({ redis: { persistence: { existingClaim: 'kept' } } }), 'StatefulSet', redis);
    expect(set['spec']).not.toHaveProperty('volumeClaimTemplates');
    expect(JSON.stringify(set['spec'])).toContain('"persistentVolumeClaim":{"claimName":"kept"}');
  });
  it('a template among extraObjects is Helm’s to render, and the direct synth says so', () => {
    expect(() => render({ extraObjects: ['kind: {{ "ConfigMap" }}'] })).toThrow(
      /extraObjects: has a template, which only Helm renders/,
    );
  });
});
