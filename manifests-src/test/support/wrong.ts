/** Wrong combinations of values: what was set, over values that work, and what the one line must say. */
export type Wrong = readonly [what: string, chart: string, set: Record<string, unknown>, says: RegExp];

const umbrella = 'streamspace';
const alone = 'k8s-agent';
const agent = (values: object) => ({ k8sAgent: values });
const config = (values: object) => agent({ config: values });

/** Names the key, and says what it takes: in words, not as a pattern. */
const inWords = (key: string, words: string) => new RegExp(`^(?!.*\\[0-9\\])(?=.*${key})(?=.*${words})`, 's');

const TEMPLATE = {
  id: 'x',
  name: 'X',
  description: '',
  platforms: ['kubernetes'],
  image: 'streamspace/desktop:1',
  cpu: 1,
  memory: 0,
  storage: 0,
  env: {},
};

const PROVIDER = {
  id: 'company',
  name: 'Company',
  issuer: 'https://login.example.com',
  client_id: 'streamspace',
  roles: [{ role: 'user' }],
};

/** Refused by the templates: combinations. */
export const COMBINATIONS: readonly Wrong[] = [
  ...(
    [
      ['ticketTtl', '5m', 'from 1s to 1m; given was 5m'],
      ['pingInterval', '1ms', 'from 100ms to 1m; given was 1ms'],
      ['heartbeatInterval', '0s', 'from 1s to 10m; given was 0s'],
    ] as const
  ).map(([key, value, words]): Wrong => [
    `part 1 ${key} outside of what the hub takes`,
    umbrella,
    { api: { config: { [key]: value } } },
    inWords(`api.config.${key}: takes a duration`, words),
  ]),
  [
    'part 1 a heartbeat outside of what the agent takes',
    umbrella,
    config({ heartbeatInterval: '0s' }),
    inWords('k8sAgent.config.heartbeatInterval', 'from 100ms to'),
  ],
  [
    'V3 a path that is the hub’s own',
    umbrella,
    { api: { config: { publicUrl: 'https://example.com/docs/streamspace' } } },
    /api\.config\.publicUrl: its path begins like one of the hub’s own/,
  ],
  ...[
    { api: { signIn: { providers: [PROVIDER] } } },
    { api: { signIn: { providers: [PROVIDER] }, config: { publicUrl: 'http://hub.example.com' } } },
  ].map((values): Wrong => [
    'P1 a sign-in without an address that is safe for its cookie',
    umbrella,
    values,
    /api\.signIn\.providers: providers send users back to config\.publicUrl.*https/,
  ]),
  [
    'P1 client secrets without providers',
    umbrella,
    { api: { signIn: { existingSecret: { name: 'clients' } } } },
    /api\.signIn\.existingSecret\.name: .*name the providers/,
  ],
  [
    'quotas with a Cluster',
    umbrella,
    {
      api: { config: { quotas: [{ running: 1 }] } },
      redis: { enabled: false, external: { url: 'redis+cluster://a.example.com,b.example.com' } },
    },
    /api\.config\.quotas: a Redis Cluster/,
  ],
  [
    'a variable that the chart sets',
    umbrella,
    { api: { extraEnv: [{ name: 'HOST', value: '0.0.0.0' }] } },
    /api\.extraEnv: HOST is set by the chart already.*use the value/,
  ],
  [
    'a variable that is there twice',
    umbrella,
    agent({
      extraEnv: [
        { name: 'A', value: 'b' },
        { name: 'A', value: 'c' },
      ],
    }),
    /k8sAgent\.extraEnv: A is set .* name each variable once/,
  ],
  [
    'a pull secret that is there twice',
    umbrella,
    { imagePullSecrets: ['a'], global: { imagePullSecrets: ['a'] } },
    /imagePullSecrets: a is named twice.*name it once/,
  ],
  [
    'part 1 a pull secret that is there twice, in both forms',
    umbrella,
    { imagePullSecrets: ['a', { name: 'a' }] },
    /imagePullSecrets: a is named twice.*name it once/,
  ],
  [
    'replicas without an election',
    umbrella,
    agent({ replicaCount: 3 }),
    /set k8sAgent\.ha\.enabled=true, or replicaCount=1/,
  ],
  [
    'replicas without an election, agent only',
    alone,
    { agent: { replicaCount: 2 } },
    /set ha\.enabled=true, or replicaCount=1/,
  ],
  [
    'a pod template that the admission policy refuses',
    umbrella,
    agent({
      admissionPolicy: { enabled: true },
      config: { session: { podTemplate: { spec: { volumes: [{ name: 'x', hostPath: { path: '/' } }] } } } },
    }),
    /k8sAgent\.config\.session\.podTemplate: "hostPath":\{ is what k8sAgent\.admissionPolicy refuses.*take it out/,
  ],
  [
    'pods kept ready of a template with a home',
    umbrella,
    config({ session: { warmPool: [{ id: 'kiosk', warm: 2, env: { A: 'b' } }, { id: 'desktop' }] } }),
    /k8sAgent\.config\.session\.warmPool: kiosk: warm needs STREAMSPACE_HOME=none in its env.*say so, or leave warm out/,
  ],
  [
    'pods kept ready of a template that says nothing of homes, agent only',
    alone,
    {
      agent: {
        config: {
          session: {
            warmPool: [
              { id: 'a', warm: 1 },
              { id: 'b', warm: 1 },
            ],
          },
        },
      },
    },
    /agent\.config\.session\.warmPool: a, b: warm needs STREAMSPACE_HOME=none/,
  ],
  [
    'a template of the pool that is there twice',
    umbrella,
    config({ session: { warmPool: [{ id: 'a' }, { id: 'b' }, { id: 'a' }] } }),
    /session\.warmPool: a is there twice; give each template one entry/,
  ],
  [
    'an admission policy beside a right to read Secrets',
    umbrella,
    agent({ admissionPolicy: { enabled: true }, rbac: { secrets: true } }),
    /k8sAgent\.admissionPolicy: .* by k8sAgent\.rbac\.secrets; set that to false/,
  ],
  [
    'an admission policy for the account default',
    alone,
    { admissionPolicy: { enabled: true }, rbac: { create: false }, serviceAccount: { create: false } },
    /admissionPolicy: without an account of its own .* set serviceAccount\.create=true/,
  ],
  ['no agent id, agent only', alone, { agent: { id: '' } }, /agent\.id: is required/],
  [
    'no enrolment token, agent only',
    alone,
    { enrolment: { existingSecret: { name: '' } } },
    /enrolment\.token: is required .* kubectl -n desktops create secret generic streamspace-k8s-agent-token --from-literal=token=sse_\$\(openssl rand -hex 32\), and set enrolment\.existingSecret\.name=streamspace-k8s-agent-token/,
  ],
  [
    'no control plane and no api',
    umbrella,
    { api: { enabled: false } },
    /controlPlaneUrl: is required.*or api\.enabled=true/,
  ],
  [
    'ws:// to a public host',
    umbrella,
    config({ controlPlaneUrl: 'ws://hub.example.com' }),
    /use wss:\/\/, or set k8sAgent\.config\.allowInsecure=true/,
  ],
  ['ws:// to a public address', umbrella, config({ controlPlaneUrl: 'ws://172.32.0.1:8080' }), /use wss:\/\//],
  [
    'a lease shorter than its deadline',
    umbrella,
    agent({ ha: { enabled: true, leaseDuration: '3s' } }),
    /leaseDuration: 3s must be longer than renewDeadline \(3s\)/,
  ],
  [
    'a deadline shorter than the retries',
    umbrella,
    agent({ ha: { enabled: true, retryPeriod: '2600ms' } }),
    /renewDeadline: 3s must be longer than 1\.2 × retryPeriod/,
  ],
  ['a Lease without an election', umbrella, agent({ ha: { createLease: true } }), /set k8sAgent\.ha\.enabled=true too/],
  [
    'a cap below the base of the backoff',
    umbrella,
    config({ maxReconnectDelay: '4s' }),
    /maxReconnectDelay: is less than reconnectDelay/,
  ],
  [
    'a node port of a Service that has none',
    umbrella,
    { api: { service: { nodePort: 30_080 } } },
    /set service\.type to NodePort or LoadBalancer, or nodePort to 0/,
  ],
  [
    'a kubelet that kills too early',
    umbrella,
    agent({ terminationGracePeriodSeconds: 30 }),
    /terminationGracePeriodSeconds: 30 s is not longer.*raise it/,
  ],
  [
    'metrics on the health port',
    umbrella,
    agent({ metrics: { port: 8080 } }),
    /8080 is the health port; take another one/,
  ],
  [
    'a sessions’ namespace that is the release’s',
    umbrella,
    agent({ sessionNamespace: { create: true } }),
    /name another one in k8sAgent\.config\.namespace/,
  ],
  [
    'both fields of a PDB',
    umbrella,
    { api: { replicaCount: 3, pdb: { minAvailable: 1, maxUnavailable: 1 } } },
    /api\.pdb: minAvailable and maxUnavailable are both set/,
  ],
  [
    'a PDB as big as the replicas',
    umbrella,
    { api: { replicaCount: 2, pdb: { minAvailable: 2 } } },
    /api\.pdb\.minAvailable: 2 of 2 replicas, rounded up, are all of them/,
  ],
  [
    'a PDB as big as the autoscaler’s least',
    umbrella,
    { api: { autoscaling: { enabled: true }, pdb: { minAvailable: 2 } } },
    /2 of 2 replicas, rounded up, are all of them/,
  ],
  [
    'F11 a PDB that protects nothing',
    umbrella,
    { api: { replicaCount: 2, pdb: { minAvailable: 0 } } },
    /0 protects nothing/,
  ],
  [
    'F11 a PDB that lets nothing go',
    umbrella,
    { api: { replicaCount: 2, pdb: { maxUnavailable: '0%' } } },
    /maxUnavailable: 0 blocks every drain/,
  ],
  [
    'F11 a PDB of 99 % of two',
    umbrella,
    { api: { replicaCount: 2, pdb: { minAvailable: '99%' } } },
    /99% of 2 replicas, rounded up/,
  ],
  [
    'F7 replicas of a store that has none',
    umbrella,
    { redis: { external: { waitReplicas: 1 } } },
    /waitReplicas: the installed Valkey has no replicas/,
  ],
  [
    'a PDB of 100 %',
    umbrella,
    agent({ replicaCount: 3, ha: { enabled: true }, pdb: { minAvailable: '100%' } }),
    /100% of 3 replicas/,
  ],
  [
    'no enrolment token, and no hub that makes it',
    umbrella,
    {
      api: { enabled: false },
      enrolment: { existingSecret: { name: '' } },
      ...config({ controlPlaneUrl: 'wss://hub.example.com' }),
    },
    /set enrolment\.token .*or enrolment\.existingSecret\.name/,
  ],
  [
    'secrets to be made by every pod',
    umbrella,
    { enrolment: { existingSecret: { name: '' } }, api: { serviceAccount: { create: false } } },
    /api\.serviceAccount\.name: is empty.*or give the secrets: enrolment\.existingSecret\.name/,
  ],
  [
    'two enrolment tokens',
    umbrella,
    { enrolment: { token: 'x'.repeat(32) } },
    /enrolment: token and existingSecret\.name are both set/,
  ],
  [
    'two bundles of authorities',
    umbrella,
    { ca: { pem: '-----BEGIN CERTIFICATE-----', existingConfigMap: 'ca' } },
    /ca: of pem, existingConfigMap and existingSecret more than one is set/,
  ],
  ['a bundle without a certificate', umbrella, { ca: { pem: 'MIIB' } }, /ca\.pem: holds no certificate/],
  ['nothing to pin', umbrella, { ca: { pinned: true } }, /ca\.pinned: there is no authority/],
  [
    'nothing to install',
    umbrella,
    { api: { enabled: false }, k8sAgent: { enabled: false } },
    /there is nothing to install/,
  ],
  ['S9 tokens of any issuer', umbrella, { api: { auth: { issuer: '' } } }, /set auth\.issuer and auth\.audience/],
  [
    'S9 tokens for any application',
    umbrella,
    { api: { auth: { audience: '' } } },
    /set auth\.issuer and auth\.audience/,
  ],
  [
    'two keys of users’ tokens',
    umbrella,
    { api: { auth: { secret: 'x'.repeat(32) } } },
    /api\.auth: a secret and jwksUrl are both set/,
  ],
  [
    'two secrets of users’ tokens',
    umbrella,
    { api: { auth: { jwksUrl: '', secret: 'x'.repeat(32), existingSecret: { name: 'a' } } } },
    /secret and existingSecret\.name are both set/,
  ],
  [
    'hubs without a shared store',
    umbrella,
    { api: { replicaCount: 2 }, redis: { enabled: false } },
    /replicas need a store that they share/,
  ],
  [
    'an autoscaler without a shared store',
    umbrella,
    { api: { autoscaling: { enabled: true } }, redis: { enabled: false } },
    /replicas need a store.*turn autoscaling off/,
  ],
  [
    'an autoscaler upside down',
    umbrella,
    { api: { autoscaling: { enabled: true, minReplicas: 6 } } },
    /minReplicas: is more than maxReplicas/,
  ],
  [
    'two external stores',
    umbrella,
    { redis: { external: { url: 'redis://a:1', existingSecret: { name: 'b' } } } },
    /redis\.external: url and existingSecret\.name are both set/,
  ],
  [
    'credentials in a URL',
    umbrella,
    { redis: { external: { url: 'redis://:pw@a:1' } } },
    /redis\.external\.url: has credentials in it.*put the URL into a Secret/,
  ],
  [
    'two passwords of Valkey',
    umbrella,
    { redis: { auth: { password: 'x'.repeat(16), existingSecret: { name: 'a' } } } },
    /redis\.auth: password and existingSecret\.name are both set/,
  ],
  [
    'a password of a Valkey that is not installed',
    umbrella,
    { redis: { external: { url: 'redis://a:1' }, auth: { password: 'x'.repeat(16) } } },
    /redis\.auth: is the installed Valkey’s/,
  ],
  [
    'an Ingress without hosts',
    umbrella,
    { api: { ingress: { enabled: true } } },
    /api\.ingress\.hosts: is empty; name the hosts/,
  ],
  [
    'a route without a Gateway',
    umbrella,
    { api: { httpRoute: { enabled: true } } },
    /parentRefs: is empty; name the Gateway/,
  ],
  [
    'a way to an api that is not there',
    umbrella,
    {
      api: { enabled: false, ingress: { enabled: true } },
      k8sAgent: { config: { controlPlaneUrl: 'wss://a.example.com' } },
    },
    /lead to an api that is not installed/,
  ],
  [
    'a monitor of an api that is not there',
    umbrella,
    {
      api: { enabled: false },
      observability: { serviceMonitor: { enabled: true } },
      k8sAgent: { config: { controlPlaneUrl: 'wss://a.example.com' } },
    },
    /serviceMonitor\.enabled: is the api’s/,
  ],
  [
    'a monitor of metrics that are off',
    umbrella,
    { k8sAgent: { metrics: { enabled: false } }, observability: { podMonitor: { enabled: true } } },
    /the agent serves no metrics/,
  ],
  [
    'one account for both',
    umbrella,
    { api: { serviceAccount: { name: 'a' } }, k8sAgent: { serviceAccount: { name: 'a' } } },
    /give each its own/,
  ],
  [
    'a drain longer than the kubelet waits',
    umbrella,
    { api: { config: { drainTimeout: '1m' } } },
    /api\.terminationGracePeriodSeconds: .* raise it/,
  ],
  [
    'a line separator',
    umbrella,
    agent({ sidecars: [{ name: 'a', image: '\u2028-' }] }),
    /control character in it .* remove it/,
  ],
  [
    'a control character',
    umbrella,
    agent({ sidecars: [{ name: 'a', image: 'b\u0085c' }] }),
    /control character in it .* remove it/,
  ],
  [
    'a sidecar without an image',
    umbrella,
    agent({ logFile: { enabled: true, sidecar: { name: 'a' } } }),
    /logFile\.sidecar: needs a name and an image/,
  ],
];

/** Refused by the schema: single values. */
export const SINGLE: readonly Wrong[] = [
  [
    'a variable that is no text',
    umbrella,
    agent({ extraEnv: [{ name: 'X', value: 5 }] }),
    /extraEnv.*a text: put it in quotes/,
  ],
  [
    'a label that is no text',
    umbrella,
    agent({ nodeSelector: { gpu: true } }),
    /nodeSelector.gpu.*a text: put it in quotes/,
  ],
  [
    'a slip in a toleration',
    umbrella,
    agent({ tolerations: [{ keyy: 'x' }] }),
    /tolerations.*(keyy[^]*|did you mean .*)key/,
  ],
  [
    'a sidecar without a name',
    umbrella,
    agent({ sidecars: [{ image: 'x' }] }),
    /sidecars.*(name is required|missing property 'name'|name: is required)/,
  ],
  [
    'an address that is none',
    umbrella,
    { networkPolicy: { apiServer: { cidrs: ['300.1.1.1/99'] } } },
    /cidrs.*a block of addresses such as/,
  ],
  [
    'a slip in resources',
    umbrella,
    agent({ resources: { request: { cpu: 1 } } }),
    /resources.*(request[^]*|did you mean .*)requests/,
  ],
  [
    'an amount that is none',
    umbrella,
    agent({ resources: { limits: { memory: '1 GB' } } }),
    /limits.memory.*an amount such as/,
  ],
  [
    'a slip in an affinity',
    alone,
    { affinity: { custom: { podAffinity: { required: [] } } } },
    /podAffinity.*requiredDuringScheduling/s,
  ],
  [
    'a slip in a pod template',
    umbrella,
    config({ session: { podTemplate: { spec: { tolerations: [{ keyy: 'x' }] } } } }),
    /podTemplate.*tolerations.*(keyy[^]*|did you mean .*)key/,
  ],
  [
    'a pod template of another kind',
    umbrella,
    config({ session: { podTemplate: { kind: 'Deployment' } } }),
    /podTemplate.kind.*Pod/,
  ],
  [
    'a pod template’s number that is a text',
    alone,
    {
      agent: {
        config: {
          session: {
            podTemplate: { spec: { containers: [{ name: 'session', securityContext: { runAsUser: '1000' } }] } },
          },
        },
      },
    },
    /podTemplate.*runAsUser.*a whole number, without quotes/s,
  ],
  [
    'a pod template’s label that is the agent’s',
    umbrella,
    config({ session: { podTemplate: { metadata: { labels: { session: 'x' } } } } }),
    /podTemplate.metadata.labels.session.*the agent sets it itself/,
  ],
  [
    'a container of a pod template without an image',
    umbrella,
    config({ session: { podTemplate: { spec: { containers: [{ name: 'desktop' }] } } } }),
    /podTemplate.*containers.*an image; only the container session has one already/s,
  ],
  [
    'a home’s volume in a pod template',
    umbrella,
    config({ session: { podTemplate: { spec: { volumes: [{ name: 'home' }] } } } }),
    /podTemplate.*volumes.*another name: the volume home/s,
  ],
  [
    'a port that is none, in a template of the pool',
    umbrella,
    config({ session: { warmPool: [{ id: 'a', env: { VNC_PORT: 'x' } }] } }),
    /warmPool.*VNC_PORT.*a port from 1 to 65535/s,
  ],
  [
    'a rule without verbs',
    alone,
    { rbac: { extraRules: [{ apiGroups: [''], resources: ['pods'] }] } },
    /extraRules.*verbs/,
  ],
  ['an unknown key', umbrella, agent({ replicacount: 3 }), /replicaCount/],
  ['another unknown key', umbrella, agent({ replicas: 3 }), /replicaCount/],
  ['an unknown group', umbrella, { k8sagent: { enabled: true } }, /k8sAgent/],
  ['an unknown key further down', umbrella, config({ sesion: {} }), /session/],
  ['an unknown key, agent only', alone, { agent: { control_plane_url: 'wss://a.example.com' } }, /controlPlaneUrl/],
  ['a number as a text', umbrella, agent({ replicaCount: '3' }), /replicaCount/],
  ['a duration without unit', umbrella, config({ heartbeatInterval: '30' }), /heartbeatInterval/],
  ['no agent id', umbrella, config({ agentId: '' }), /agentId/],
  ['an agent id in capitals', umbrella, config({ agentId: 'EU-1' }), /agentId/],
  ['no control plane, agent only', alone, { agent: { controlPlaneUrl: '' } }, /controlPlaneUrl/],
  ['a URL that is none', umbrella, config({ controlPlaneUrl: 'https://hub.example.com' }), /controlPlaneUrl/],
  ['a short token', umbrella, { enrolment: { token: 'short' } }, /enrolment.token/],
  ['one of our labels', umbrella, { commonLabels: { 'app.kubernetes.io/name': 'x' } }, /commonLabels/],
  ['null', umbrella, { api: null }, /api/],
  ...(
    [
      ['commandTimeout', '1x', 'a duration such as 500ms, 30s, 5m or 1h30m, from 1s to 168h'],
      ['publicUrl', 'https://a:b:c', 'a URL like https:..hub.example.com'],
      ['allowedOrigins', ['https://a.example.com/path'], 'an origin like https:..hub.example.com'],
    ] as const
  ).map(([key, value, words]): Wrong => [
    `part 1 ${key} in words`,
    umbrella,
    { api: { config: { [key]: value } } },
    inWords(key, words),
  ]),
  [
    'part 1 memory in CPUs’ unit',
    umbrella,
    config({ session: { memory: '500m' } }),
    inWords('memory', 'an amount of bytes such as 512Mi'),
  ],
  [
    'part 1 a template of which only the id is given',
    umbrella,
    { api: { config: { templates: [{ id: 'x' }] } } },
    /templates.*(missing properties.*'name', 'description'|name is required|name: is required, a text of)/s,
  ],
  [
    'part 1 a template with a slip in a key',
    umbrella,
    { api: { config: { templates: [{ ...TEMPLATE, enviroment: {} }] } } },
    /templates.*(enviroment[^]*|did you mean .*)env/s,
  ],
  [
    'part 1 a template’s amount in Kubernetes’ words',
    umbrella,
    { api: { config: { templates: [{ ...TEMPLATE, memory: '2Gi' }] } } },
    inWords('templates.*memory', 'a number from 0 to [0-9]+, without quotes'),
  ],
  [
    'part 1 a template’s variable that is no text',
    umbrella,
    { api: { config: { templates: [{ ...TEMPLATE, env: { A: 5 } }] } } },
    inWords('templates.*env.A', 'a text of at most'),
  ],
  [
    'part 1 a template for a platform that there is not',
    umbrella,
    { api: { config: { templates: [{ ...TEMPLATE, platforms: ['k8s'] }] } } },
    inWords('templates.*platforms', 'one of kubernetes, docker'),
  ],
  [
    'part 1 pods of a template without an id',
    alone,
    { agent: { config: { session: { warmPool: [{ warm: 2 }] } } } },
    /warmPool.*(missing property 'id'|id is required|id: is required)/,
  ],
  [
    'part 1 a tag that YAML read as a number',
    umbrella,
    { api: { image: { tag: 1.5 } } },
    inWords('api.image.tag', 'a tag in quotes'),
  ],
  [
    'part 1 a pull secret under another key',
    umbrella,
    { imagePullSecrets: [{ secret: 'reg' }] },
    inWords('imagePullSecrets', 'the name of a Secret, registry or .name: registry.'),
  ],
  ['part 1 more read ahead than the agent takes', umbrella, config({ vnc: { bufferSize: 1_048_576 } }), /bufferSize/],
];
