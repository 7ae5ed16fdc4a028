import type {
  CoreV1Event,
  V1ContainerStatus,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodCondition,
} from '@kubernetes/client-node';
import type { Failure, FailureCode } from '../../core/failure.ts';
import { ANNOTATIONS, SESSION_CONTAINER } from '../objects/names.ts';

/** The state of a pod, in words for its user. */
export interface Diagnosis extends Failure {
  readonly state: 'starting' | 'running' | 'failed';
  /** Empty when there is nothing to report. */
  readonly reason: string;
  /** The state will not improve by itself: waiting is useless. */
  readonly final: boolean;
  /** A part of every start: reported only when it takes long. */
  readonly routine: boolean;
  /** The state will hardly improve: not worth the whole deadline. */
  readonly doubtful: boolean;
  /** The session's program ended by itself: its last output helps. */
  readonly crashed: boolean;
  /** No node has room for it. */
  readonly unschedulable: boolean;
}

const plain = { reason: '', final: false, routine: false, doubtful: false, crashed: false, unschedulable: false };
type Kind = FailureCode | undefined;
const starting = (reason: string, code?: Kind): Diagnosis => ({ ...plain, state: 'starting', reason, code });
const routine = (reason: string, code?: Kind): Diagnosis => ({ ...starting(reason, code), routine: true });
const doubtful = (reason: string, code?: Kind): Diagnosis => ({ ...starting(reason, code), doubtful: true });
const hopeless = (reason: string, code?: Kind): Diagnosis => ({ ...starting(reason, code), final: true });
const failed = (reason: string, code?: Kind): Diagnosis => ({ ...plain, state: 'failed', reason, code, final: true });
const crashed = (reason: string): Diagnosis => ({ ...failed(reason, 'exited'), crashed: true });

/**
 * The reason for a pod's state. `events`: those of the pod and its claim, in any order, as far as the agent may read them. `claim`: the pod's
 * home, if it was read.
 */
export function reasonFor(pod: V1Pod, events: readonly CoreV1Event[] = [], claim?: V1PersistentVolumeClaim): Diagnosis {
  const { status } = pod;
  const session = status?.containerStatuses?.find(({ name }) => name === SESSION_CONTAINER);
  // the container's status reports its end before the pod's does
  const over = session?.state?.terminated !== undefined && pod.spec?.restartPolicy === 'Never';
  const ended = over || status?.phase === 'Failed' || status?.phase === 'Succeeded';
  const condition = (type: string) => status?.conditions?.find((known) => known.type === type);

  const disruption = condition('DisruptionTarget');
  if (ended || pod.metadata?.deletionTimestamp !== undefined) {
    return failedPod(pod, disruption?.status === 'True' ? disruption : undefined);
  }
  const relabelled = changedLabel(pod);
  if (relabelled !== undefined) return hopeless(relabelled);
  if (condition('Ready')?.status === 'True') return { ...plain, state: 'running' };

  const scheduled = condition('PodScheduled');
  if (scheduled?.status === 'False') return unscheduled(scheduled, pod, events, claim);
  for (const container of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
    const diagnosis = waitingContainer(container);
    if (diagnosis !== undefined) return diagnosis;
  }
  const init = status?.initContainerStatuses?.find(
    ({ name, state }) => state?.running !== undefined && !isSidecar(pod, name),
  );
  if (init !== undefined) return routine(`Init container ${init.name} has not ended yet`);
  if (session?.state?.running !== undefined && session.ready) {
    const sidecar = unready(pod);
    if (sidecar !== undefined) return starting(`Its sidecar ${sidecar} is not ready`);
    // the kubelet reported ready, and only the node controller revokes that for the pod alone; the node may come back
    return {
      ...failed(`Its node ${pod.spec?.nodeName ?? ''} does not answer${told(condition('Ready'))}`, 'network'),
      final: false,
    };
  }
  if (session?.state?.running !== undefined) {
    return routine(`The program runs, its screen does not answer yet on port ${portOf(pod)}`, 'guest_silent');
  }
  if (pod.spec?.nodeName === undefined) return routine('Waits for the scheduler');
  const trouble = latest(events, (event) => event.type === 'Warning');
  if (trouble === undefined)
    return routine(`Node ${pod.spec.nodeName} prepares it (pulls the image, attaches the home)`);
  const busy = trouble.reason === 'FailedAttachVolume' ? 'home_busy' : undefined;
  return starting(`Node ${pod.spec.nodeName}: ${trouble.reason ?? 'Warning'}: ${trouble.message ?? ''}`, busy);
}

