/** What of a container Podman's compatible API takes and leaves out without a word: a session would run without it. */
export interface NotOnPodman {
  /** Name of the container's runtime. */
  readonly runtime: string | undefined;
  readonly gpus: number | undefined;
}

/** Why Podman can't make such a container, and the remedy; undefined: it can. */
export function podmanProblem({ runtime, gpus }: NotOnPodman): string | undefined {
  if (runtime !== undefined)
    return (
      `Podman runs each container by its own runtime, and does not heed SESSION_RUNTIME (${runtime}): make it the engine’s own ` +
      '(runtime in containers.conf), and unset SESSION_RUNTIME'
    );
  if (gpus !== undefined)
    return 'Podman gives no graphics cards through its compatible socket: unset SESSION_GPUS, and STREAMSPACE_GPUS of the template';
  return undefined;
}
