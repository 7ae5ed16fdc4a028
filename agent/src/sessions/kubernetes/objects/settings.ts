/** What session objects are made of besides their spec, by the names that the agent's settings have. Memory and storage are bytes, cpu is cores. */
export interface SessionObjectsConfig {
  readonly agentId: string;
  readonly namespace: string;
  readonly sessionImagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Registry of images that name none; undefined: the nodes' own default. */
  readonly sessionImageRegistry?: string | undefined;
  /** Names of Secrets in the namespace: a comma list. */
  readonly sessionImagePullSecrets?: string | undefined;
  readonly sessionDefaultCpu: number;
  readonly sessionDefaultMemory: number;
  readonly sessionDefaultStorage: number;
  /** undefined: the cluster's default. */
  readonly sessionStorageClass: string | undefined;
  readonly sessionServiceType: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  readonly vncPort: number;
  /** Runs where neither the spec nor the pod template names an image; undefined: our desktop. */
  readonly defaultImage?: string | undefined;
  /** A pod that session pods are merged with, as `readPodTemplate` gives it. */
  readonly podTemplate?: PodTemplate | undefined;
}

/** The part of a pod that an operator may write: what is in it wins over what we build, except for what identifies the session. */
export interface PodTemplate {
  readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly spec?: Readonly<Record<string, unknown>>;
}
