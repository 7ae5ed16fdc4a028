import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { block, root } from '../support/docs.ts';
import { until } from '../support/until.ts';

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

describe('docs/install.md', () => {
  const ends: (() => void)[] = [];
  afterEach(() => ends.splice(0).forEach((end) => end()));

  it('a hub and an agent from source find each other', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'from-source-'));
    const port = await freePort();
    const env = { HUB_PORT: `${port}`, STATE_DIR: folder, HEALTH_PORT: '0', METRICS_PORT: '0' };
    // both go into the background; the shell waits for them
    const child = spawn('bash', ['-c', `${block('docs/install.md#from-source').text}wait`], {
      cwd: root,
      env: { PATH: process.env['PATH'], HOME: folder, ...env },
      detached: true,
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += String(chunk)));
    ends.push(() => {
      process.kill(-child.pid!, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });
    await until(
      'the agent is connected',
      () => printed.includes('"Registered agent"') && printed.includes('"Connected"'),
    );
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
  });
});
