import { KEPT_READY } from '@streamspace/settings';
import {
  add,
  allValues,
  and,
  choose,
  clashes,
  concat,
  contains,
  div,
  doubles,
  eq,
  ge,
  given,
  gt,
  hasKey,
  isString,
  json,
  lt,
  matches,
  milliseconds,
  missing,
  mul,
  ne,
  not,
  notReady,
  or,
  release,
  startsWith,
  text,
  toInteger,
  trimSuffix,
  twice,
} from '../nodes/build.ts';
import type { Expr } from '../nodes/expression.ts';
import { agentEnv, controlPlaneUrl, HEALTH_PORT } from './agent-env.ts';
import type { AgentView } from './agent-view.ts';
import type { Base } from './base.ts';
import { type Check, refuse } from './check.ts';
import { namesOf, type Workload } from './pod.ts';

/** Hosts that don't leave the cluster or the site. */
const NEAR =
  '^ws://([^./:]+|[^/:]+[.](svc|local|internal|lan|home[.]arpa|test)|\\[(::1|f[cd][0-9a-f]{2}:[0-9a-f:]*|fe[89ab][0-9a-f]:[0-9a-f:]*)\\]|127[.][0-9.]+|10[.][0-9.]+|192[.]168[.][0-9.]+|172[.](1[6-9]|2[0-9]|3[01])[.][0-9.]+|[^/:]+[.]svc[.][^/:]+)(:[0-9]+)?(/.*)?$';

/** How the values of one chart are called, for messages. */
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

export function disruptionChecks(
  path: string,
  pdb: Workload['pdb'],
  replicas: Expr<number>,
  only: Expr<boolean>,
): Check[] {
  const on = and(only, pdb.enabled);
  const several = and(on, gt(replicas, 1));
  // an empty text is none; 0 is a number that was given
  const isNone = (x: Expr<number | string>) => and(ne(text(x), ''), eq(pods(x), 0));
  const stays = ne(text(pdb.minAvailable), '');
  // as the disruption controller counts: a share is rounded up
  const pods = (x: Expr<number | string>) =>
    choose(isString(x), div(add(mul(toInteger(trimSuffix(text(x), '%')), replicas), 99), 100), toInteger(x));
  return [
    refuse(
      and(on, given(pdb.minAvailable), given(pdb.maxUnavailable)),
      `${path}.pdb: minAvailable and maxUnavailable are both set; leave one of them empty`,
    ),
    refuse(
      and(several, stays, ge(pods(pdb.minAvailable), replicas)),
      concat(
        `${path}.pdb.minAvailable: `,
        text(pdb.minAvailable),
        ' of ',
        text(replicas),
        ' replicas, rounded up, are all of them: no drain would ever end; take less, or set pdb.maxUnavailable instead',
      ),
    ),
    refuse(
      and(several, isNone(pdb.minAvailable)),
      `${path}.pdb.minAvailable: 0 protects nothing; take more, leave it empty for maxUnavailable, or set pdb.enabled=false`,
    ),
    refuse(
      and(several, isNone(pdb.maxUnavailable)),
      `${path}.pdb.maxUnavailable: 0 blocks every drain; take more, or leave it empty for 1`,
    ),
  ];
}

/** Variables of which Kubernetes would take the last, and an apply complain. */
export function variableChecks(
  path: string,
  extraEnv: Workload['extraEnv'],
  own: readonly string[],
  only: Expr<boolean>,
): Check[] {
  const twice = clashes(extraEnv, own);
  return [
    refuse(
      and(only, given(twice)),
      concat(
        `${path}.extraEnv: `,
        twice,
        ' is set by the chart already, or twice here; use the value of the chart (README.md has them), and name each variable once',
      ),
    ),
  ];
}

