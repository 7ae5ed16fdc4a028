/** What runs, of a service's specification, as far as it is used. */
export interface TaskTemplate {
  readonly ContainerSpec: {
    readonly Image: string;
    readonly Labels?: Readonly<Record<string, string>> | null;
    /** In the place of the image's own program. */
    readonly Command?: readonly string[];
  };
  readonly Resources?: {
    readonly Limits?: Partial<NodeResources>;
    readonly Reservations?: Partial<NodeResources>;
  };
}

export interface NodeResources {
  readonly NanoCPUs: number;
  readonly MemoryBytes: number;
}

export interface ServiceSpec {
  readonly Name: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Mode: { readonly Replicated?: { readonly Replicas: number } };
  readonly TaskTemplate: TaskTemplate;
  readonly EndpointSpec?: { readonly Mode: string };
}

/** A service. An update names the index that it is based on: another one is refused. */
export interface ServiceObject {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly Spec: ServiceSpec;
}

/** States of a task, in the order in which it has them; it has ended from `complete` on. */
export const TASK_STATES = [
  'new',
  'allocated',
  'pending',
  'assigned',
  'accepted',
  'preparing',
  'ready',
  'starting',
  'running',
  'complete',
  'shutdown',
  'failed',
  'rejected',
  'remove',
  'orphaned',
] as const;
export type TaskState = (typeof TASK_STATES)[number];

/** One try of a service to run its container, on one node. */
export interface TaskObject {
  readonly ID: string;
  /** RFC 3339. */
  readonly CreatedAt: string;
  readonly ServiceID: string;
  readonly NodeID?: string;
  readonly Spec: TaskTemplate;
  readonly DesiredState: TaskState;
  readonly Status: {
    readonly State: TaskState;
    readonly Err?: string;
    readonly ContainerStatus?: { readonly ContainerID?: string; readonly ExitCode?: number };
  };
  readonly NetworksAttachments?:
    | readonly {
        readonly Network: { readonly ID: string; readonly Spec: { readonly Name: string } };
        /** With the length of the prefix: `10.0.1.5/24`. */
        readonly Addresses?: readonly string[] | null;
      }[]
    | null;
}

export interface NodeObject {
  readonly ID: string;
  readonly Spec: { readonly Availability: 'active' | 'pause' | 'drain' };
  readonly Description: { readonly Hostname: string; readonly Resources: Partial<NodeResources> };
  readonly Status: { readonly State: 'unknown' | 'down' | 'ready' | 'disconnected' };
}

/** What an engine says of the swarm that it is in. */
export interface SwarmInfo {
  readonly Swarm?: {
    readonly NodeID?: string;
    readonly LocalNodeState?: string;
    /** Whether it is a manager. */
    readonly ControlAvailable?: boolean;
  };
}
