export { recordEvents, type LeaseEvent } from './events.ts';
export { podEvidence, podIdentity, podOf, type Pod } from './holder.ts';
export { TERM_ANNOTATION, type Lease, type OwnerReference } from './lease.ts';
export { KubernetesLock, type KubernetesLockOptions } from './lock.ts';
