/**
 * Bundles programs (name → source, by default all of them) into a folder of the root, by default `dist`. Resolves with the names of the npm
 * packages that they import.
 */
export function buildPrograms(entryPoints?: Record<string, string>, outdir?: string): Promise<string[]>;
export function buildConsole(): Promise<void>;
