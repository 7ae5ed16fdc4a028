import { createHmac } from 'node:crypto';
import {
  ConfigError,
  type Environment,
  HUB,
  type Network,
  readRedisAddress,
  readSettings,
  type Settings,
} from '@streamspace/settings';
import { sha256Hex } from './auth/secrets.ts';
import { basePathOf } from './http/base-path.ts';
import { sessionKeyOf } from './sessions/proof.ts';

/** The hub's settings. Durations are milliseconds. */
export interface HubConfig {
  readonly port: number;
  /** Of /metrics and /internal. */
  readonly metricsPort: number;
  readonly host: string;
  /** Where browsers reach the hub: an origin, with a path where it lives under one, without a slash at the end. */
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
  readonly signIn: {
    /** Undefined: no provider, users sign in with tokens only. */
    readonly providersFile: string | undefined;
    /** By the provider's id. */
    readonly clientSecrets: ReadonlyMap<string, string>;
    readonly lifetimeMs: number;
    readonly idleMs: number;
  };
  /** What is kept of the audit log: age in milliseconds, number of entries. */
  readonly audit: { readonly ageMs: number; readonly most: number };
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
  readonly logLevel: Settings<typeof HUB>['logLevel'];
  readonly logFormat: Settings<typeof HUB>['logFormat'];
  readonly consoleDir: string | undefined;
  /** Requests per user and minute. */
  readonly rateLimit: number;
  readonly templatesFile: string | undefined;
  readonly quotasFile: string | undefined;
}

/** First segments of paths that the hub serves itself. */
const OWN_PATHS = /^\/(api|assets|docs|health|ready)(?=\/|$)/;

