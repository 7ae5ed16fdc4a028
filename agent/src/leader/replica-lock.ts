import type { Elector, Lock } from 'lease-elector';

/** A lock, and who this replica is to it: `<replica>@<what no other process has>`. */
export interface ReplicaLock {
  readonly lock: Lock;
  readonly identity: string;
  /** To be called with the elector that uses it; what it returns ends that. */
  attach?(elector: Elector): () => void;
}

/** The replica's name in an identity of the lock: `name@anything`, or `name_uid` of a pod. */
export function replicaOf(identity: string): string {
  return /^(.+?)(@.*|_[0-9a-f]{8}-[0-9a-f-]{27})$/.exec(identity)?.[1] ?? identity;
}
