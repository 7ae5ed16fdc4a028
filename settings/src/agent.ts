import { PLATFORMS } from '@streamspace/protocol';
import { allowed } from './kinds/allowed.ts';
import { boolean, bytes, cpu, duration, integer, listenPort, port } from './kinds/amounts.ts';
import { leaseLock } from './kinds/lease-lock.ts';
import { id, line, objectName, oneOf, path, text } from './kinds/texts.ts';
import { noProxy, proxy, url } from './kinds/urls.ts';
import { absent, optional, required } from './setting.ts';

const token = {
  ...text('a token without spaces, at least 16 characters', '^[!-~]{16,}$', 'x'.repeat(16)),
  secret: true,
};

/** Everything that configures an agent. */
export const AGENT = {
  agentId: required(
    'AGENT_ID',
    id('lower case letters, digits and dashes, at most 63'),
    'Id of this agent at the control plane; the same for all its replicas, and never derived from a pod’s name',
  ),
  controlPlaneUrl: required(
    'CONTROL_PLANE_URL',
    url('a WebSocket URL, ws://host:port or wss://host', 'ws:', 'wss:'),
    'URL of the control plane; a path is kept as a prefix',
  ),
  agentToken: absent('AGENT_TOKEN', token, 'Enrolment token (sse_…) or credential (ssa_…)'),
  agentTokenFile: absent(
    'AGENT_TOKEN_FILE',
    path(),
    'File with the token instead of AGENT_TOKEN; read again for each use',
  ),
  controlPlaneCaFile: absent(
    'CONTROL_PLANE_CA_FILE',
    path(),
    'PEM file of the CAs that may sign the control plane’s certificate',
    {
      defaultInWords: 'the system’s and NODE_EXTRA_CA_CERTS',
    },
  ),
  platform: optional('PLATFORM', oneOf(...PLATFORMS), 'kubernetes', 'Where sessions run'),
  region: optional('REGION', line(128), '', 'Region of this agent, for placement'),
  priority: optional(
    'PRIORITY',
    oneOf('high', 'normal', 'low'),
    'normal',
    'Agents of high priority get sessions before the others',
  ),
  namespace: optional('NAMESPACE', id('a namespace’s name'), 'streamspace', 'Namespace of the sessions'),
  kubeconfig: absent('KUBECONFIG', path(), 'Path of a kubeconfig for the sessions’ cluster', {
    defaultInWords: 'in-cluster',
  }),
  stateDir: optional('STATE_DIR', path(), '~/.streamspace', 'Credential, file lock, and the process platform’s homes'),

  heartbeatInterval: optional(
    'HEARTBEAT_INTERVAL',
    duration(100),
    '30s',
    'Longest time between heartbeats; the control plane may request a shorter one',
  ),
  reconnectDelay: optional('RECONNECT_DELAY', duration(), '5s', 'Base of the backoff: full jitter, doubling'),
  maxReconnectDelay: optional('MAX_RECONNECT_DELAY', duration(), '5m', 'Cap of the backoff'),
  maxSessions: optional('MAX_SESSIONS', integer(0, 10_000), '100', 'Sessions that this agent offers to run'),
  commandTimeout: optional(
    'COMMAND_TIMEOUT',
    duration(),
    '5m',
    'Longest duration of an operation; a longer one is aborted',
  ),
  gracefulShutdownTimeout: optional(
    'GRACEFUL_SHUTDOWN_TIMEOUT',
    duration(0),
    '30s',
    'At a stop: longest wait for operations in progress, if no other replica can continue them',
  ),
  maxConcurrentOperations: optional(
    'MAX_CONCURRENT_OPERATIONS',
    integer(1, 1000),
    '10',
    'Commands that run in parallel; commands of one session never do',
  ),

  enableHa: optional('ENABLE_HA', boolean, 'false', 'Replicas elect a leader, and only the leader connects'),
  podName: absent(
    'POD_NAME',
    text('a name of at most 253 characters', '^[^\\s\\x00]{1,253}$', 'pod-1'),
    'Name of this replica, different for each',
    {
      defaultInWords: 'host name',
    },
  ),
  leaseLock: absent('LEASE_LOCK', leaseLock, 'Lock that the replicas share for the election of a leader', {
    defaultInWords: 'kubernetes on kubernetes, file elsewhere',
  }),
  leaseDuration: optional('LEASE_DURATION', duration(), '4s', 'Time after its last renewal at which a lease is free'),
  leaseRenewDeadline: optional(
    'LEASE_RENEW_DEADLINE',
    duration(),
    '3s',
    'Time after its last renewal at which a leader has lost the lease',
  ),
  leaseRetryPeriod: optional(
    'LEASE_RETRY_PERIOD',
    duration(),
    '1250ms',
    'Time between two renewals, or two polls, of a lease',
  ),

  sessionImagePullPolicy: optional(
    'SESSION_IMAGE_PULL_POLICY',
    oneOf('Always', 'IfNotPresent', 'Never'),
    'IfNotPresent',
    'Image pull policy of session pods',
  ),
  sessionImageRegistry: absent(
    'SESSION_IMAGE_REGISTRY',
    text(
      'a registry such as registry.example.com:5000',
      '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9._-]+)*$',
      'registry.example.com:5000/x',
    ),
    'Registry of session images that name none',
    { defaultInWords: 'the nodes’ own' },
  ),
  sessionImagePullSecrets: absent(
    'SESSION_IMAGE_PULL_SECRETS',
    text('a comma list of names of Secrets', '^[a-z0-9][a-z0-9.-]*(,[a-z0-9][a-z0-9.-]*)*$', 'one,two'),
    'Secrets in the sessions’ namespace with credentials for the registries of session images',
    { defaultInWords: 'none' },
  ),
  sessionDefaultCpu: optional('SESSION_DEFAULT_CPU', cpu, '1000m', 'CPU of sessions whose template names none'),
  sessionDefaultMemory: optional(
    'SESSION_DEFAULT_MEMORY',
    bytes,
    '2Gi',
    'Memory of sessions whose template names none',
  ),
  sessionDefaultStorage: optional('SESSION_DEFAULT_STORAGE', bytes, '10Gi', 'Size of a home'),
  sessionStorageClass: absent(
    'SESSION_STORAGE_CLASS',
    objectName('the name of a storage class'),
    'Storage class of homes',
    {
      defaultInWords: 'cluster default',
    },
  ),
  sessionServiceType: optional(
    'SESSION_SERVICE_TYPE',
    oneOf('ClusterIP', 'NodePort', 'LoadBalancer'),
    'ClusterIP',
    'Type of session Services',
  ),
  sessionPodTemplate: absent('SESSION_POD_TEMPLATE', path(), 'Path of a pod’s YAML, merged with every session pod', {
    defaultInWords: 'none',
  }),
  sessionWarmPool: absent(
    'SESSION_WARM_POOL',
    path(),
    'Path of a JSON file of templates (the control plane’s TEMPLATES_FILE fits); warm is the number of pods or containers kept ready for each',
    { defaultInWords: 'none' },
  ),
  sessionIsolation: optional(
    'SESSION_ISOLATION',
    oneOf('auto', 'required', 'none'),
    'auto',
    'On the process platform: auto isolates sessions by bubblewrap and, without bubblewrap, allows only one user’s sessions; required then allows none; none never isolates',
  ),
  sessionNetwork: optional(
    'SESSION_NETWORK',
    text('a network’s name', '^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$', 'streamspace-sessions'),
    'streamspace-sessions',
    'On the docker platform: network of the sessions. The agent makes the default one, in which containers cannot reach each other',
  ),
  sessionRuntime: absent(
    'SESSION_RUNTIME',
    text('a runtime’s name', '^[a-zA-Z0-9][a-zA-Z0-9_./-]{0,127}$', 'runsc'),
    'On the docker platform: runtime of session containers, e.g. runsc or kata',
    { defaultInWords: 'the engine’s own' },
  ),
  sessionGpus: absent(
    'SESSION_GPUS',
    text('all, or a number of graphics cards', '^(all|[1-9][0-9]?)$', 'all', '1'),
    'On the docker platform: graphics cards of each session',
    { defaultInWords: 'none' },
  ),
  sessionAllow: absent(
    'SESSION_ALLOW',
    allowed,
    'On the docker platform: what templates may add to a session’s container (docker.md)',
    { defaultInWords: 'nothing' },
  ),
  dockerHost: optional(
    'DOCKER_HOST',
    text(
      'unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST',
      '^(unix|tcp|http|https|ssh)://[!-~]{1,1000}$',
      'unix:///run/docker.sock',
      'tcp://10.0.0.5:2376',
    ),
    'unix:///var/run/docker.sock',
    'On the docker platform: address of the Docker or Podman engine',
  ),
  dockerMode: optional(
    'DOCKER_MODE',
    oneOf('auto', 'engine', 'swarm'),
    'auto',
    'On the docker platform: engine runs sessions as containers of one engine, swarm as services of the swarm that the engine manages; auto is swarm on a manager (docker.md)',
  ),
  dockerCertPath: absent(
    'DOCKER_CERT_PATH',
    path(),
    'Folder of ca.pem, cert.pem and key.pem for an engine that is reached over TLS',
    { defaultInWords: 'no TLS' },
  ),
  dockerConfig: absent(
    'DOCKER_CONFIG',
    path(),
    'Folder of config.json, as docker login writes it: credentials for the registries of session images',
    { defaultInWords: '~/.docker' },
  ),
  sessionHomeDriver: optional(
    'SESSION_HOME_DRIVER',
    text('a volume driver’s name', '^[a-zA-Z0-9][a-zA-Z0-9_./:-]{0,127}$', 'local', 'example/volumes:1'),
    'local',
    'On a swarm: volume driver of homes. local without options ties a home, and so its sessions, to one node',
  ),
  sessionHomeOptions: absent(
    'SESSION_HOME_OPTIONS',
    text(
      'options of a volume driver, NAME=VALUE with spaces between; {home} is the home’s name',
      '^[a-zA-Z0-9_.-]+=[!-~]+( [a-zA-Z0-9_.-]+=[!-~]+)*$',
      'type=nfs o=addr=10.0.0.5,rw device=:/homes/{home}',
    ),
    'On a swarm: options of that driver, for homes that every node can mount',
    { defaultInWords: 'none' },
  ),
  reservedCpu: absent(
    'RESERVED_CPU',
    cpu,
    'On the docker platform: CPU of the engine’s host that sessions may not use',
    {
      defaultInWords: 'none',
    },
  ),
  reservedMemory: absent(
    'RESERVED_MEMORY',
    bytes,
    'On the docker platform: memory of the engine’s host that sessions may not use',
    { defaultInWords: 'none' },
  ),
  sessionIdleTimeout: absent(
    'SESSION_IDLE_TIMEOUT',
    duration(1000),
    'Time without keyboard or pointer input after which a session is hibernated',
    { defaultInWords: 'never' },
  ),

  vncPort: optional('VNC_PORT', port, '5900', 'Port of a session’s VNC server'),
  vncTunnelTimeout: optional(
    'VNC_TUNNEL_TIMEOUT',
    duration(),
    '1h',
    'Time without any byte after which a screen is closed',
  ),
  vncBufferSize: optional(
    'VNC_BUFFER_SIZE',
    integer(1024, 65_536),
    '8192',
    'For a slow viewer: the screen is read again when fewer bytes than this wait for the viewer',
  ),

  logLevel: optional(
    'LOG_LEVEL',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'info',
    'Least severe level that is logged',
  ),
  logFormat: optional('LOG_FORMAT', oneOf('json', 'text'), 'json', 'One JSON object per line, or readable text'),
  listenHost: absent(
    'LISTEN_HOST',
    text('an address of this machine, such as 127.0.0.1', '^[0-9A-Za-z.:-]{1,253}$', '127.0.0.1', '::1'),
    'Address of the health and metrics ports',
    { defaultInWords: 'all' },
  ),
  healthPort: optional('HEALTH_PORT', listenPort, '8080', 'Port of /health, /ready and /leader'),
  metricsEnabled: optional('METRICS_ENABLED', boolean, 'true', 'Serve /metrics'),
  metricsPort: optional('METRICS_PORT', listenPort, '9090', 'Port of /metrics'),

  httpsProxy: absent('HTTPS_PROXY', proxy, 'Proxy for a wss:// control plane; https_proxy too'),
  httpProxy: absent('HTTP_PROXY', proxy, 'Proxy for a ws:// control plane; http_proxy too'),
  noProxy: optional('NO_PROXY', noProxy, '', 'Hosts reached without a proxy; no_proxy too'),
};