export function logFileChecks(path: string, logFile: Workload['logFile'], only: Expr<boolean>): Check[] {
  const named = and(hasKey(logFile.sidecar, 'name'), hasKey(logFile.sidecar, 'image'));
  return [
    refuse(
      and(only, given(logFile.sidecar), not(named)),
      `${path}.logFile.sidecar: needs a name and an image, as any container`,
    ),
    refuse(
      and(only, logFile.enabled, missing(logFile.command)),
      `${path}.logFile.command: name what the image runs, e.g. [node, dist/agent.js]`,
    ),
  ];
}

/** Combinations of the agent's values that can't work. */
export function agentChecks(base: Base, view: AgentView, paths: Paths): Check[] {
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
        text(view.replicaCount),
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
        text(view.terminationGracePeriodSeconds),
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

const noToken = ({ shared: { enrolment } }: Base) =>
  and(missing(enrolment.token), missing(enrolment.existingSecret.name));

/** Where hub and agent are of one release; a hub that is installed makes it. */
export const tokenCheck = (base: Base, hub: Expr<boolean>): Check =>
  refuse(
    and(noToken(base), not(hub)),
    'enrolment: agents need a token; set enrolment.token (e.g. of `openssl rand -base64 32`), or enrolment.existingSecret.name, or api.enabled=true to install a hub, which makes one',
  );

/** The command that makes a token, and the Secret that an agent alone has it in. */
export function tokenCommand(base: Base): { readonly secret: Expr<string>; readonly command: Expr<string> } {
  const secret = base.object('k8s-agent-token');
  const value = '--from-literal=token=sse_$(openssl rand -hex 32)';
  return {
    secret,
    command: concat('kubectl -n ', release.namespace, ' create secret generic ', secret, ` ${value}`),
  };
}

/** Where the hub is elsewhere, nobody but the user can make the token: both ends have to know it. */
export function aloneTokenCheck(base: Base): Check {
  const { secret, command } = tokenCommand(base);
  return refuse(
    noToken(base),
    concat(
      'enrolment.token: is required where the control plane is elsewhere; make one by: ',
      command,
      ', and set enrolment.existingSecret.name=',
      secret,
      '; the control plane has to know it too (docs/multi-agent.md)',
    ),
  );
}

/** Combinations of what hub and agents share. */
export function sharedChecks(base: Base): Check[] {
  const { enrolment, ca } = base.shared;
  return [
    refuse(
      // Helm's toYaml would silently give nothing for a list or map with one of these in it
      matches(json(allValues), '[\u007f-\u009f\ufffe\uffff]|(^|[^\\\\])(\\\\\\\\)*\\\\u202[89]'),
      'values: a text has a control character in it (U+007F to U+009F, U+2028, U+2029, U+FFFE, U+FFFF), which readers of YAML take differently; remove it',
    ),
    refuse(
      and(given(enrolment.token), given(enrolment.existingSecret.name)),
      'enrolment: token and existingSecret.name are both set; leave one of them empty',
    ),
    refuse(
      given(doubles(base.pullSecrets.own, base.pullSecrets.global)),
      concat(
        'imagePullSecrets: ',
        doubles(base.pullSecrets.own, base.pullSecrets.global),
        ' is named twice, here or in global.imagePullSecrets too; name it once',
      ),
    ),
    refuse(
      or(
        and(given(ca.pem), given(ca.existingConfigMap)),
        and(given(ca.pem), given(ca.existingSecret)),
        and(given(ca.existingConfigMap), given(ca.existingSecret)),
      ),
      'ca: of pem, existingConfigMap and existingSecret more than one is set; leave the others empty',
    ),
    refuse(
      and(given(ca.pem), not(matches(ca.pem, '-----BEGIN CERTIFICATE-----'))),
      'ca.pem: holds no certificate; give PEM text with -----BEGIN CERTIFICATE-----',
    ),
    refuse(
      and(ca.pinned, not(base.hasCa)),
      'ca.pinned: there is no authority to pin; set ca.pem or ca.existingConfigMap',
    ),
  ];
}
