import { parseIso } from 'clock-port';

/** The fields of a pod that this package reads. */
export interface Pod {
  readonly metadata?: {
    readonly name?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
  readonly status?: {
    readonly phase?: string;
    readonly startTime?: string;
    readonly containerStatuses?: readonly {
      readonly name?: string;
      readonly state?: ContainerState;
      readonly lastState?: ContainerState;
    }[];
  };
}

interface ContainerState {
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: { readonly startedAt?: string; readonly finishedAt?: string };
}

/** `pod_uid`: identifies a pod, with a name that no other pod ever has. */
export function podIdentity(name: string, uid: string): string {
  return `${name}_${uid}`;
}

/** The reverse of {@link podIdentity}; `undefined` for an identity of another form. */
export function podOf(identity: string): { name: string; uid: string } | undefined {
  const match = /^([a-z0-9][a-z0-9.-]*)_([0-9a-f]{8}-[0-9a-f-]{27})$/.exec(identity);
  return match ? { name: match[1]!, uid: match[2]! } : undefined;
}

/**
 * The kubelet's report that the process which acquired the lease at `acquiredAt` has ended; `undefined` while there is none. `pod`: the pod
 * with the holder's name, `undefined` when there is none. `existed`: whether the holder's pod was seen before; otherwise its absence proves
 * nothing (it may be in another place). `container`: the one that runs the elector; without it any container counts.
 *
 * The kubelet's times are whole seconds of the clock of the holder's own machine. A container that was restarted in its pod may have acquired
 * the lease again: an end in the second of the acquisition, or before, proves nothing.
 */
export function podEvidence(
  pod: Pod | undefined,
  uid: string,
  acquiredAt: string,
  existed: boolean,
  container?: string,
): string | undefined {
  if (pod?.metadata?.uid !== uid) return existed ? 'its pod is gone' : undefined;
  const { phase, containerStatuses = [] } = pod.status ?? {};
  if (phase === 'Succeeded' || phase === 'Failed') return `its pod is ${phase}`;
  const acquired = Math.floor(parseIso(acquiredAt) / 1000);
  const after = (time: string | undefined) => Math.floor(parseIso(time ?? '') / 1000) > acquired;
  for (const { name, state, lastState } of containerStatuses) {
    if (container !== undefined && name !== container) continue;
    if (after(state?.terminated?.finishedAt)) return 'its container terminated';
    if (after(state?.running?.startedAt)) return 'its container was restarted';
    if (!state?.running && after(lastState?.terminated?.finishedAt)) return 'its container terminated';
  }
  return undefined;
}
