import {
  type Reader,
  bound,
  choice,
  duration,
  file,
  ids,
  networks,
  origins,
  peer,
  secret,
  secrets,
  store,
  text,
  url,
  whole,
} from './readers.ts';

/** One environment variable: how it is read, what it is without it, and what it is for. Documentation is generated from this table. */
export interface Variable<T> {
  readonly read: Reader<T>;
  /** As one would write it; undefined: none. */
  readonly default?: string;
  readonly about: string;
}

const variable = <T>(read: Reader<T>, about: string, fallback: string): Variable<T> => ({
  read,
  about,
  default: fallback,
});
const optional = <T>(read: Reader<T>, about: string): Variable<T | undefined> => ({ read, about });

/** Everything that the hub reads from its environment. */
export const VARIABLES = {
  PORT: variable(whole(0, 65_535), 'TCP port of HTTP and WebSockets; 0 takes any free one', '8080'),
  HOST: variable(text(/^\S+$/, 'a host name or address to listen on'), 'address to listen on', '0.0.0.0'),
  PUBLIC_URL: optional(
    url(['http:', 'https:'], true),
    'origin under which browsers reach the hub; by default whatever the request says',
  ),
  STORE_URL: variable(
    store(),
    'where state is kept: in this process, or in Redis 7 or Valkey for any number of hubs',
    'memory:',
  ),
  STORE_CA_FILE: optional(
    file('a PEM file of certificates'),
    "authorities that sign the store's certificate (`rediss`); by default the system's",
  ),
  STORE_WAIT_REPLICAS: variable(
    whole(0, 10),
    'replicas of Redis that must have a command before it is accepted, too: with one, a failover loses nothing that was accepted',
    '0',
  ),
  STORE_WAIT_TIMEOUT: variable(duration(10, 10_000), 'how long they may take; then the request is refused', '1s'),
  JWT_SECRET: optional(secrets(32), "shared secret of users' tokens (HS256); this or JWT_JWKS_URL"),
  JWT_JWKS_URL: optional(
    url(['http:', 'https:']),
    "key set of the issuer of users' tokens (RS, PS, ES, EdDSA); this or JWT_SECRET",
  ),
  JWT_ISSUER: optional(
    text(/^\S+$/, 'the `iss` that tokens must have'),
    'required issuer of tokens; needed with JWT_JWKS_URL, with JWT_SECRET by default any',
  ),
  JWT_AUDIENCE: optional(
    text(/^\S+$/, 'the `aud` that tokens must have'),
    'required audience of tokens; needed with JWT_JWKS_URL (an issuer signs for other applications, too), with JWT_SECRET by default any',
  ),
  JWT_MAX_AGE: optional(
    duration(60_000, 365 * 86_400_000),
    'how long after its `iat` a token is taken at most, whatever its `exp` says; by default only `exp` counts',
  ),
  ALLOWED_ORIGINS: variable(origins(), 'other origins whose pages may call the hub; its own always may', ''),
  TRUSTED_PROXIES: variable(
    networks(),
    'proxies whose X-Forwarded-For and X-Forwarded-Proto are believed; by default none: failures are then counted by the address of the connection',
    '',
  ),
  ENROLMENT_TOKEN: optional(secret(32), 'enrolment token for any new agent id, usable many times: for automation'),
  ENROLMENT_TOKEN_AGENTS: variable(
    ids(),
    'agent ids that ENROLMENT_TOKEN may enrol again, as those of AGENT_ENROLMENT_TOKENS: each replica has a credential of its own',
    '',
  ),
  AGENT_ENROLMENT_TOKENS: variable(
    bound(),
    'an enrolment token for each of these agent ids, usable as often as needed: each replica has a credential of its own',
    '',
  ),
  HEARTBEAT_INTERVAL: variable(duration(1_000, 600_000), 'how often agents report', '30s'),
  COMMAND_TIMEOUT: variable(
    duration(1_000, 7 * 86_400_000),
    'how long a command may wait and run before it fails',
    '1h',
  ),
  TICKET_TTL: variable(duration(1_000, 60_000), "how long a viewer's ticket is valid", '30s'),
  HUB_ADDRESS: optional(
    peer(),
    'where other replicas of the hub reach this one directly; by default from HOST (or the first address of this machine) and PORT',
  ),
  HUB_PEER_SECRET: optional(
    secret(32),
    'shared secret of the replicas of the hub, which also signs the sessions that agents are told to make; by default derived from JWT_SECRET, and needed where that is not set',
  ),
  HUB_PING_INTERVAL: variable(
    duration(100, 60_000),
    'how often a silent connection is pinged; silence for two of them is noticed by agents and other replicas',
    '800ms',
  ),
  DRAIN_TIMEOUT: variable(
    duration(100, 3_600_000),
    'how long a stopping hub waits for its agents to connect elsewhere',
    '20s',
  ),
  HANDSHAKE_RATE: variable(
    whole(1, 100_000),
    'connections of agents let in per second; more are told when to come again',
    '500',
  ),
  LOG_LEVEL: variable(
    choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    'least severe level that is logged',
    'info',
  ),
  LOG_FORMAT: variable(choice(['json', 'text']), 'one JSON object a line, or text for people', 'json'),
  CONSOLE_DIR: optional(file('a folder'), 'folder of the built page; by default `console` beside the program'),
  RATE_LIMIT: variable(whole(1, 1_000_000), 'requests per user and minute', '600'),
  TEMPLATES_FILE: optional(
    file('a JSON file with a list of templates'),
    'templates offered besides, or instead of, the built-in ones of the same id',
  ),
} satisfies Record<string, Variable<unknown>>;

export type Values = {
  readonly [K in keyof typeof VARIABLES]: (typeof VARIABLES)[K] extends Variable<infer T> ? T : never;
};
