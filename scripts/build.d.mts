/** Bundles programs (name → source, by default all of them) into a folder of the root, by default `dist`. */
export function buildPrograms(entryPoints?: Record<string, string>, outdir?: string): Promise<void>;
export function buildConsole(): Promise<void>;
