/** A container in a list of the engine's API, as far as it is used. */
export interface ContainerSummary {
  readonly Id: string;
  /** Unix time, seconds. */
  readonly Created: number;
  readonly Names: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly State: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, { readonly IPAddress?: string }>> };
}

/** A container by itself. */
export interface ContainerDetails {
  readonly Id: string;
  readonly Name: string;
  readonly Config: { readonly Labels: Readonly<Record<string, string>>; readonly Image: string };
  readonly State: {
    readonly Status: ContainerSummary['State'];
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly Error: string;
  };
  readonly HostConfig: { readonly Memory: number };
  readonly NetworkSettings: NonNullable<ContainerSummary['NetworkSettings']>;
}

export interface VolumeDetails {
  readonly Name: string;
  readonly Labels: Readonly<Record<string, string>> | null;
}

export interface EngineInfo {
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly Runtimes?: Readonly<Record<string, unknown>>;
}