/** Reads the hub's configuration. An empty variable is an absent one. Throws {@link ConfigError} with every problem at once. */
export function readHubConfig(env: Environment): HubConfig {
  const { values, problems } = readSettings(HUB, env);
  const given = (name: string) => (env[name] ?? '') !== '';
  /** `message` starts with the variable's name. */
  const problem = (message: string) => void problems.push({ name: message.split(':')[0]!, message });
  const takes = (field: keyof typeof HUB) => HUB[field].kind.takes;
  if (!given('JWT_SECRET') && !given('JWT_JWKS_URL'))
    problem(`JWT_SECRET: is required (${takes('jwtSecret')}), or JWT_JWKS_URL (${takes('jwtJwksUrl')})`);
  if (given('JWT_SECRET') && given('JWT_JWKS_URL'))
    problem('JWT_JWKS_URL: JWT_SECRET is set too; only one of them may be set');
  for (const [name, field] of [
    ['JWT_ISSUER', 'jwtIssuer'],
    ['JWT_AUDIENCE', 'jwtAudience'],
  ] as const)
    if (values.jwtJwksUrl !== undefined && !given(name))
      problem(
        `${name}: is required with JWT_JWKS_URL (${takes(field)}): the issuer also signs tokens for other applications`,
      );
  if (values.hubPeerSecret === undefined && values.jwtSecret === undefined && values.jwtJwksUrl !== undefined)
    problem(
      `HUB_PEER_SECRET: is required with JWT_JWKS_URL (${takes('hubPeerSecret')}): it authenticates hub replicas to each other and signs sessions`,
    );
  if (given('OIDC_PROVIDERS_FILE') && !given('PUBLIC_URL'))
    problem(
      `PUBLIC_URL: is required with OIDC_PROVIDERS_FILE: providers send users back there (${takes('publicUrl')})`,
    );
  if (given('OIDC_PROVIDERS_FILE') && values.publicUrl !== undefined && !keepsCookies(values.publicUrl))
    problem(
      `PUBLIC_URL: ${values.publicUrl} has no TLS: with OIDC_PROVIDERS_FILE it starts with https:// (http:// only on localhost), because browsers would send the sign-in in clear text`,
    );
  if (given('OIDC_CLIENT_SECRETS') && !given('OIDC_PROVIDERS_FILE'))
    problem('OIDC_CLIENT_SECRETS: is for the providers of OIDC_PROVIDERS_FILE: set that too');
  if (given('ENROLMENT_TOKEN_AGENTS') && !given('ENROLMENT_TOKEN'))
    problem('ENROLMENT_TOKEN_AGENTS: names agents that ENROLMENT_TOKEN may enrol again: set that too');
  if (values.port !== undefined && values.port === values.metricsPort && values.port !== 0)
    problem(
      `METRICS_PORT: ${values.metricsPort} is PORT too: set one of the two to another port, or to 0 for any free one`,
    );
  if (given('QUOTAS_FILE') && readRedisAddress(values.storeUrl ?? '')?.kind === 'cluster')
    problem(
      'QUOTAS_FILE: a Redis Cluster (STORE_URL) has the sessions of one user on several servers, which can not count them in one step: use one server, Sentinel, or no quotas',
    );
  const taken = OWN_PATHS.exec(basePathOf(values.publicUrl))?.[0];
  if (taken !== undefined)
    problem(`PUBLIC_URL: a path that begins with ${taken} conflicts with the hub's own paths: choose another`);
  if (values.hubAddress?.includes('://') === true && portOf(values.hubAddress) === values.port)
    problem(
      `HUB_ADDRESS: the port of ${values.hubAddress} is PORT, which does not serve other replicas: use METRICS_PORT (${values.metricsPort})`,
    );
  if (problems.length > 0) throw new ConfigError(problems);

  return Object.freeze<HubConfig>({
    port: values.port,
    metricsPort: values.metricsPort,
    host: values.host,
    publicUrl: values.publicUrl,
    storeUrl: values.storeUrl,
    storeCaFile: values.storeCaFile,
    storeWaitReplicas: values.storeWaitReplicas,
    storeWaitMs: values.storeWaitTimeout,
    jwt: Object.freeze({
      secrets: values.jwtSecret ?? [],
      jwksUrl: values.jwtJwksUrl,
      issuer: values.jwtIssuer,
      audience: values.jwtAudience,
      maxAgeMs: values.jwtMaxAge,
    }),
    signIn: Object.freeze({
      providersFile: values.oidcProvidersFile,
      clientSecrets: values.oidcClientSecrets,
      lifetimeMs: values.signInLifetime,
      idleMs: values.signInIdle,
    }),
    audit: Object.freeze({ ageMs: values.auditRetention, most: values.auditEntries }),
    allowedOrigins: values.allowedOrigins,
    trustedProxies: values.trustedProxies,
    enrolmentTokenHash: values.enrolmentToken === undefined ? undefined : sha256Hex(values.enrolmentToken),
    agentEnrolment: new Map(
      [
        ...[...values.enrolmentTokenAgents].map((id) => [id, values.enrolmentToken ?? ''] as const),
        ...values.agentEnrolmentTokens,
      ].map(([id, token]) => [id, sha256Hex(token)]),
    ),
    hubAddress: values.hubAddress,
    peerSecrets: values.hubPeerSecret === undefined ? (values.jwtSecret ?? []).map(derived) : [values.hubPeerSecret],
    sessionKeys: [
      ...(values.hubPeerSecret === undefined ? [] : [values.hubPeerSecret]),
      ...(values.jwtSecret ?? []),
    ].map(sessionKeyOf),
    pingMs: values.hubPingInterval,
    drainMs: values.drainTimeout,
    handshakeRate: values.handshakeRate,
    heartbeatMs: values.heartbeatInterval,
    commandTimeoutMs: values.commandTimeout,
    ticketTtlMs: values.ticketTtl,
    logLevel: values.logLevel,
    logFormat: values.logFormat,
    consoleDir: values.consoleDir,
    rateLimit: values.rateLimit,
    templatesFile: values.templatesFile,
    quotasFile: values.quotasFile,
  });
}

/** Whether a sign-in's cookie is safe at this address: by TLS, or on this machine. */
const keepsCookies = (url: string): boolean => /^(https:|http:\/\/(localhost|127\.0\.0\.1)([:/]|$))/.test(url);

/** Port of an origin, as written or as its scheme says. */
function portOf(origin: string): number {
  const { port, protocol } = new URL(origin);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

/** Not the users' secret itself: who gets hold of the one can't make the other. */
function derived(jwtSecret: string): string {
  return createHmac('sha256', jwtSecret).update('streamspace hub peers').digest('base64url');
}
