import { createHmac, hkdfSync } from 'node:crypto';
import { sha256 } from './auth/secrets.ts';
import type { Network } from './config/readers.ts';
import { type Values, VARIABLES, type Variable } from './config/variables.ts';

export { VARIABLES } from './config/variables.ts';

/** The hub's settings. Durations are milliseconds. */
export interface Config {
  readonly port: number;
  readonly host: string;
  /** Origin under which browsers reach the hub. */
  readonly publicUrl: string | undefined;
  readonly storeUrl: string;
  readonly storeCaFile: string | undefined;
  readonly storeWaitReplicas: number;
  readonly storeWaitMs: number;
  readonly jwt: {
    /** The present one, and the former one while it is rotated; empty with `jwksUrl`. */
    readonly secrets: readonly string[];
    readonly jwksUrl?: string | undefined;
    readonly issuer?: string | undefined;
    readonly audience?: string | undefined;
    /** Undefined: only `exp` counts. */
    readonly maxAgeMs?: number | undefined;
  };
  readonly allowedOrigins: readonly string[];
  /** Whose word on where a request comes from is taken. */
  readonly trustedProxies: readonly Network[];
  /** SHA-256 (hex) of the bootstrap enrolment token. */
  readonly enrolmentTokenHash: string | undefined;
  /** SHA-256 (hex) of the enrolment token of each of these agent ids, usable as often as wanted. */
  readonly agentEnrolment: ReadonlyMap<string, string>;
  /** Where other replicas dial this one, without a path; undefined: found out at start. */
  readonly hubAddress: string | undefined;
  /** What replicas of the hub prove themselves with: any of them is taken, the last one is shown. Empty: this one has no peers. */
  readonly peerSecrets: readonly string[];
  /** What sessions are signed with: the first signs, any of them is believed. At least one. */
  readonly sessionKeys: readonly Buffer[];
  readonly pingMs: number;
  readonly drainMs: number;
  /** Handshakes of agents a second. */
  readonly handshakeRate: number;
  readonly heartbeatMs: number;
  readonly commandTimeoutMs: number;
  readonly ticketTtlMs: number;
  readonly logLevel: Values['LOG_LEVEL'];
  readonly logFormat: Values['LOG_FORMAT'];
  readonly consoleDir: string | undefined;
  /** Requests per user and minute. */
  readonly rateLimit: number;
  readonly templatesFile: string | undefined;
}

/** What is wrong with the environment, all of it; `message` has a line for each. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `the configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.map((each) => `  - ${each}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Kubernetes gives every pod variables that name the services around it: a service `streamspace-api` is `STREAMSPACE_API_PORT=tcp://…`. */
function isServiceLink(name: string, value = ''): boolean {
  return (
    /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name) ||
    (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))
  );
}

