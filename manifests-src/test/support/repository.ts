import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SOURCES } from '../../src/charts/sources.ts';
import { archiveOf } from '../../src/render/archive.ts';
import { chartFiles } from '../../src/render/chart-files.ts';
import { execute } from './tools.ts';

/** A repository of the charts, as the release workflow makes it, served at this computer. */
export interface Repository {
  readonly url: string;
  readonly close: () => void;
}

/** `helm`: path of the program that makes its index. */
export async function serveCharts(helm: string): Promise<Repository> {
  const folder = mkdtempSync(join(tmpdir(), 'repository-'));
  for (const source of SOURCES)
    writeFileSync(join(folder, `${source.name}-${source.version}.tgz`), archiveOf(source.name, chartFiles(source)));
  const server = createServer(({ url }, answer) => {
    answer.end(readFileSync(join(folder, url!.split('/').at(-1)!)));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { code, stderr } = await execute(helm, ['repo', 'index', folder, '--url', url]);
  if (code !== 0) throw new Error(stderr);
  return { url, close: () => server.close() };
}
