import { PLATFORMS } from '@streamspace/protocol';
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
    'Who this agent is to the control plane; the same for all its replicas, and never derived from a pod’s name',
  ),
  controlPlaneUrl: required(
    'CONTROL_PLANE_URL',
    url('a WebSocket URL, ws://host:port or wss://host', 'ws:', 'wss:'),
    'Where the control plane is; a path is kept as a prefix',
  ),
  agentToken: absent('AGENT_TOKEN', token, 'Enrolment token (sse_…) or credential (ssa_…)'),
  agentTokenFile: absent('AGENT_TOKEN_FILE', path(), 'File that holds what AGENT_TOKEN would; read again when needed'),
  controlPlaneCaFile: absent('CONTROL_PLANE_CA_FILE', path(), 'PEM file of the CAs that may sign the control plane', {
    defaultInWords: 'the system’s and NODE_EXTRA_CA_CERTS',
  }),
  platform: optional('PLATFORM', oneOf(...PLATFORMS), 'kubernetes', 'Where sessions run'),
  region: optional('REGION', line(128), '', 'For placement'),
  priority: optional(
    'PRIORITY',
    oneOf('high', 'normal', 'low'),
    'normal',
    'Agents of high priority are given sessions before the others',
  ),
  namespace: optional('NAMESPACE', id('a namespace’s name'), 'streamspace', 'Namespace of the sessions'),
  kubeconfig: absent('KUBECONFIG', path(), 'Path of a kubeconfig', { defaultInWords: 'in-cluster' }),
  stateDir: optional('STATE_DIR', path(), '~/.streamspace', 'Credential, file lock, and the process platform’s homes'),

  heartbeatInterval: optional(
    'HEARTBEAT_INTERVAL',
    duration(100),
    '30s',
    'Longest time between heartbeats; the control plane may ask for more of them',
  ),
  reconnectDelay: optional('RECONNECT_DELAY', duration(), '5s', 'Base of the backoff: full jitter, doubling'),
  maxReconnectDelay: optional('MAX_RECONNECT_DELAY', duration(), '5m', 'Cap of the backoff'),
  maxSessions: optional('MAX_SESSIONS', integer(0, 10_000), '100', 'Sessions that this agent offers to run'),
  commandTimeout: optional('COMMAND_TIMEOUT', duration(), '5m', 'An operation that takes longer is aborted'),
  gracefulShutdownTimeout: optional(
    'GRACEFUL_SHUTDOWN_TIMEOUT',
    duration(0),
    '30s',
    'How long operations in flight may take to finish at a stop, where no other replica goes on with them',
  ),
  maxConcurrentOperations: optional(
    'MAX_CONCURRENT_OPERATIONS',
    integer(1, 1000),
    '10',
    'Commands that run at the same time; those of one session never do',
  ),

  enableHa: optional('ENABLE_HA', boolean, 'false', 'Replicas elect a leader, and only it connects'),
  podName: absent(
    'POD_NAME',
    text('a name of at most 253 characters', '^[^\\s\\x00]{1,253}$', 'pod-1'),
    'Name of this replica',
    {
      defaultInWords: 'host name',
    },
  ),
  leaseLock: absent('LEASE_LOCK', leaseLock, 'What the replicas share to elect a leader', {
    defaultInWords: 'kubernetes on kubernetes, file elsewhere',
  }),
  leaseDuration: optional('LEASE_DURATION', duration(), '4s', 'A lease that was not renewed for so long is free'),
  leaseRenewDeadline: optional(
    'LEASE_RENEW_DEADLINE',
    duration(),
    '3s',
    'A leader that could not renew for so long lost it',
  ),
  leaseRetryPeriod: optional('LEASE_RETRY_PERIOD', duration(), '1250ms', 'How often a lease is renewed, or looked at'),

  sessionImagePullPolicy: optional(
    'SESSION_IMAGE_PULL_POLICY',
    oneOf('Always', 'IfNotPresent', 'Never'),
    'IfNotPresent',
    'Of session pods',
  ),
  sessionImageRegistry: absent(
    'SESSION_IMAGE_REGISTRY',
    text(
      'a registry such as registry.example.com:5000',
      '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9._-]+)*$',
      'registry.example.com:5000/x',
    ),
    'Of session images that name no registry',
    { defaultInWords: 'the nodes’ own' },
  ),
  sessionImagePullSecrets: absent(
    'SESSION_IMAGE_PULL_SECRETS',
    text('a comma list of names of Secrets', '^[a-z0-9][a-z0-9.-]*(,[a-z0-9][a-z0-9.-]*)*$', 'one,two'),
    'Credentials for the registries of session images; Secrets in the sessions’ namespace',
    { defaultInWords: 'none' },
  ),
  sessionDefaultCpu: optional('SESSION_DEFAULT_CPU', cpu, '1000m', 'For sessions whose template asks for none'),
  sessionDefaultMemory: optional('SESSION_DEFAULT_MEMORY', bytes, '2Gi', 'For sessions whose template asks for none'),
  sessionDefaultStorage: optional('SESSION_DEFAULT_STORAGE', bytes, '10Gi', 'Size of a home'),
  sessionStorageClass: absent('SESSION_STORAGE_CLASS', objectName('the name of a storage class'), 'Of homes', {
    defaultInWords: 'cluster default',
  }),
  sessionServiceType: optional(
    'SESSION_SERVICE_TYPE',
    oneOf('ClusterIP', 'NodePort', 'LoadBalancer'),
    'ClusterIP',
    'Of session Services',
  ),
  sessionPodTemplate: absent('SESSION_POD_TEMPLATE', path(), 'Path of a pod’s YAML that session pods are merged into', {
    defaultInWords: 'none',
  }),
  sessionWarmPool: absent(
    'SESSION_WARM_POOL',
    path(),
    'Path of a JSON file of templates (the control plane’s TEMPLATES_FILE will do): so many pods of each are kept ready as its warm says',
    { defaultInWords: 'none' },
  ),
  sessionIsolation: optional(
    'SESSION_ISOLATION',
    oneOf('auto', 'required', 'none'),
    'auto',
    'Of the process platform: auto isolates sessions by bubblewrap, and where that does not work allows those of one user only; required allows none there; none isolates nothing',
  ),
  sessionIdleTimeout: absent(
    'SESSION_IDLE_TIMEOUT',
    duration(1000),
    'A session in which nobody typed or moved the mouse for so long is hibernated',
    { defaultInWords: 'never' },
  ),

  vncPort: optional('VNC_PORT', port, '5900', 'Port of a session’s VNC server'),
  vncTunnelTimeout: optional('VNC_TUNNEL_TIMEOUT', duration(), '1h', 'A screen without a byte for so long is closed'),
  vncBufferSize: optional(
    'VNC_BUFFER_SIZE',
    integer(1024, 65_536),
    '8192',
    'A screen whose viewer is slow is read again when fewer bytes than this wait for the viewer',
  ),

  logLevel: optional(
    'LOG_LEVEL',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'info',
    'Least severe that is written',
  ),
  logFormat: optional('LOG_FORMAT', oneOf('json', 'text'), 'json', 'One JSON object a line, or lines for people'),
  listenHost: absent(
    'LISTEN_HOST',
    text('an address of this machine, such as 127.0.0.1', '^[0-9A-Za-z.:-]{1,253}$', '127.0.0.1', '::1'),
    'Address that health and metrics listen on',
    { defaultInWords: 'all' },
  ),
  healthPort: optional('HEALTH_PORT', listenPort, '8080', 'Serves /health, /ready and /leader'),
  metricsEnabled: optional('METRICS_ENABLED', boolean, 'true', 'Whether /metrics is served'),
  metricsPort: optional('METRICS_PORT', listenPort, '9090', 'Serves /metrics'),

  httpsProxy: absent('HTTPS_PROXY', proxy, 'Proxy for a wss:// control plane; https_proxy too'),
  httpProxy: absent('HTTP_PROXY', proxy, 'Proxy for a ws:// control plane; http_proxy too'),
  noProxy: optional('NO_PROXY', noProxy, '', 'Hosts that are reached directly; no_proxy too'),
};
