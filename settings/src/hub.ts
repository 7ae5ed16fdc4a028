import { duration, integer, listenPort } from './kinds/amounts.ts';
import { bound, ids } from './kinds/lists.ts';
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
    'TCP port of /metrics, for Prometheus, and /internal, for other replicas of the hub, both for the inside of a network only; 0 takes any free one',
  ),
  publicUrl: absent(
    'PUBLIC_URL',
    publicUrl,
    'URL under which browsers reach the hub, with the path where it lives under one; by default whatever host the request names',
  ),
  hubService: absent(
    'HUB_SERVICE',
    service,
    "the hub's Service in Kubernetes: where PUBLIC_URL is not set, `hub link` says how to reach it by a forwarded port",
  ),
  storeUrl: optional(
    'STORE_URL',
    store,
    'memory:',
    'where state is kept: in this process, or in Redis 7 or Valkey for any number of hubs',
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
    'replicas of Redis that must have a command before it is accepted, too: with one, a failover loses nothing that was accepted',
  ),
  storeWaitTimeout: optional(
    'STORE_WAIT_TIMEOUT',
    duration(10, 10_000),
    '1s',
    'how long they may take; then the request is refused',
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
    'required issuer of tokens; needed with JWT_JWKS_URL, with JWT_SECRET by default any',
  ),
  jwtAudience: absent(
    'JWT_AUDIENCE',
    word('the `aud` that tokens must have'),
    'required audience of tokens; needed with JWT_JWKS_URL (an issuer signs for other applications, too), with JWT_SECRET by default any',
  ),
  jwtMaxAge: absent(
    'JWT_MAX_AGE',
    duration(60_000, 365 * 86_400_000),
    'how long after its `iat` a token is taken at most, whatever its `exp` says; by default only `exp` counts',
  ),
  allowedOrigins: optional(
    'ALLOWED_ORIGINS',
    origins,
    '',
    'other origins whose pages may call the hub; its own always may',
  ),
  trustedProxies: optional(
    'TRUSTED_PROXIES',
    networks,
    '',
    'proxies whose X-Forwarded-For and X-Forwarded-Proto are believed; by default none: failures are then counted by the address of the connection',
  ),
  enrolmentToken: absent(
    'ENROLMENT_TOKEN',
    secret(32),
    'enrolment token for any new agent id, usable many times: for automation',
  ),
  enrolmentTokenAgents: optional(
    'ENROLMENT_TOKEN_AGENTS',
    ids(),
    '',
    'agent ids that ENROLMENT_TOKEN may enrol again, as those of AGENT_ENROLMENT_TOKENS: each replica has a credential of its own',
  ),
  agentEnrolmentTokens: optional(
    'AGENT_ENROLMENT_TOKENS',
    bound(),
    '',
    'an enrolment token for each of these agent ids, usable as often as needed: each replica has a credential of its own',
  ),
  heartbeatInterval: optional('HEARTBEAT_INTERVAL', duration(1_000, 600_000), '30s', 'how often agents report'),
  commandTimeout: optional(
    'COMMAND_TIMEOUT',
    duration(1_000, 7 * 86_400_000),
    '1h',
    'how long a command may wait and run before it fails',
  ),
  ticketTtl: optional('TICKET_TTL', duration(1_000, 60_000), '30s', "how long a viewer's ticket is valid"),
  hubAddress: absent(
    'HUB_ADDRESS',
    peer,
    'where other replicas of the hub reach this one directly; by default from HOST (or the first address of this machine) and METRICS_PORT',
  ),
  hubPeerSecret: absent(
    'HUB_PEER_SECRET',
    secret(32),
    'shared secret of the replicas of the hub, which also signs the sessions that agents are told to make; by default derived from JWT_SECRET, and needed where that is not set',
  ),
  hubPingInterval: optional(
    'HUB_PING_INTERVAL',
    duration(100, 60_000),
    '800ms',
    'how often a silent connection is pinged; silence for two of them is noticed by agents and other replicas',
  ),
  drainTimeout: optional(
    'DRAIN_TIMEOUT',
    duration(100, 3_600_000),
    '20s',
    'how long a stopping hub waits for its agents to connect elsewhere',
  ),
  handshakeRate: optional(
    'HANDSHAKE_RATE',
    integer(1, 100_000),
    '500',
    'connections of agents let in per second; more are told when to come again',
  ),
  logLevel: optional(
    'LOG_LEVEL',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'info',
    'least severe level that is logged',
  ),
  logFormat: optional('LOG_FORMAT', oneOf('json', 'text'), 'json', 'one JSON object a line, or text for people'),
  consoleDir: absent(
    'CONSOLE_DIR',
    path('the path of a folder'),
    'folder of the built page; by default `console` beside the program',
  ),
  rateLimit: optional('RATE_LIMIT', integer(1, 1_000_000), '600', 'requests per user and minute'),
  templatesFile: absent(
    'TEMPLATES_FILE',
    path('the path of a JSON file with a list of templates'),
    'templates offered besides, or instead of, the built-in ones of the same id',
  ),
};
