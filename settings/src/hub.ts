import { duration, integer, listenPort } from './kinds/amounts.ts';
import { bound, clientSecrets, ids } from './kinds/lists.ts';
import { networks } from './kinds/networks.ts';
import { service } from './kinds/service.ts';
import { oneOf, path, secret, secrets, word } from './kinds/texts.ts';
import { origins, peer, plainUrl, publicUrl, store } from './kinds/urls.ts';
import { absent, optional } from './setting.ts';

/** Everything that the hub reads from its environment. */
export const HUB = {
  port: optional('PORT', listenPort, '8080', 'TCP port of HTTP and WebSockets; 0 takes any free one'),
  host: optional(
    'HOST',
    word('a host name or address to listen on'),
    '0.0.0.0',
    'address to listen on, for both ports',
  ),
  metricsPort: optional(
    'METRICS_PORT',
    listenPort,
    '9090',
    'TCP port of /metrics, for Prometheus, and /internal, for other hub replicas; both only for the internal network; 0 takes any free one',
  ),
  publicUrl: absent(
    'PUBLIC_URL',
    publicUrl,
    'URL of the hub for browsers, with its path if it has one; by default the host in each request',
  ),
  hubService: absent(
    'HUB_SERVICE',
    service,
    "the hub's Service in Kubernetes: without PUBLIC_URL, `hub link` prints how to forward a port to it",
  ),
  storeUrl: optional(
    'STORE_URL',
    store,
    'memory:',
    'place of the state: this process, or Redis 7 or Valkey for any number of hub replicas',
  ),
  storeCaFile: absent(
    'STORE_CA_FILE',
    path('the path of a PEM file of certificates'),
    "authorities that sign the store's certificate (`rediss`); by default the system's",
  ),
  storeWaitReplicas: optional(
    'STORE_WAIT_REPLICAS',
    integer(0, 10),
    '0',
    'replicas of Redis that must also have a command before the hub accepts it: with 1, a failover loses no accepted command',
  ),
  storeWaitTimeout: optional(
    'STORE_WAIT_TIMEOUT',
    duration(10, 10_000),
    '1s',
    'longest wait for these replicas; then the hub refuses the request',
  ),
  jwtSecret: absent('JWT_SECRET', secrets(32), "shared secret of users' tokens (HS256); this or JWT_JWKS_URL"),
  jwtJwksUrl: absent(
    'JWT_JWKS_URL',
    plainUrl('http:', 'https:'),
    "key set of the issuer of users' tokens (RS, PS, ES, EdDSA); this or JWT_SECRET",
  ),
  jwtIssuer: absent(
    'JWT_ISSUER',
    word('the `iss` that tokens must have'),
    'issuer that tokens must have; required with JWT_JWKS_URL, by default any with JWT_SECRET',
  ),
  jwtAudience: absent(
    'JWT_AUDIENCE',
    word('the `aud` that tokens must have'),
    'audience that tokens must have; required with JWT_JWKS_URL (an issuer also signs for other applications), by default any with JWT_SECRET',
  ),
  jwtMaxAge: absent(
    'JWT_MAX_AGE',
    duration(60_000, 365 * 86_400_000),
    'longest time after its `iat` that a token is valid, even with a later `exp`; by default only `exp` counts',
  ),
  oidcProvidersFile: absent(
    'OIDC_PROVIDERS_FILE',
    path('the path of a JSON file with a list of OpenID Connect providers'),
    'OpenID Connect providers where users sign in; needs PUBLIC_URL',
  ),
  oidcClientSecrets: optional(
    'OIDC_CLIENT_SECRETS',
    clientSecrets(),
    '',
    "the hub's client secret at each of these providers; a provider without one has the hub as a public client",
  ),
  auditRetention: optional(
    'AUDIT_RETENTION',
    duration(3_600_000, 10 * 366 * 86_400_000),
    '2160h',
    'age at which entries of the audit log go (2160h are 90 days)',
  ),
  auditEntries: optional(
    'AUDIT_ENTRIES',
    integer(1_000, 10_000_000),
    '100000',
    'most entries of the audit log; one takes about half a KiB of the store',
  ),
  signInLifetime: optional(
    'SIGN_IN_LIFETIME',
    duration(300_000, 30 * 86_400_000),
    '12h',
    'longest time that a sign-in at a provider lasts',
  ),
  signInIdle: optional(
    'SIGN_IN_IDLE',
    duration(300_000, 86_400_000),
    '1h',
    'time after which a sign-in ends that no open page uses, or that its provider can not confirm',
  ),
  allowedOrigins: optional(
    'ALLOWED_ORIGINS',
    origins,
    '',
    "other origins whose pages may call the hub, in addition to the hub's own",
  ),
  trustedProxies: optional(
    'TRUSTED_PROXIES',
    networks,
    '',
    'proxies whose X-Forwarded-For and X-Forwarded-Proto the hub trusts; by default none: failures then count by the address of the connection',
  ),
  enrolmentToken: absent(
    'ENROLMENT_TOKEN',
    secret(32),
    'enrolment token for any new agent id and any number of uses: for automation',
  ),
  enrolmentTokenAgents: optional(
    'ENROLMENT_TOKEN_AGENTS',
    ids(),
    '',
    'agent ids that ENROLMENT_TOKEN may enrol again, as in AGENT_ENROLMENT_TOKENS: each replica gets its own credential',
  ),
  agentEnrolmentTokens: optional(
    'AGENT_ENROLMENT_TOKENS',
    bound(),
    '',
    'an enrolment token for each of these agent ids, for any number of uses: each replica gets its own credential',
  ),
  heartbeatInterval: optional(
    'HEARTBEAT_INTERVAL',
    duration(1_000, 600_000),
    '30s',
    'time between two heartbeats of an agent',
  ),
  commandTimeout: optional(
    'COMMAND_TIMEOUT',
    duration(1_000, 7 * 86_400_000),
    '1h',
    'longest time that a command may wait and run before it fails',
  ),
  ticketTtl: optional('TICKET_TTL', duration(1_000, 60_000), '30s', "validity of a viewer's ticket"),
  hubAddress: absent(
    'HUB_ADDRESS',
    peer,
    'direct address of this hub replica for the other ones; by default HOST (or the first address of this machine) and METRICS_PORT',
  ),
  hubPeerSecret: absent(
    'HUB_PEER_SECRET',
    secret(32),
    'shared secret of the hub replicas, which also signs the specs of sessions for agents; by default derived from JWT_SECRET, and required without it',
  ),
  hubPingInterval: optional(
    'HUB_PING_INTERVAL',
    duration(100, 60_000),
    '800ms',
    'time between two pings of a silent connection; agents and other hub replicas detect a silence of two such intervals',
  ),
  drainTimeout: optional(
    'DRAIN_TIMEOUT',
    duration(100, 3_600_000),
    '20s',
    'longest time that a stopping hub waits for its agents to connect elsewhere',
  ),
  handshakeRate: optional(
    'HANDSHAKE_RATE',
    integer(1, 100_000),
    '500',
    'connections of agents admitted per second; the hub tells the others when to retry',
  ),
  logLevel: optional(
    'LOG_LEVEL',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'info',
    'least severe level that is logged',
  ),
  logFormat: optional('LOG_FORMAT', oneOf('json', 'text'), 'json', 'one JSON object per line, or readable text'),
  consoleDir: absent(
    'CONSOLE_DIR',
    path('the path of a folder'),
    'folder of the built web page; by default `console` beside the program',
  ),
  rateLimit: optional('RATE_LIMIT', integer(1, 1_000_000), '600', 'requests per user and minute'),
  templatesFile: absent(
    'TEMPLATES_FILE',
    path('the path of a JSON file with a list of templates'),
    'more session templates; they replace built-in ones of the same id',
  ),
  quotasFile: absent(
    'QUOTAS_FILE',
    path('the path of a JSON file with a list of quotas'),
    'limits of what the sessions of each user may use; by default only the agents’ capacity limits them; not with a Redis Cluster',
  ),
};
