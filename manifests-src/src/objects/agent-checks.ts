import { KEPT_READY } from '@streamspace/settings';
import {
  and,
  concat,
  contains,
  eq,
  ge,
  given,
  gt,
  lt,
  matches,
  milliseconds,
  missing,
  mul,
  not,
  notReady,
  or,
  release,
  startsWith,
  asText,
  twice,
} from '../nodes/build.ts';
import { agentEnv, controlPlaneUrl, HEALTH_PORT } from './agent-env.ts';
import type { AgentValues } from './agent-view.ts';
import type { Base } from './base.ts';
import { type Check, refuse } from './check.ts';
import { namesOf } from './pod.ts';
import { disruptionChecks, logFileChecks, variableChecks } from './workload-checks.ts';

/** Hosts that don't leave the cluster or the site. */
const NEAR =
  '^ws://([^./:]+|[^/:]+[.](svc|local|internal|lan|home[.]arpa|test)|\\[(::1|f[cd][0-9a-f]{2}:[0-9a-f:]*|fe[89ab][0-9a-f]:[0-9a-f:]*)\\]|127[.][0-9.]+|10[.][0-9.]+|192[.]168[.][0-9.]+|172[.](1[6-9]|2[0-9]|3[01])[.][0-9.]+|[^/:]+[.]svc[.][^/:]+)(:[0-9]+)?(/.*)?$';

/** Names of one chart's values, for messages. */
export interface Paths {
  readonly agent: string;
  readonly id: string;
  readonly url: string;
  readonly config: string;
  readonly ha: string;
  readonly serviceAccount: string;
  readonly rbac: string;
  readonly admission: string;
}

/** Combinations of the agent's values that can't work. */
export function agentChecks(base: Base, view: AgentValues, paths: Paths): Check[] {
  const { config, ha, metrics } = view;
  const only = view.enabled;
  const url = controlPlaneUrl(view);
  const grace = milliseconds(config.gracefulShutdownTimeout);
  const { warmPool } = config.session;
  const withHome = notReady(warmPool, KEPT_READY.variable, KEPT_READY.value);
  return [
    refuse(
      and(only, missing(config.agentId)),
      `${paths.id}: is required; give this agent a name of its own, e.g. --set ${paths.id}=eu-1`,
    ),
    refuse(
      and(only, missing(url)),
      `${paths.url}: is required; the control plane’s URL, e.g. wss://hub.example.com${view.hub === undefined ? '' : ', or api.enabled=true to install one'}`,
    ),
    refuse(
      and(
        only,
        startsWith(config.controlPlaneUrl, 'ws://'),
        not(matches(config.controlPlaneUrl, NEAR)),
        not(config.allowInsecure),
      ),
      concat(
        `${paths.url}: `,
        config.controlPlaneUrl,
        ` sends everything in clear to a public host; use wss://, or set ${paths.config}.allowInsecure=true`,
      ),
    ),
    refuse(
      and(only, gt(view.replicaCount, 1), not(ha.enabled)),
      concat(
        `${paths.agent}.replicaCount: `,
        asText(view.replicaCount),
        ` replicas of one agent evict each other without an election; set ${paths.ha}.enabled=true, or replicaCount=1`,
      ),
    ),
    refuse(
      and(only, ha.enabled, not(gt(milliseconds(ha.leaseDuration), milliseconds(ha.renewDeadline)))),
      concat(
        `${paths.ha}.leaseDuration: `,
        ha.leaseDuration,
        ' must be longer than renewDeadline (',
        ha.renewDeadline,
        '), or a leader is replaced before it gives up',
      ),
    ),
    refuse(
      and(only, ha.enabled, not(gt(mul(milliseconds(ha.renewDeadline), 5), mul(milliseconds(ha.retryPeriod), 6)))),
      concat(
        `${paths.ha}.renewDeadline: `,
        ha.renewDeadline,
        ' must be longer than 1.2 × retryPeriod (',
        ha.retryPeriod,
        '), or there is no second try',
      ),
    ),
    refuse(
      and(only, ha.createLease, not(ha.enabled)),
      `${paths.ha}.createLease: there is no election; set ${paths.ha}.enabled=true too`,
    ),
    refuse(
      and(only, lt(milliseconds(config.maxReconnectDelay), milliseconds(config.reconnectDelay))),
      `${paths.config}.maxReconnectDelay: is less than reconnectDelay; make it longer`,
    ),
    refuse(
      and(only, ge(grace, mul(view.terminationGracePeriodSeconds, 1000))),
      concat(
        `${paths.agent}.terminationGracePeriodSeconds: `,
        asText(view.terminationGracePeriodSeconds),
        ' s is not longer than gracefulShutdownTimeout (',
        config.gracefulShutdownTimeout,
        '): the kubelet would kill the agent before it is done; raise it',
      ),
    ),
    refuse(
      and(only, or(contains(config.proxy.https, '@'), contains(config.proxy.http, '@'))),
      `${paths.config}.proxy: has credentials in a URL, which everybody who may read the Deployment sees; put the URL into a Secret and name it in ${paths.config}.proxy.existingSecret.name`,
    ),
    refuse(
      and(only, given(config.proxy.existingSecret.name), or(given(config.proxy.https), given(config.proxy.http))),
      `${paths.config}.proxy: URLs and existingSecret.name are both set; leave one of them empty`,
    ),
    refuse(
      and(only, view.rbac.create, not(view.serviceAccount.create), missing(view.serviceAccount.name)),
      `${paths.serviceAccount}.name: is empty, and without serviceAccount.create the agent’s rights would be those of every pod of the namespace (the account default); name an account that is there already, or set rbac.create=false`,
    ),
    refuse(
      and(only, metrics.enabled, eq(metrics.port, HEALTH_PORT)),
      `${paths.agent}.metrics.port: ${HEALTH_PORT} is the health port; take another one, e.g. 9090`,
    ),
    refuse(
      and(only, view.sessionNamespace.create, or(missing(config.namespace), eq(config.namespace, release.namespace))),
      `${paths.agent}.sessionNamespace.create: sessions run in the release’s namespace, which is not this chart’s to make; name another one in ${paths.config}.namespace`,
    ),
    refuse(
      and(only, given(withHome)),
      concat(`${paths.config}.session.warmPool: `, withHome, `: warm ${KEPT_READY.remedy}; say so, or leave warm out`),
    ),
    refuse(
      and(only, given(twice(warmPool))),
      concat(`${paths.config}.session.warmPool: `, twice(warmPool), ' is there twice; give each template one entry'),
    ),
    ...disruptionChecks(paths.agent, view.pdb, view.replicaCount, only),
    ...logFileChecks(paths.agent, view.logFile, only),
    ...variableChecks(paths.agent, view.extraEnv, namesOf(agentEnv(base, view)), only),
  ];
}
