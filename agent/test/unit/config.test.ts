import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AGENT as SETTINGS, ConfigError } from '@streamspace/settings';
import { type AgentConfig, readAgentConfig } from '../../src/config.ts';

const least = { AGENT_ID: 'agent-1', CONTROL_PLANE_URL: 'wss://hub.example', HOME: '/home/ada' };
const read = (env: Record<string, string> = {}): AgentConfig => readAgentConfig({ ...least, ...env }, 'host-1');

function problemsOf(env: Record<string, string | undefined>): { name: string; message: string }[] {
  try {
    readAgentConfig({ ...least, ...env }, 'host-1');
  } catch (error) {
    if (error instanceof ConfigError) return [...error.problems];
    throw error;
  }
  return [];
}

describe('configuration', () => {
  // spec §2, name by name
  it.each<[string, keyof AgentConfig, unknown]>([
    ['PLATFORM', 'platform', 'kubernetes'],
    ['REGION', 'region', ''],
    ['NAMESPACE', 'namespace', 'streamspace'],
    ['KUBECONFIG', 'kubeconfig', undefined],
    ['HEARTBEAT_INTERVAL', 'heartbeatInterval', 30_000],
    ['RECONNECT_DELAY', 'reconnectDelay', 5_000],
    ['MAX_RECONNECT_DELAY', 'maxReconnectDelay', 300_000],
    ['MAX_SESSIONS', 'maxSessions', 100],
    ['COMMAND_TIMEOUT', 'commandTimeout', 300_000],
    ['GRACEFUL_SHUTDOWN_TIMEOUT', 'gracefulShutdownTimeout', 30_000],
    ['MAX_CONCURRENT_OPERATIONS', 'maxConcurrentOperations', 10],
    ['ENABLE_HA', 'enableHa', false],
    ['POD_NAME', 'podName', 'host-1'],
    ['SESSION_IMAGE_PULL_POLICY', 'sessionImagePullPolicy', 'IfNotPresent'],
    ['SESSION_DEFAULT_CPU', 'sessionDefaultCpu', 1],
    ['SESSION_DEFAULT_MEMORY', 'sessionDefaultMemory', 2 * 2 ** 30],
    ['SESSION_DEFAULT_STORAGE', 'sessionDefaultStorage', 10 * 2 ** 30],
    ['SESSION_STORAGE_CLASS', 'sessionStorageClass', undefined],
    ['SESSION_SERVICE_TYPE', 'sessionServiceType', 'ClusterIP'],
    ['SESSION_POD_TEMPLATE', 'sessionPodTemplate', undefined],
    ['VNC_PORT', 'vncPort', 5900],
    ['VNC_TUNNEL_TIMEOUT', 'vncTunnelTimeout', 3_600_000],
    ['VNC_BUFFER_SIZE', 'vncBufferSize', 8192],
    ['LOG_LEVEL', 'logLevel', 'info'],
    ['LOG_FORMAT', 'logFormat', 'json'],
    ['METRICS_ENABLED', 'metricsEnabled', true],
    ['METRICS_PORT', 'metricsPort', 9090],
    ['AGENT_TOKEN', 'agentToken', undefined],
    ['HEALTH_PORT', 'healthPort', 8080],
    ['STATE_DIR', 'stateDir', '/home/ada/.streamspace'],
    ['LEASE_DURATION', 'leaseDuration', 4_000],
    ['LEASE_RENEW_DEADLINE', 'leaseRenewDeadline', 3_000],
    ['LEASE_RETRY_PERIOD', 'leaseRetryPeriod', 1_250],
    ['PRIORITY', 'priority', 'normal'],
  ])('%s has its default', (name, field, value) => {
    expect(SETTINGS[field].name).toBe(name);
    expect(read()[field]).toEqual(value);
  });

  it.each<[string, string, keyof AgentConfig, unknown]>([
    ['HEARTBEAT_INTERVAL', '1h30m', 'heartbeatInterval', 5_400_000],
    ['RECONNECT_DELAY', '500ms', 'reconnectDelay', 500],
    ['COMMAND_TIMEOUT', '1.5s', 'commandTimeout', 1_500],
    ['SESSION_DEFAULT_CPU', '250m', 'sessionDefaultCpu', 0.25],
    ['SESSION_DEFAULT_CPU', '2', 'sessionDefaultCpu', 2],
    ['SESSION_DEFAULT_MEMORY', '512Mi', 'sessionDefaultMemory', 512 * 2 ** 20],
    ['SESSION_DEFAULT_STORAGE', '10G', 'sessionDefaultStorage', 10e9],
    [
      'SESSION_ALLOW',
      'device:/dev/dri/renderD128:107, device:/dev/fuse,gpus:all,shm:2Gi,tmpfs:1Gi,host:licences:10.0.0.5,mount:/srv/fonts',
      'sessionAllow',
      {
        devices: new Map([
          ['/dev/dri/renderD128', 107],
          ['/dev/fuse', undefined],
        ]),
        gpus: Infinity,
        shm: 2 * 2 ** 30,
        tmpfs: 2 ** 30,
        hosts: new Set(['licences:10.0.0.5']),
        mounts: new Set(['/srv/fonts']),
      },
    ],
    ['ENABLE_HA', 'true', 'enableHa', true],
    ['METRICS_PORT', '0', 'metricsPort', 0],
    ['STATE_DIR', '/var/lib/x', 'stateDir', '/var/lib/x'],
    ['LEASE_LOCK', 'file:/shared/lease', 'leaseLock', { kind: 'file', target: '/shared/lease' }],
    ['LEASE_LOCK', 'redis://cache:6379', 'leaseLock', { kind: 'redis', target: 'redis://cache:6379' }],
    ['http_proxy', 'http://proxy:3128', 'httpProxy', 'http://proxy:3128'],
    ['REGION', '', 'region', ''],
  ])('%s=%s is read', (name, text, field, value) => {
    expect(read({ [name]: text })[field]).toEqual(value);
  });

  it.each([
    ['AGENT_ID', 'Agent_1'],
    ['AGENT_ID', 'a'.repeat(64)],
    ['AGENT_ID', '-a'],
    ['CONTROL_PLANE_URL', 'https://hub'],
    ['CONTROL_PLANE_URL', 'hub:8080'],
    ['CONTROL_PLANE_URL', 'ws://'],
    ['AGENT_TOKEN', 'short'],
    ['AGENT_TOKEN', 'with a space in the middle of it'],
    ['PLATFORM', 'windows'],
    ['PRIORITY', 'urgent'],
    ['NAMESPACE', 'Not_A_Namespace'],
    ['HEARTBEAT_INTERVAL', '30'],
    ['HEARTBEAT_INTERVAL', '50ms'],
    ['RECONNECT_DELAY', '5 s'],
    ['RECONNECT_DELAY', '0s'],
    ['MAX_RECONNECT_DELAY', '-5m'],
    ['COMMAND_TIMEOUT', '5d'],
    ['COMMAND_TIMEOUT', '999h'],
    ['GRACEFUL_SHUTDOWN_TIMEOUT', 'soon'],
    ['MAX_SESSIONS', '-1'],
    ['MAX_SESSIONS', '1e3'],
    ['MAX_SESSIONS', '10.5'],
    ['MAX_CONCURRENT_OPERATIONS', '0'],
    ['ENABLE_HA', 'yes'],
    ['POD_NAME', 'a b'],
    ['LEASE_LOCK', 'etcd'],
    ['LEASE_LOCK', 'memory:x'],
    ['LEASE_DURATION', '6'],
    ['LEASE_RENEW_DEADLINE', 'x'],
    ['LEASE_RETRY_PERIOD', '1'],
    ['SESSION_IMAGE_PULL_POLICY', 'always'],
    ['SESSION_DEFAULT_CPU', '0'],
    ['SESSION_DEFAULT_CPU', '1.5x'],
    ['SESSION_DEFAULT_MEMORY', '2GB'],
    ['SESSION_DEFAULT_MEMORY', '0'],
    ['SESSION_DEFAULT_STORAGE', '-1Gi'],
    ['SESSION_STORAGE_CLASS', 'Fast!'],
    ['SESSION_SERVICE_TYPE', 'ExternalName'],
    ['SESSION_ALLOW', 'everything'],
    ['SESSION_ALLOW', 'device:/etc/shadow'],
    ['SESSION_ALLOW', 'device:/dev/../etc/shadow'],
    ['SESSION_ALLOW', 'mount:/'],
    ['SESSION_ALLOW', 'mount:/srv/../etc'],
    ['SESSION_ALLOW', 'mount:/srv/fonts,shm:much'],
    ['VNC_PORT', '0'],
    ['VNC_PORT', '65536'],
    ['VNC_TUNNEL_TIMEOUT', ''.padEnd(3, 'h')],
    ['VNC_BUFFER_SIZE', '12'],
    ['LOG_LEVEL', 'verbose'],
    ['LOG_FORMAT', 'xml'],
    ['HEALTH_PORT', '99999'],
    ['METRICS_ENABLED', '1'],
    ['METRICS_PORT', 'http'],
    ['HTTPS_PROXY', 'socks5://proxy'],
  ])('refuses %s=%s, naming what it takes', (name, text) => {
    const problems = problemsOf({ [name]: text });
    expect(problems.map((problem) => problem.name)).toEqual([name]);
    const kind = Object.values(SETTINGS).find((setting) => setting.name === name)!.kind;
    expect(problems[0]!.message).toContain(kind.takes);
  });

  it('reports all problems at once', () => {
    const problems = problemsOf({
      AGENT_ID: undefined,
      CONTROL_PLANE_URL: '',
      MAX_SESSIONS: 'many',
      LOG_LEVLE: 'debug',
      LEASE_DURATION: '3s',
    });
    expect(problems.map(({ name }) => name).sort()).toEqual([
      'AGENT_ID',
      'CONTROL_PLANE_URL',
      'LEASE_DURATION',
      'LOG_LEVLE',
      'MAX_SESSIONS',
    ]);
  });

  it.each([
    ['AGENT_TOKN', 'AGENT_TOKEN'],
    ['agent_id', 'AGENT_ID'],
    ['MAX_SESSION', 'MAX_SESSIONS'],
    ['LOG_LEVLE', 'LOG_LEVEL'],
    ['STREAMSPACE_AGENT_ID', 'AGENT_ID'],
    ['STREAMSPACE_LOGLEVEL', 'LOG_LEVEL'],
    ['VNC-PORT', 'VNC_PORT'],
  ])('refuses %s and names %s', (name, meant) => {
    expect(problemsOf({ [name]: 'true' })).toEqual([
      { name, message: expect.stringContaining(`did you mean ${meant}?`) },
    ]);
  });

  it.each([
    'NODE_NAME',
    'PATH',
    'FTP_PROXY',
    'STREAMSPACE_API_SERVICE_HOST',
    'STREAMSPACE_API_PORT_8080_TCP_ADDR',
    'STREAMSPACE_API_PORT',
  ])('leaves %s alone', (name) => {
    expect(problemsOf({ [name]: 'tcp://10.0.0.1:8080' })).toEqual([]);
  });

  it('names the Service whose variable Kubernetes put over ours', () => {
    expect(problemsOf({ VNC_PORT: 'tcp://10.0.0.1:5900' })[0]!.message).toContain('enableServiceLinks');
  });

  it.each([
    [{ LEASE_DURATION: '3s' }, 'LEASE_DURATION'],
    [{ LEASE_RETRY_PERIOD: '2600ms' }, 'LEASE_RENEW_DEADLINE'],
    [{ RECONNECT_DELAY: '10m' }, 'MAX_RECONNECT_DELAY'],
    [{ HEALTH_PORT: '9090' }, 'METRICS_PORT'],
    [{ AGENT_TOKEN: 'sse_0123456789abcdef', AGENT_TOKEN_FILE: '/t' }, 'AGENT_TOKEN_FILE'],
    [{ HOME: '' }, 'STATE_DIR'],
  ])('refuses %j: they do not fit together', (env, name) => {
    expect(problemsOf(env).map((problem) => problem.name)).toEqual([name]);
  });

  it('never repeats a secret', () => {
    expect(problemsOf({ AGENT_TOKEN: 'sse_my secret token' })[0]!.message).not.toContain('secret');
  });

  it('failure 10: agent id and lock do not depend on the replica', () => {
    const replicas = ['pod-a', 'pod-b'].map((name) => read({ POD_NAME: name, ENABLE_HA: 'true', PLATFORM: 'process' }));
    expect(replicas.map(({ podName }) => podName)).toEqual(['pod-a', 'pod-b']);
    const [a, b] = replicas.map((config) => ({ ...config, podName: '' }));
    expect(a).toEqual(b);
    // a pod's name alone is no agent id
    expect(problemsOf({ AGENT_ID: undefined, POD_NAME: 'pod-a' }).map(({ name }) => name)).toEqual(['AGENT_ID']);
  });

  it('is frozen', () => {
    expect(Object.isFrozen(read())).toBe(true);
  });

  it('has a table that documents can be made from', () => {
    for (const setting of Object.values(SETTINGS)) {
      expect(setting.name).toMatch(/^[A-Z][A-Z_]+$/);
      expect(setting.description).not.toBe('');
      if (typeof setting.default === 'string') expect(setting.kind.parse(setting.default)).toBeDefined();
    }
    expect(new Set(Object.values(SETTINGS).map(({ name }) => name)).size).toBe(Object.keys(SETTINGS).length);
  });

  it('reads or refuses any environment, and nothing else', () => {
    const names = Object.values(SETTINGS).map(({ name }) => name);
    const env = fc.dictionary(
      fc.oneof(fc.constantFrom(...names), fc.string()),
      fc.oneof(fc.string(), fc.constantFrom('1s', 'true', '0', '2Gi')),
    );
    fc.assert(
      fc.property(env, (given) => {
        try {
          readAgentConfig(given, 'host');
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
    );
  });
});
