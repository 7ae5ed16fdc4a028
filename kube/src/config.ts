import { existsSync } from 'node:fs';
// the package's index also loads all API classes and clients: a third of the time in which a replica starts
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';

const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** An unusable kubeconfig: the fault and the remedy. */
export class KubeConfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KubeConfigError';
  }
}

/** Loads a file, or, without a path, the configuration of a pod in the cluster. Throws {@link KubeConfigError}. */
export function loadKubeConfig(path: string | undefined): KubeConfig {
  const config = new KubeConfig();
  if (path === undefined) {
    if (!existsSync(TOKEN)) {
      throw new KubeConfigError(`not set, and there is no ${TOKEN} as a pod has it; give the path of a kubeconfig`);
    }
    config.loadFromCluster();
    return config;
  }
  try {
    config.loadFromFile(path);
  } catch (error) {
    throw new KubeConfigError(`${path} can’t be read: ${(error as Error).message}`, { cause: error });
  }
  if (config.getCurrentCluster() === null) {
    throw new KubeConfigError(
      `${path} has no current-context, or that names no cluster; set it with kubectl config use-context`,
    );
  }
  return config;
}
