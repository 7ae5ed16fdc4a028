import {
  and,
  choose,
  contains,
  eq,
  given,
  gt,
  matches,
  missing,
  not,
  or,
  ge,
  milliseconds,
  mul,
} from '../nodes/build.ts';
import type { Refs } from '../values/refs.ts';
import type { StreamspaceValues } from '../values/streamspace.ts';
import { disruptionChecks, logFileChecks, variableChecks } from './workload-checks.ts';
import { type Check, refuse } from './check.ts';
import { apiEnv } from './api-env.ts';
import { pathOfHub } from './api-routes.ts';
import type { Base } from './base.ts';
import { madeSecrets } from './made-secrets.ts';
import { namesOf } from './pod.ts';
import { storeChoice } from './store.ts';

/** As the hub's configuration has it. */
const SAFE_FOR_COOKIES = '^(https://|http://(localhost|127\\.0\\.0\\.1)([:/]|$))';

/** Combinations of the hub's values that can't work. */
export function apiChecks(base: Base, v: Refs<StreamspaceValues>): Check[] {
  const { api, redis, observability } = v;
  const { auth, autoscaling, ingress, httpRoute, signIn, config } = api;
  const only = api.enabled;
  const store = storeChoice(v);
  const secrets = or(given(auth.secret), given(auth.existingSecret.name));
  const fewest = choose(autoscaling.enabled, autoscaling.minReplicas, api.replicaCount);
  return [
    refuse(
      and(not(only), not(v.k8sAgent.enabled)),
      'api.enabled, k8sAgent.enabled: both are false, so there is nothing to install; set one of them to true',
    ),
    refuse(
      and(only, given(auth.jwksUrl), or(missing(auth.issuer), missing(auth.audience))),
      'api.auth: with jwksUrl the `iss` and `aud` of tokens have to be checked, as the issuer signs for other applications, too; set auth.issuer and auth.audience',
    ),
    refuse(
      and(only, given(signIn.providers), not(matches(config.publicUrl, SAFE_FOR_COOKIES))),
      'api.signIn.providers: providers send users back to config.publicUrl, and browsers keep the sign-in there: set it, with https:// (http:// only on localhost)',
    ),
    refuse(
      and(only, missing(signIn.providers), given(signIn.existingSecret.name)),
      'api.signIn.existingSecret.name: is for the clients of signIn.providers, which is empty; name the providers, or leave it empty',
    ),
    refuse(
      and(only, given(config.quotas), store.external, matches(redis.external.url, '^rediss?[+]cluster:')),
      'api.config.quotas: a Redis Cluster (redis.external.url) can not count the sessions of a user in one step; use one server, Sentinel, or no quotas',
    ),
    refuse(
      and(madeSecrets(base, v).any, not(api.serviceAccount.create), missing(api.serviceAccount.name)),
      'api.serviceAccount.name: is empty, and without serviceAccount.create the right to make the missing secrets would be that of every pod of the namespace (the account default); name an account that is there already, or give the secrets: enrolment.existingSecret.name, and api.auth.existingSecret.name (with api.auth.jwksUrl api.peers.existingSecret.name)',
    ),
    refuse(
      and(given(api.peers.secret), given(api.peers.existingSecret.name)),
      'api.peers: secret and existingSecret.name are both set; leave one of them empty',
    ),
    refuse(
      and(only, ge(milliseconds(api.config.drainTimeout), mul(api.terminationGracePeriodSeconds, 1000))),
      'api.terminationGracePeriodSeconds: is not longer than config.drainTimeout: the kubelet would kill the api before it is done; raise it',
    ),
    refuse(
      and(only, gt(api.service.nodePort, 0), eq(api.service.type, 'ClusterIP')),
      'api.service.nodePort: a ClusterIP Service has none; set service.type to NodePort or LoadBalancer, or nodePort to 0',
    ),
    refuse(
      and(only, secrets, given(auth.jwksUrl)),
      'api.auth: a secret and jwksUrl are both set; tokens are signed by one of them: leave the other empty',
    ),
    refuse(
      and(only, given(auth.secret), given(auth.existingSecret.name)),
      'api.auth: secret and existingSecret.name are both set; leave one of them empty',
    ),
    refuse(
      and(only, gt(api.replicaCount, 1), not(autoscaling.enabled), not(store.any)),
      'api.replicaCount: replicas need a store that they share; set redis.enabled=true or redis.external.url, or replicaCount=1',
    ),
    refuse(
      and(only, autoscaling.enabled, not(store.any)),
      'api.autoscaling.enabled: replicas need a store that they share; set redis.enabled=true or redis.external.url, or turn autoscaling off',
    ),
    refuse(
      and(only, autoscaling.enabled, gt(autoscaling.minReplicas, autoscaling.maxReplicas)),
      'api.autoscaling.minReplicas: is more than maxReplicas; make it less',
    ),
    refuse(
      and(given(redis.external.url), given(redis.external.existingSecret.name)),
      'redis.external: url and existingSecret.name are both set; leave one of them empty',
    ),
    refuse(
      and(not(store.external), given(redis.external.waitReplicas)),
      'redis.external.waitReplicas: the installed Valkey has no replicas, so nothing would ever be accepted; leave it 0, or name a store with replicas in redis.external',
    ),
    refuse(
      contains(redis.external.url, '@'),
      'redis.external.url: has credentials in it, which everybody who may read the Deployment sees; put the URL into a Secret and name it in redis.external.existingSecret.name',
    ),
    refuse(
      and(given(redis.auth.password), given(redis.auth.existingSecret.name)),
      'redis.auth: password and existingSecret.name are both set; leave one of them empty',
    ),
    refuse(
      and(store.external, or(given(redis.auth.password), given(redis.auth.existingSecret.name))),
      'redis.auth: is the installed Valkey’s, but an external one is used; put its password into the URL of redis.external.existingSecret, and leave redis.auth empty',
    ),
    refuse(
      and(only, ingress.enabled, missing(ingress.hosts)),
      'api.ingress.hosts: is empty; name the hosts, e.g. [hub.example.com]',
    ),
    refuse(
      and(only, matches(pathOfHub(api.config), '^/(api|assets|docs|health|ready)(/|$)')),
      'api.config.publicUrl: its path begins like one of the hub’s own (api, assets, docs, health, ready), which could not be told from it; take another',
    ),
    refuse(
      and(only, httpRoute.enabled, missing(httpRoute.parentRefs)),
      'api.httpRoute.parentRefs: is empty; name the Gateway, e.g. [{name: public, namespace: gateways}]',
    ),
    refuse(
      and(not(only), or(ingress.enabled, httpRoute.enabled)),
      'api.ingress, api.httpRoute: lead to an api that is not installed; set api.enabled=true, or turn them off',
    ),
    refuse(
      and(not(only), observability.serviceMonitor.enabled),
      'observability.serviceMonitor.enabled: is the api’s, which is not installed; set api.enabled=true, or turn it off',
    ),
    refuse(
      and(observability.podMonitor.enabled, or(not(v.k8sAgent.enabled), not(v.k8sAgent.metrics.enabled))),
      'observability.podMonitor.enabled: the agent serves no metrics; set k8sAgent.enabled and k8sAgent.metrics.enabled to true, or turn it off',
    ),
    refuse(
      and(
        only,
        v.k8sAgent.enabled,
        api.serviceAccount.create,
        v.k8sAgent.serviceAccount.create,
        given(api.serviceAccount.name),
        eq(api.serviceAccount.name, v.k8sAgent.serviceAccount.name),
      ),
      'api.serviceAccount.name, k8sAgent.serviceAccount.name: are the same, and the agent’s rights are not the api’s; give each its own',
    ),
    ...disruptionChecks('api', api.pdb, fewest, only),
    ...logFileChecks('api', api.logFile, only),
    ...variableChecks('api', api.extraEnv, namesOf(apiEnv(base, v)), only),
  ];
}
