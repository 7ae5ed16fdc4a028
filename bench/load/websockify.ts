import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { BenchProcess } from './process.ts';

/** Where `websockify` (Debian or PyPI package of that name) is, or undefined. */
export function websockifyPath(): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'websockify'))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Starts one in front of `target`: the contender that the screens' bench compares with ours. */
export async function startWebsockify(path: string, target: number): Promise<{ process: BenchProcess; url: string }> {
  const port = 40_000 + Math.floor(Math.random() * 10_000);
  const process_ = new BenchProcess(path, [`127.0.0.1:${port}`, `127.0.0.1:${target}`], {}, (line) =>
    line.includes('proxying'),
  );
  await process_.ready;
  return { process: process_, url: `ws://127.0.0.1:${port}` };
}
