/** The settings for session objects, besides the spec, named like the agent's settings. Memory and storage are bytes, cpu is cores. */
export interface SessionObjectsConfig {
  readonly agentId: string;
  readonly namespace: string;
  readonly sessionImagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Registry for images that name none; undefined: the nodes' own default. */
  readonly sessionImageRegistry?: string | undefined;
  /** Names of Secrets in the namespace, separated by commas. */
  readonly sessionImagePullSecrets?: string | undefined;
  readonly sessionDefaultCpu: number;
  readonly sessionDefaultMemory: number;
  readonly sessionDefaultStorage: number;
  /** undefined: the cluster's default. */
  readonly sessionStorageClass: string | undefined;
  readonly sessionServiceType: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  readonly vncPort: number;
  /** Image where neither the spec nor the pod template names one; undefined: the project's desktop. */
  readonly defaultImage?: string | undefined;
  /** A pod to merge session pods with, as returned by `readPodTemplate`. */
  readonly podTemplate?: PodTemplate | undefined;
}

/** The part of a pod that an operator may set: it overrides the generated pod, except for the fields that identify the session. */
export interface PodTemplate {
  readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly spec?: Readonly<Record<string, unknown>>;
}