function failedPod(pod: V1Pod, disruption: V1PodCondition | undefined): Diagnosis {
  const { status } = pod;
  if (status?.reason === 'Evicted')
    return failed(`Evicted: ${status.message ?? 'its node ran short of a resource'}`, 'preempted');
  if (status?.reason === 'NodeLost') return failed(`Its node ${pod.spec?.nodeName ?? ''} was lost`, 'network');
  if (disruption !== undefined) {
    if (disruption.reason === 'PreemptionByScheduler')
      return failed(
        `Preempted by a pod of a higher priority${told(disruption)}. Give sessions a priority class`,
        'preempted',
      );
    const lost = disruption.reason === 'DeletionByTaintManager' || disruption.reason === 'DeletionByPodGC';
    const what = lost
      ? `Its node ${pod.spec?.nodeName ?? ''} was lost`
      : `Evicted (${disruption.reason ?? 'disruption'})`;
    return failed(`${what}${disruption.message ? `: ${disruption.message}` : ''}`, lost ? 'network' : 'preempted');
  }
  if (pod.metadata?.deletionTimestamp !== undefined) return failed('Its pod was deleted from outside');
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  const ended =
    all.find(({ name, state }) => name === SESSION_CONTAINER && state?.terminated !== undefined) ??
    all.find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0);
  const terminated = ended?.state?.terminated;
  if (terminated === undefined) {
    return failed(
      `Its pod failed${status?.reason ? ` (${status.reason})` : ''}${status?.message ? `: ${status.message}` : ''}`,
    );
  }
  const limit = pod.spec?.containers.find(({ name }) => name === ended!.name)?.resources?.limits?.['memory'];
  if (terminated.reason === 'OOMKilled') {
    return crashed(`Killed for using more memory than its limit${limit === undefined ? '' : ` of ${limit}`}`);
  }
  const who = ended!.name === SESSION_CONTAINER ? 'The session’s program' : `Container ${ended!.name}`;
  return crashed(
    `${who} ended with exit code ${terminated.exitCode}${terminated.message ? `: ${terminated.message}` : ''}`,
  );
}

/** The reason if the container's state keeps the pod from running; otherwise undefined. */
function waitingContainer({ name, image, state, lastState, restartCount }: V1ContainerStatus): Diagnosis | undefined {
  const reason = state?.waiting?.reason ?? '';
  const message = state?.waiting?.message ? `: ${state.waiting.message}` : '';
  switch (reason) {
    case 'ErrImagePull':
      return doubtful(`Image ${image} can’t be pulled${message}`, 'image');
    case 'ImagePullBackOff':
      return doubtful(`Image ${image} can’t be pulled, waiting before the next try${message}`, 'image');
    case 'RegistryUnavailable':
      return doubtful(`The registry of image ${image} does not answer${message}`, 'network');
    case 'InvalidImageName':
      return hopeless(`Image ${image} is no valid name${message}`, 'image');
    case 'ErrImageNeverPull':
      return hopeless(
        `Image ${image} is not on the node (never was, or was removed to make room on its disk), and SESSION_IMAGE_PULL_POLICY is Never`,
        'image',
      );
    case 'CreateContainerConfigError':
    case 'CreateContainerError':
    case 'RunContainerError':
      return doubtful(`Container ${name} can’t be started (${reason})${message}`);
    case 'CrashLoopBackOff': {
      const code = lastState?.terminated?.exitCode;
      const words = `Container ${name} keeps ending${code === undefined ? '' : ` with exit code ${code}`} (${restartCount} restarts)`;
      return { ...hopeless(words, 'exited'), crashed: true };
    }
    default:
      return undefined;
  }
}

