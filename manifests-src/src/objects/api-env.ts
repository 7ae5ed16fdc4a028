import { and, choose, concat, given, join, missing, not, or, asText } from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import { when } from '../nodes/tree.ts';
import type { Refs } from '../values/refs.ts';
import type { StreamspaceValues } from '../values/streamspace.ts';
import type { Base } from './base.ts';
import { caBundle, POD_NAMESPACE } from './pod.ts';
import { enrolmentSecret, secretOf } from './secrets.ts';
import { redisPasswordSecret, storeChoice } from './store.ts';

export const HTTP_PORT = 8080;
/** Port of the hub's /metrics and /internal: no Service exposes it. */
export const HUB_METRICS_PORT = 9090;
/** Networks in which an ingress controller or a gateway of the cluster may be: only the cluster knows its pods' addresses. */
const PRIVATE_NETWORKS = '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,fc00::/7';
export const TEMPLATES_FOLDER = '/etc/streamspace/templates';
export const PROVIDERS_FOLDER = '/etc/streamspace/providers';
export const QUOTAS_FOLDER = '/etc/streamspace/quotas';

type Values = Refs<StreamspaceValues>;

/** Whether the hub replicas have a separate secret: given, or made if it can't be derived from the tokens' secret. */
const hasPeerSecret = (v: Values): Expr<boolean> =>
  or(given(v.api.peers.secret), given(v.api.peers.existingSecret.name), given(v.api.auth.jwksUrl));

/** The hub's environment: every variable set by its values. */
export function apiEnv(base: Base, v: Values) {
  const { config, auth, signIn, audit } = v.api;
  const store = storeChoice(v);
  const ca = caBundle(base);
  const jwt = secretOf(auth.existingSecret, base.object('api-auth'), 'jwt-secret');
  const token = enrolmentSecret(base);
  const password = redisPasswordSecret(base, v);
  const host = concat(base.object('redis'), `.${POD_NAMESPACE.text}.svc:6379/0`);
  const fromSecret = (name: string, secret: { name: Expr<string>; key: Expr<string> }) => ({
    name,
    valueFrom: { secretKeyRef: { name: secret.name, key: secret.key } },
  });
  return [
    POD_NAMESPACE.env,
    { name: 'PORT', value: `${HTTP_PORT}` },
    { name: 'METRICS_PORT', value: `${HUB_METRICS_PORT}` },
    // both address families, if there are two
    { name: 'HOST', value: '::' },
    when(given(config.publicUrl), { name: 'PUBLIC_URL', value: config.publicUrl }),
    when(missing(config.publicUrl), {
      name: 'HUB_SERVICE',
      value: concat(`${POD_NAMESPACE.text}/`, base.object('api'), ':', asText(v.api.service.port)),
    }),
    // the kubelet puts the password into the URL
    when(password.used, fromSecret('REDIS_PASSWORD', password)),
    when(store.installed, {
      name: 'STORE_URL',
      value: choose(password.used, concat('redis://:$(REDIS_PASSWORD)@', host), concat('redis://', host)),
    }),
    when(
      given(v.redis.external.existingSecret.name),
      fromSecret('STORE_URL', v.redis.external.existingSecret),
      when(given(v.redis.external.url), { name: 'STORE_URL', value: v.redis.external.url }),
    ),
    when(not(store.any), { name: 'STORE_URL', value: 'memory:' }),
    when(given(auth.jwksUrl), { name: 'JWT_JWKS_URL', value: auth.jwksUrl }, fromSecret('JWT_SECRET', jwt)),
    when(given(auth.issuer), { name: 'JWT_ISSUER', value: auth.issuer }),
    when(given(auth.audience), { name: 'JWT_AUDIENCE', value: auth.audience }),
    when(given(auth.maxAge), { name: 'JWT_MAX_AGE', value: auth.maxAge }),
    when(given(signIn.providers), { name: 'OIDC_PROVIDERS_FILE', value: `${PROVIDERS_FOLDER}/providers.json` }),
    when(given(signIn.existingSecret.name), fromSecret('OIDC_CLIENT_SECRETS', signIn.existingSecret)),
    when(given(signIn.providers), { name: 'SIGN_IN_LIFETIME', value: signIn.lifetime }),
    when(given(signIn.providers), { name: 'SIGN_IN_IDLE', value: signIn.idle }),
    { name: 'AUDIT_RETENTION', value: audit.retention },
    { name: 'AUDIT_ENTRIES', value: asText(audit.entries) },
    when(given(config.allowedOrigins), { name: 'ALLOWED_ORIGINS', value: join(config.allowedOrigins, ',') }),
    when(or(given(config.trustedProxies), v.api.ingress.enabled, v.api.httpRoute.enabled), {
      name: 'TRUSTED_PROXIES',
      value: choose(given(config.trustedProxies), join(config.trustedProxies, ','), PRIVATE_NETWORKS),
    }),
    fromSecret('ENROLMENT_TOKEN', token),
    // its replicas share no disk: each enrols by itself
    when(v.k8sAgent.enabled, { name: 'ENROLMENT_TOKEN_AGENTS', value: v.k8sAgent.config.agentId }),
    { name: 'HEARTBEAT_INTERVAL', value: config.heartbeatInterval },
    { name: 'COMMAND_TIMEOUT', value: config.commandTimeout },
    { name: 'TICKET_TTL', value: config.ticketTtl },
    { name: 'RATE_LIMIT', value: asText(config.rateLimit) },
    when(given(config.templates), { name: 'TEMPLATES_FILE', value: `${TEMPLATES_FOLDER}/templates.json` }),
    when(given(config.quotas), { name: 'QUOTAS_FILE', value: `${QUOTAS_FOLDER}/quotas.json` }),
    { name: 'LOG_LEVEL', value: config.log.level },
    { name: 'LOG_FORMAT', value: config.log.format },
    // its authority is in the bundle, if there is one
    when(and(store.external, base.hasCa), { name: 'STORE_CA_FILE', value: ca.file }),
    when(given(v.redis.external.waitReplicas), {
      name: 'STORE_WAIT_REPLICAS',
      value: asText(v.redis.external.waitReplicas),
    }),
    when(given(v.redis.external.waitReplicas), { name: 'STORE_WAIT_TIMEOUT', value: v.redis.external.waitTimeout }),
    when(
      given(v.api.agentTokens.existingSecret.name),
      fromSecret('AGENT_ENROLMENT_TOKENS', v.api.agentTokens.existingSecret),
    ),
    { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    // replicas reach each other directly, at METRICS_PORT, which the Service does not have
    { name: 'HUB_ADDRESS', value: '$(POD_IP)' },
    when(
      hasPeerSecret(v),
      fromSecret('HUB_PEER_SECRET', secretOf(v.api.peers.existingSecret, base.object('api-peers'), 'peer-secret')),
    ),
    { name: 'HUB_PING_INTERVAL', value: config.pingInterval },
    { name: 'DRAIN_TIMEOUT', value: config.drainTimeout },
    { name: 'HANDSHAKE_RATE', value: asText(config.handshakeRate) },
    ca.env,
  ];
}
