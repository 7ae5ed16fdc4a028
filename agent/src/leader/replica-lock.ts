import type { Elector, Lock } from 'lease-elector';

/** A lock, and this replica's identity in it: `<replica>@<text that no other process has>`. */
export interface ReplicaLock {
  readonly lock: Lock;
  readonly identity: string;
  /** Called with the elector that uses the lock; returns a function that detaches it. */
  attach?(elector: Elector): () => void;
}

/** The replica's name in an identity of the lock: `name@anything`, or `name_uid` of a pod. */
export function replicaOf(identity: string): string {
  return /^(.+?)(@.*|_[0-9a-f]{8}-[0-9a-f-]{27})$/.exec(identity)?.[1] ?? identity;
}
