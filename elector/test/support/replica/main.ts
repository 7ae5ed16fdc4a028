// A replica in a process of its own, for tests and the bench: takes part in the election that its argument (JSON) names and prints what
// happens to it, a JSON line per event. SIGTERM: stops in good order.
import process from 'node:process';
import { systemClock, type Clock } from 'clock-port';
import { loadKubeConfig } from 'kube-client';
import { Elector } from '../../../src/index.ts';
import { KubernetesLock } from '../../../src/kubernetes/index.ts';
import type { ReplicaSettings } from '../fleet.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as ReplicaSettings;
const say = (event: string, fields: object = {}) =>
  process.stdout.write(`${JSON.stringify({ at: performance.timeOrigin + performance.now(), event, ...fields })}\n`);

/** A wall clock that is wrong by so much; nothing may depend on it. */
const clock: Clock = {
  ...systemClock,
  now: () => systemClock.now() + (settings.clockOffsetMs ?? 0),
};
const config = loadKubeConfig(settings.kubeconfig);
const lock = new KubernetesLock({ config, clock, namespace: settings.namespace, name: settings.name });
const elector = new Elector({
  lock,
  clock,
  identity: settings.identity,
  leaseDurationMs: settings.leaseDurationMs,
  renewDeadlineMs: settings.renewDeadlineMs,
  retryPeriodMs: settings.retryPeriodMs,
  onLoseSight: settings.keep ? 'keep-until-superseded' : 'stop',
});
elector.on('elected', ({ term, reason }) => say('elected', { term, reason }));
elector.on('lost', ({ term, reason }) => say('lost', { term, reason }));
elector.on('raised', ({ term }) => say('raised', { term }));
elector.on('error', ({ during, error }) => say('error', { during, message: String(error) }));

const stop = new AbortController();
process.on('SIGTERM', () => stop.abort(new Error('SIGTERM')));
say('started');
await elector.run(stop.signal);
lock.close();
say('stopped');
// nothing may be left that keeps the process alive
