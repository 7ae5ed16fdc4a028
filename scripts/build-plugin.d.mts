/** Bundles Argo CD's plugin into one file. */
export function buildPlugin(outfile?: string): Promise<void>;
