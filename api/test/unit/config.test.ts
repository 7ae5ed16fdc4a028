import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ConfigError, HUB } from '@streamspace/settings';
import { readHubConfig } from '../../src/config.ts';

const SECRET = 'x'.repeat(32);
const read = (env: Record<string, string> = {}) => readHubConfig({ JWT_SECRET: SECRET, ...env });
const problems = (env: Record<string, string>): readonly string[] => {
  try {
    readHubConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ message }) => message);
    throw error;
  }
  return [];
};

describe('configuration of the hub', () => {
  it('has defaults for everything but the key of the tokens', () => {
    expect(read()).toEqual({
      port: 8080,
      metricsPort: 9090,
      host: '0.0.0.0',
      publicUrl: undefined,
      storeUrl: 'memory:',
      storeCaFile: undefined,
      storeWaitReplicas: 0,
      storeWaitMs: 1_000,
      jwt: { secrets: [SECRET], jwksUrl: undefined, issuer: undefined, audience: undefined, maxAgeMs: undefined },
      signIn: {
        providersFile: undefined,
        clientSecrets: new Map(),
        lifetimeMs: 12 * 3_600_000,
        idleMs: 3_600_000,
      },
      audit: { ageMs: 90 * 86_400_000, most: 100_000 },
      allowedOrigins: [],
      trustedProxies: [],
      enrolmentTokenHash: undefined,
      agentEnrolment: new Map(),
      hubAddress: undefined,
      peerSecrets: [expect.stringMatching(/^[\w-]{43}$/)],
      sessionKeys: [expect.any(Buffer)],
      pingMs: 800,
      drainMs: 20_000,
      handshakeRate: 500,
      heartbeatMs: 30_000,
      commandTimeoutMs: 3_600_000,
      ticketTtlMs: 30_000,
      logLevel: 'info',
      logFormat: 'json',
      consoleDir: undefined,
      rateLimit: 600,
      templatesFile: undefined,
      quotasFile: undefined,
    });
  });

  it('reads every variable', () => {
    const token = 'y'.repeat(40);
    const config = readHubConfig({
      PORT: '0',
      HOST: '127.0.0.1',
      PUBLIC_URL: 'https://hub.example.com/',
      STORE_URL: 'memory:',
      JWT_JWKS_URL: 'https://issuer.example.com/jwks.json',
      JWT_ISSUER: 'https://issuer.example.com',
      JWT_AUDIENCE: 'streamspace',
      JWT_MAX_AGE: '8h',
      OIDC_PROVIDERS_FILE: '/etc/providers.json',
      OIDC_CLIENT_SECRETS: 'a=x=y,b=z',
      SIGN_IN_LIFETIME: '8h',
      AUDIT_RETENTION: '1h',
      AUDIT_ENTRIES: '5000',
      SIGN_IN_IDLE: '30m',
      ALLOWED_ORIGINS: 'https://a.example.com, http://b.example.com:8080,',
      TRUSTED_PROXIES: '10.0.0.0/8, fd00::1',
      ENROLMENT_TOKEN: token,
      AGENT_ENROLMENT_TOKENS: `lab=sse_${'z'.repeat(32)}`,
      HUB_ADDRESS: 'http://10.0.0.1:9090',
      METRICS_PORT: '9091',
      HUB_PEER_SECRET: 'p'.repeat(32),
      HUB_PING_INTERVAL: '500ms',
      DRAIN_TIMEOUT: '1m',
      HANDSHAKE_RATE: '50',
      HEARTBEAT_INTERVAL: '2s',
      COMMAND_TIMEOUT: '5m',
      TICKET_TTL: '1m',
      LOG_LEVEL: 'debug',
      LOG_FORMAT: 'text',
      CONSOLE_DIR: '/srv/console',
      RATE_LIMIT: '60',
      TEMPLATES_FILE: '/etc/templates.json',
      QUOTAS_FILE: '/etc/quotas.json',
    });
    expect(config).toEqual({
      port: 0,
      metricsPort: 9091,
      host: '127.0.0.1',
      publicUrl: 'https://hub.example.com',
      storeUrl: 'memory:',
      storeCaFile: undefined,
      storeWaitReplicas: 0,
      storeWaitMs: 1_000,
      jwt: {
        secrets: [],
        jwksUrl: 'https://issuer.example.com/jwks.json',
        issuer: 'https://issuer.example.com',
        audience: 'streamspace',
        maxAgeMs: 8 * 3_600_000,
      },
      signIn: {
        providersFile: '/etc/providers.json',
        clientSecrets: new Map([
          ['a', 'x=y'],
          ['b', 'z'],
        ]),
        lifetimeMs: 8 * 3_600_000,
        idleMs: 1_800_000,
      },
      audit: { ageMs: 3_600_000, most: 5_000 },
      allowedOrigins: ['https://a.example.com', 'http://b.example.com:8080'],
      trustedProxies: [
        { address: '10.0.0.0', prefix: 8, family: 'ipv4' },
        { address: 'fd00::1', prefix: 128, family: 'ipv6' },
      ],
      enrolmentTokenHash: createHash('sha256').update(token).digest('hex'),
      agentEnrolment: new Map([
        [
          'lab',
          createHash('sha256')
            .update(`sse_${'z'.repeat(32)}`)
            .digest('hex'),
        ],
      ]),
      hubAddress: 'http://10.0.0.1:9090',
      peerSecrets: ['p'.repeat(32)],
      sessionKeys: [expect.any(Buffer)],
      pingMs: 500,
      drainMs: 60_000,
      handshakeRate: 50,
      heartbeatMs: 2_000,
      commandTimeoutMs: 300_000,
      ticketTtlMs: 60_000,
      logLevel: 'debug',
      logFormat: 'text',
      consoleDir: '/srv/console',
      rateLimit: 60,
      templatesFile: '/etc/templates.json',
      quotasFile: '/etc/quotas.json',
    });
  });

  it('is frozen, and takes an empty variable as an absent one', () => {
    const config = read({ PORT: '', LOG_LEVEL: '' });
    expect(config).toMatchObject({ port: 8080, logLevel: 'info' });
    expect(Object.isFrozen(config) && Object.isFrozen(config.jwt)).toBe(true);
  });

  it.each([
    ['PORT', '80a', 'a port from 1 to 65535, or 0 for any free one'],
    ['PORT', '65536', 'a port from 1 to 65535, or 0 for any free one'],
    ['PORT', '-1', 'a port from 1 to 65535, or 0 for any free one'],
    ['HOST', 'a b', 'a host name or address'],
    ['PUBLIC_URL', 'hub.example.com', 'a URL like https://hub.example.com or https://example.com/streamspace'],
    ['PUBLIC_URL', 'https://hub.example.com/a?b', 'a URL like https://hub.example.com'],
    ['PUBLIC_URL', 'https://hub.example.com/a//b', 'a URL like https://hub.example.com'],
    ['PUBLIC_URL', 'https://hub.example.com/"', 'a URL like https://hub.example.com'],
    ['STORE_URL', 'mongodb://localhost', '`memory:`'],
    ['JWT_JWKS_URL', 'ftp://issuer', 'a URL starting with http:// or https://'],
    ['JWT_MAX_AGE', '10s', 'from 1m to 8760h'],
    ['TRUSTED_PROXIES', '10.0.0.0/33', 'a comma list of networks'],
    ['TRUSTED_PROXIES', 'ingress', 'a comma list of networks'],
    ['ALLOWED_ORIGINS', 'https://a.example.com,*', 'a comma list of origins'],
    ['HEARTBEAT_INTERVAL', '30', 'a duration such as 500ms, 30s, 5m or 1h30m, from 1s to 10m'],
    ['HEARTBEAT_INTERVAL', '1d', 'a duration such as 500ms, 30s, 5m or 1h30m'],
    ['COMMAND_TIMEOUT', '0s', 'a duration such as 500ms, 30s, 5m or 1h30m'],
    ['TICKET_TTL', '61s', 'from 1s to 1m'],
    ['LOG_LEVEL', 'loud', 'trace, debug, info, warn, error, fatal or silent'],
    ['LOG_FORMAT', 'xml', 'json or text'],
    ['RATE_LIMIT', '0', 'a whole number from 1 to'],
  ])('refuses %s=%s and says what it takes', (name, value, takes) => {
    const [problem, ...more] = problems({ ...(name !== 'JWT_JWKS_URL' && { JWT_SECRET: SECRET }), [name]: value });
    expect(more).toEqual([]);
    expect(problem).toContain(`${name}: takes`);
    expect(problem).toContain(takes);
    expect(problem).toContain(`; given was ${JSON.stringify(value)}`);
  });

  it('says all problems at once', () => {
    const found = problems({ PORT: 'x', TICKET_TTL: '2h', STREAMSPACE_PORT: '1' });
    expect(found.map((problem) => problem.split(/[=:]/)[0])).toEqual([
      'PORT',
      'TICKET_TTL',
      'STREAMSPACE_PORT',
      'JWT_SECRET',
    ]);
    expect(new ConfigError(found.map((message) => ({ name: '', message }))).message).toContain('4 problems');
  });

  it('wants exactly one of JWT_SECRET and JWT_JWKS_URL', () => {
    expect(problems({})).toEqual([expect.stringContaining('JWT_SECRET: is required')]);
    const issuer = { JWT_JWKS_URL: 'https://i.example.com', JWT_ISSUER: 'https://i.example.com', JWT_AUDIENCE: 'ss' };
    expect(problems({ JWT_SECRET: SECRET, ...issuer })).toEqual([expect.stringContaining('only one of them')]);
  });

  it('P1 wants an address that is safe for cookies with OIDC_PROVIDERS_FILE', () => {
    const providers = { JWT_SECRET: SECRET, OIDC_PROVIDERS_FILE: '/etc/providers.json' };
    expect(problems(providers)).toEqual([expect.stringContaining('PUBLIC_URL: is required with OIDC_PROVIDERS_FILE')]);
    for (const url of ['http://hub.example.com', 'http://localhost.example.com', 'http://127.0.0.1.example.com'])
      expect(problems({ ...providers, PUBLIC_URL: url })).toEqual([expect.stringContaining('has no TLS')]);
    for (const url of ['https://hub.example.com/a', 'http://localhost:8080', 'http://127.0.0.1/x'])
      expect(problems({ ...providers, PUBLIC_URL: url })).toEqual([]);
    expect(problems({ JWT_SECRET: SECRET, OIDC_CLIENT_SECRETS: 'a=hunter2' })).toEqual([
      'OIDC_CLIENT_SECRETS: is for the providers of OIDC_PROVIDERS_FILE: set that too',
    ]);
    const [problem] = problems({ JWT_SECRET: SECRET, OIDC_CLIENT_SECRETS: 'a=hunter2,a=x' });
    expect(problem).toContain('takes a comma list of provider-id=client-secret');
    expect(problem).not.toContain('hunter2');
  });

  it("V3 refuses a path that can't be told from the hub's own", () => {
    for (const own of ['api', 'assets', 'docs', 'health', 'ready'])
      expect(problems({ JWT_SECRET: SECRET, PUBLIC_URL: `https://example.com/${own}/x` })).toEqual([
        `PUBLIC_URL: a path that begins with /${own} conflicts with the hub's own paths: choose another`,
      ]);
    expect(read({ PUBLIC_URL: 'https://example.com:443/apis/a.b/' }).publicUrl).toBe('https://example.com/apis/a.b');
  });

  it('[QUO2] refuses quotas with a Cluster, which has the sessions of a user on several servers', () => {
    const quotas = { JWT_SECRET: SECRET, QUOTAS_FILE: '/etc/quotas.json' };
    expect(problems({ ...quotas, STORE_URL: 'redis+cluster://10.0.0.1:6379' })).toEqual([
      'QUOTAS_FILE: a Redis Cluster (STORE_URL) has the sessions of one user on several servers, which can not count them in one step: use one server, Sentinel, or no quotas',
    ]);
    for (const store of ['memory:', 'redis://10.0.0.1', 'redis+sentinel://10.0.0.1/main'])
      expect(problems({ ...quotas, STORE_URL: store })).toEqual([]);
  });

  it('S12 refuses one port for both servers, but for 0', () => {
    expect(problems({ JWT_SECRET: SECRET, PORT: '9090' })).toEqual([
      'METRICS_PORT: 9090 is PORT too: set one of the two to another port, or to 0 for any free one',
    ]);
    expect(problems({ JWT_SECRET: SECRET, PORT: '0', METRICS_PORT: '0' })).toEqual([]);
  });

  it('S12 refuses an address for other replicas that is that of everybody', () => {
    expect(problems({ JWT_SECRET: SECRET, HUB_ADDRESS: 'http://10.0.0.1:8080' })).toEqual([
      'HUB_ADDRESS: the port of http://10.0.0.1:8080 is PORT, which does not serve other replicas: use METRICS_PORT (9090)',
    ]);
    for (const address of ['http://10.0.0.1:9090', 'http://hub-1.example.com', '10.0.0.1', 'fd00::1'])
      expect(problems({ JWT_SECRET: SECRET, HUB_ADDRESS: address })).toEqual([]);
  });

  it('S9 wants JWT_ISSUER and JWT_AUDIENCE with JWT_JWKS_URL: an issuer signs for other applications, too', () => {
    const keys = { JWT_JWKS_URL: 'https://i.example.com/keys' };
    expect(problems({ ...keys, HUB_PEER_SECRET: SECRET })).toEqual([
      expect.stringContaining('JWT_ISSUER: is required with JWT_JWKS_URL'),
      expect.stringContaining('JWT_AUDIENCE: is required with JWT_JWKS_URL'),
    ]);
    expect(
      problems({ ...keys, JWT_ISSUER: 'https://i.example.com', JWT_AUDIENCE: 'ss', HUB_PEER_SECRET: SECRET }),
    ).toEqual([]);
  });

  it('S9 takes the present and the former JWT_SECRET', () => {
    const [present, former] = ['a'.repeat(32), 'b'.repeat(32)];
    expect(read({ JWT_SECRET: `${present},${former}` }).jwt.secrets).toEqual([present, former]);
    // what was one secret before there could be two is one still
    for (const whole of [`${present},short`, `${present},`, ','.repeat(32)])
      expect(read({ JWT_SECRET: whole }).jwt.secrets).toEqual([whole]);
    expect(problems({ JWT_SECRET: 'short,short' })).toEqual([expect.stringContaining('`PRESENT,FORMER`')]);
    // replicas that know the former one only, and those that know the present one only, believe the ones between
    const peers = (value: string) => read({ JWT_SECRET: value }).peerSecrets;
    expect(peers(`${present},${former}`)).toEqual([...peers(present), ...peers(former)]);
  });

  it('S11 signs sessions with what all replicas share and a restart keeps; wants it where only a key set is given', () => {
    const [present, former, peer] = ['a'.repeat(32), 'b'.repeat(32), 'p'.repeat(32)];
    const keys = (env: Record<string, string>) => read(env).sessionKeys.map((key) => key.toString('hex'));
    const [byPresent] = keys({ JWT_SECRET: present });
    const [byFormer] = keys({ JWT_SECRET: former });
    const [byPeer] = keys({ JWT_SECRET: present, HUB_PEER_SECRET: peer });
    expect(new Set([byPresent, byFormer, byPeer]).size).toBe(3);
    expect(keys({ JWT_SECRET: `${present},${former}` })).toEqual([byPresent, byFormer]);
    // what was signed before HUB_PEER_SECRET was set is believed after it
    expect(keys({ JWT_SECRET: present, HUB_PEER_SECRET: peer })).toEqual([byPeer, byPresent]);
    const set = { JWT_JWKS_URL: 'https://i.example.com', JWT_ISSUER: 'https://i.example.com', JWT_AUDIENCE: 'ss' };
    expect(problems(set)).toEqual([expect.stringContaining('HUB_PEER_SECRET: is required')]);
  });

  it('lets ENROLMENT_TOKEN enrol the agents again that are named, unless they have a token of their own', () => {
    const [token, own] = ['b'.repeat(32), `sse_${'z'.repeat(32)}`];
    const { agentEnrolment } = readHubConfig({
      JWT_SECRET: SECRET,
      ENROLMENT_TOKEN: token,
      ENROLMENT_TOKEN_AGENTS: 'lab,office',
      AGENT_ENROLMENT_TOKENS: `lab=${own}`,
    });
    const hash = (text: string) => createHash('sha256').update(text).digest('hex');
    expect([...agentEnrolment]).toEqual([
      ['lab', hash(own)],
      ['office', hash(token)],
    ]);
    expect(problems({ JWT_SECRET: SECRET, ENROLMENT_TOKEN_AGENTS: 'lab' })).toEqual([
      expect.stringContaining('set that too'),
    ]);
    expect(problems({ JWT_SECRET: SECRET, ENROLMENT_TOKEN: token, ENROLMENT_TOKEN_AGENTS: 'Not An Id' })).toHaveLength(
      1,
    );
  });

  it.each(['JWT_SECRET', 'ENROLMENT_TOKEN'])('refuses a short %s without repeating it', (name) => {
    const [problem] = problems({ JWT_SECRET: SECRET, [name]: 'hunter2' });
    expect(problem).toContain(`${name}: takes a secret of at least 32 bytes`);
    expect(problem).not.toContain('hunter2');
  });

  it('counts the bytes of a secret, not its characters', () => {
    expect(problems({ JWT_SECRET: 'ü'.repeat(16) })).toEqual([]);
    expect(problems({ JWT_SECRET: 'ü'.repeat(15) })).toHaveLength(1);
  });

  it('refuses unknown variables of ours, and names the right one', () => {
    expect(problems({ JWT_SECRET: SECRET, STREAMSPACE_PORT: '8080' })).toEqual([
      expect.stringContaining('did you mean PORT?'),
    ]);
    expect(problems({ JWT_SECRET: SECRET, STREAMSPACE_COLOUR: 'red' })).toEqual([
      expect.stringMatching(/did you mean [A-Z_]+\?/),
    ]);
    expect(problems({ JWT_SECRET: SECRET, PATH: '/bin', OTHER: '1' })).toEqual([]);
  });

  it('leaves the variables alone that Kubernetes makes of a service called streamspace-…', () => {
    const links = {
      STREAMSPACE_API_SERVICE_HOST: '10.0.0.1',
      STREAMSPACE_API_SERVICE_PORT: '80',
      STREAMSPACE_API_SERVICE_PORT_HTTP: '80',
      STREAMSPACE_API_PORT: 'tcp://10.0.0.1:80',
      STREAMSPACE_API_PORT_80_TCP: 'tcp://10.0.0.1:80',
      STREAMSPACE_API_PORT_80_TCP_ADDR: '10.0.0.1',
    };
    expect(problems({ JWT_SECRET: SECRET, ...links })).toEqual([]);
  });

  it('says of every variable what it is for, and has a default that it takes itself', () => {
    for (const { name, kind, default: fallback, description } of Object.values(HUB)) {
      expect(description, name).not.toBe('');
      if (fallback !== null) expect(kind.parse(fallback), name).toBeDefined();
    }
  });
});