function unscheduled(
  condition: V1PodCondition,
  pod: V1Pod,
  events: readonly CoreV1Event[],
  claim: V1PersistentVolumeClaim | undefined,
): Diagnosis {
  const scheduler = condition.message ?? condition.reason ?? '';
  if (claim !== undefined && claim.status?.phase !== 'Bound' && /persistentvolumeclaim/i.test(scheduler)) {
    const given = claim.spec?.storageClassName;
    const storage = given
      ? `storage class ${given}`
      : 'no storage class (set SESSION_STORAGE_CLASS, or make a class the default)';
    const trouble = latest(events, ({ involvedObject }) => involvedObject.kind === 'PersistentVolumeClaim');
    const why = trouble?.message ? `: ${trouble.message}` : '';
    return starting(
      `Its home ${claim.metadata?.name ?? ''} is not bound yet, ${storage}${why} (scheduler: ${scheduler})`,
    );
  }
  if (condition.reason === 'SchedulingGated')
    return starting(`Held back by a scheduling gate of pod ${pod.metadata?.name ?? ''}`);
  return { ...starting(`Can’t be scheduled: ${scheduler}`, 'capacity'), unschedulable: true };
}

/** An init container that keeps running beside the others. */
const isSidecar = (pod: V1Pod, container: string): boolean =>
  pod.spec?.initContainers?.find(({ name }) => name === container)?.restartPolicy === 'Always';

/** A container other than the session's that is not ready: a service mesh's proxy, for example. */
function unready(pod: V1Pod): string | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const beside = [
    ...containerStatuses.filter(({ name }) => name !== SESSION_CONTAINER),
    ...initContainerStatuses.filter(({ name }) => isSidecar(pod, name)),
  ];
  return beside.find(({ ready }) => !ready)?.name;
}

/** The reason if a label by which the agent finds the pod has changed; undefined when all are unchanged. */
function changedLabel({ metadata }: V1Pod): string | undefined {
  const spec = metadata?.annotations?.[ANNOTATIONS.spec];
  if (spec === undefined || metadata?.labels === undefined) return undefined;
  const id = /"id":"([a-z0-9-]+)"/.exec(spec)?.[1];
  for (const [label, wanted] of [
    ['app', 'session'],
    ['session', id],
  ] as const) {
    const found = metadata.labels[label];
    if (wanted !== undefined && found !== wanted)
      return `Label ${label} of its pod is ${found === undefined ? 'gone' : JSON.stringify(found)} (a webhook changed it?): without it the agent does not find the pod`;
  }
  return undefined;
}

const told = (condition: V1PodCondition | undefined): string => (condition?.message ? `: ${condition.message}` : '');

const portOf = (pod: V1Pod): string =>
  String(pod.spec?.containers.find(({ name }) => name === SESSION_CONTAINER)?.ports?.[0]?.containerPort ?? '');

/** The latest event; times are RFC 3339 texts, whose order is the order of time. */
function latest(events: readonly CoreV1Event[], which: (event: CoreV1Event) => boolean): CoreV1Event | undefined {
  const at = (event: CoreV1Event) =>
    String(
      event.series?.lastObservedTime ??
        event.lastTimestamp ??
        event.eventTime ??
        event.metadata.creationTimestamp ??
        '',
    );
  return events
    .filter(which)
    .reduce<CoreV1Event | undefined>((a, b) => (a === undefined || at(b) >= at(a) ? b : a), undefined);
}