/** Reads the hub's configuration. An empty variable is an absent one. Throws {@link ConfigError} with every problem at once. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const given = (name: string) => (env[name] === undefined || env[name] === '' ? undefined : env[name]);

  const values = Object.fromEntries(
    (Object.entries(VARIABLES) as [string, Variable<unknown>][]).map(([name, { read, default: fallback }]) => {
      const raw = given(name) ?? fallback;
      const value = raw === undefined ? undefined : read.read(raw);
      if (raw !== undefined && value === undefined)
        problems.push(
          `${name}${read.secret ? '' : `=${JSON.stringify((read.shown?.(raw) ?? raw).slice(0, 100))}`}: takes ${read.takes}`,
        );
      return [name, value];
    }),
  ) as unknown as Values;

  for (const name of Object.keys(env).filter(
    (each) => each.startsWith('STREAMSPACE_') && !isServiceLink(each, env[each]),
  )) {
    const known = name.slice('STREAMSPACE_'.length);
    problems.push(
      `${name}: no such variable${known in VARIABLES ? `; it is called ${known}` : `; known are ${Object.keys(VARIABLES).join(', ')}`}`,
    );
  }
  const keys = [given('JWT_SECRET'), given('JWT_JWKS_URL')].filter((each) => each !== undefined).length;
  if (keys === 0)
    problems.push(
      `JWT_SECRET: is required (${VARIABLES.JWT_SECRET.read.takes}), or JWT_JWKS_URL (${VARIABLES.JWT_JWKS_URL.read.takes})`,
    );
  if (keys === 2) problems.push('JWT_SECRET, JWT_JWKS_URL: only one of them may be set');
  for (const name of ['JWT_ISSUER', 'JWT_AUDIENCE'] as const)
    if (values.JWT_JWKS_URL !== undefined && given(name) === undefined)
      problems.push(
        `${name}: is required with JWT_JWKS_URL (${VARIABLES[name].read.takes}): the issuer signs tokens for other applications, too`,
      );
  if (values.HUB_PEER_SECRET === undefined && values.JWT_SECRET === undefined && values.JWT_JWKS_URL !== undefined)
    problems.push(
      `HUB_PEER_SECRET: is required with JWT_JWKS_URL (${VARIABLES.HUB_PEER_SECRET.read.takes}): replicas prove themselves with it, and sessions are signed with it`,
    );
  if ((env['ENROLMENT_TOKEN_AGENTS'] ?? '') !== '' && (env['ENROLMENT_TOKEN'] ?? '') === '')
    problems.push('ENROLMENT_TOKEN_AGENTS: says whom ENROLMENT_TOKEN may enrol again: set that too');
  if (problems.length > 0) throw new ConfigError(problems);

  return Object.freeze<Config>({
    port: values.PORT,
    host: values.HOST,
    publicUrl: values.PUBLIC_URL,
    storeUrl: values.STORE_URL,
    storeCaFile: values.STORE_CA_FILE,
    storeWaitReplicas: values.STORE_WAIT_REPLICAS,
    storeWaitMs: values.STORE_WAIT_TIMEOUT,
    jwt: Object.freeze({
      secrets: values.JWT_SECRET ?? [],
      jwksUrl: values.JWT_JWKS_URL,
      issuer: values.JWT_ISSUER,
      audience: values.JWT_AUDIENCE,
      maxAgeMs: values.JWT_MAX_AGE,
    }),
    allowedOrigins: values.ALLOWED_ORIGINS,
    trustedProxies: values.TRUSTED_PROXIES,
    enrolmentTokenHash: values.ENROLMENT_TOKEN === undefined ? undefined : sha256(values.ENROLMENT_TOKEN),
    agentEnrolment: new Map(
      [
        ...[...values.ENROLMENT_TOKEN_AGENTS].map((id) => [id, values.ENROLMENT_TOKEN ?? ''] as const),
        ...values.AGENT_ENROLMENT_TOKENS,
      ].map(([id, token]) => [id, sha256(token)]),
    ),
    hubAddress: values.HUB_ADDRESS,
    peerSecrets:
      values.HUB_PEER_SECRET === undefined ? (values.JWT_SECRET ?? []).map(derived) : [values.HUB_PEER_SECRET],
    sessionKeys: [
      ...(values.HUB_PEER_SECRET === undefined ? [] : [values.HUB_PEER_SECRET]),
      ...(values.JWT_SECRET ?? []),
    ].map(sessionKey),
    pingMs: values.HUB_PING_INTERVAL,
    drainMs: values.DRAIN_TIMEOUT,
    handshakeRate: values.HANDSHAKE_RATE,
    heartbeatMs: values.HEARTBEAT_INTERVAL,
    commandTimeoutMs: values.COMMAND_TIMEOUT,
    ticketTtlMs: values.TICKET_TTL,
    logLevel: values.LOG_LEVEL,
    logFormat: values.LOG_FORMAT,
    consoleDir: values.CONSOLE_DIR,
    rateLimit: values.RATE_LIMIT,
    templatesFile: values.TEMPLATES_FILE,
  });
}

/** Not the users' secret itself: who gets hold of the one can't make the other. */
function derived(jwtSecret: string): string {
  return createHmac('sha256', jwtSecret).update('streamspace hub peers').digest('base64url');
}

/** The same on all replicas and after a restart: what was signed before the store was emptied is believed after it. */
function sessionKey(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'streamspace session proof', 32));
}
