import { and, choose, concat, eq, given, join, not, or, orElse, release, asText } from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import { named } from '../nodes/helper.ts';
import { when } from '../nodes/tree.ts';
import type { AgentValues } from './agent-view.ts';
import type { Base } from './base.ts';
import { caBundle, POD_NAMESPACE, pullSecretNames } from './pod.ts';

export const STATE_DIR = '/var/lib/streamspace';
export const TOKEN_FOLDER = '/etc/streamspace/enrolment';
export const SESSION_FOLDER = '/etc/streamspace/session';
export const HEALTH_PORT = 8080;

/** Name of the Lease: as the specification has it for a release called streamspace, otherwise the release's own. */
export const leaseName = (base: Base, view: AgentValues): Expr<string> =>
  named(
    'leaseName',
    'Name of the Lease by which replicas elect their leader.',
    choose(
      given(view.ha.leaseName),
      view.ha.leaseName,
      choose(eq(base.fullname, 'streamspace'), 'k8s-agent-leader-election', base.object('k8s-agent-leader-election')),
    ),
  );

/** Namespace of the sessions. */
export const namespaceOfSessions = (view: AgentValues): Expr<string> =>
  named('sessionNamespace', 'Namespace of the sessions.', orElse(view.config.namespace, release.namespace));

export const hasSessionNamespace = (view: AgentValues): Expr<boolean> =>
  not(or(not(given(view.config.namespace)), eq(view.config.namespace, release.namespace)));

export const controlPlaneUrl = (view: AgentValues): Expr<string> =>
  view.hub === undefined ? view.config.controlPlaneUrl : orElse(view.config.controlPlaneUrl, view.hub.url);

type Variable = readonly [name: string, value: Expr<string> | string, only?: Expr<boolean>];

/** The agent's environment: every variable set by its values. */
export function agentEnv(base: Base, view: AgentValues) {
  const { config, ha, metrics } = view;
  const { session, vnc, log, proxy } = config;
  const ca = caBundle(base);
  const optional = (name: string, value: Expr<string>): Variable => [name, value, given(value)];
  const fromProxySecret = (name: string, key: Expr<string>, value: Expr<string>) => {
    const { existingSecret } = proxy;
    const secretKeyRef = { name: existingSecret.name, key };
    return when(
      and(given(existingSecret.name), given(key)),
      { name, valueFrom: { secretKeyRef } },
      when(given(value), { name, value }),
    );
  };
  const variables: Variable[] = [
    ['AGENT_ID', config.agentId],
    ['CONTROL_PLANE_URL', controlPlaneUrl(view)],
    ['AGENT_TOKEN_FILE', `${TOKEN_FOLDER}/token`],
    ['CONTROL_PLANE_CA_FILE', ca.file, and(base.hasCa, base.shared.ca.pinned)],
    ['PLATFORM', config.platform],
    optional('REGION', config.region),
    ['PRIORITY', config.priority],
    ['NAMESPACE', choose(hasSessionNamespace(view), namespaceOfSessions(view), POD_NAMESPACE.text)],
    ['STATE_DIR', STATE_DIR],
    ['HEARTBEAT_INTERVAL', config.heartbeatInterval],
    ['RECONNECT_DELAY', config.reconnectDelay],
    ['MAX_RECONNECT_DELAY', config.maxReconnectDelay],
    ['MAX_SESSIONS', asText(config.maxSessions)],
    ['COMMAND_TIMEOUT', config.commandTimeout],
    ['GRACEFUL_SHUTDOWN_TIMEOUT', config.gracefulShutdownTimeout],
    ['MAX_CONCURRENT_OPERATIONS', asText(config.maxConcurrentOperations)],
    ['ENABLE_HA', asText(ha.enabled)],
    ['LEASE_LOCK', concat('kubernetes:', leaseName(base, view)), ha.enabled],
    ['LEASE_DURATION', ha.leaseDuration, ha.enabled],
    ['LEASE_RENEW_DEADLINE', ha.renewDeadline, ha.enabled],
    ['LEASE_RETRY_PERIOD', ha.retryPeriod, ha.enabled],
    ['SESSION_IMAGE_PULL_POLICY', session.imagePullPolicy],
    optional('SESSION_IMAGE_REGISTRY', orElse(session.imageRegistry, base.shared.global.imageRegistry)),
    optional('SESSION_IMAGE_PULL_SECRETS', pullSecretNames(base)),
    ['SESSION_DEFAULT_CPU', asText(session.cpu)],
    ['SESSION_DEFAULT_MEMORY', session.memory],
    ['SESSION_DEFAULT_STORAGE', session.storage],
    optional('SESSION_STORAGE_CLASS', session.storageClass),
    ['SESSION_SERVICE_TYPE', session.serviceType],
    ['SESSION_POD_TEMPLATE', `${SESSION_FOLDER}/pod.yaml`, given(session.podTemplate)],
    ['SESSION_WARM_POOL', `${SESSION_FOLDER}/templates.json`, given(session.warmPool)],
    optional('SESSION_IDLE_TIMEOUT', session.idleTimeout),
    ['VNC_PORT', asText(vnc.port)],
    ['VNC_TUNNEL_TIMEOUT', vnc.tunnelTimeout],
    ['VNC_BUFFER_SIZE', asText(vnc.bufferSize)],
    ['LOG_LEVEL', log.level],
    ['LOG_FORMAT', log.format],
    ['HEALTH_PORT', `${HEALTH_PORT}`],
    ['METRICS_ENABLED', asText(metrics.enabled)],
    ['METRICS_PORT', asText(metrics.port), metrics.enabled],
    ['NO_PROXY', join(proxy.none, ','), given(proxy.none)],
  ];
  return [
    POD_NAMESPACE.env,
    { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ...variables.map(([name, value, only]) => (only === undefined ? { name, value } : when(only, { name, value }))),
    fromProxySecret('HTTPS_PROXY', proxy.existingSecret.httpsKey, proxy.https),
    fromProxySecret('HTTP_PROXY', proxy.existingSecret.httpKey, proxy.http),
    ca.env,
  ];
}
