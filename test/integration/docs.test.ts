import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@streamspace/testkit';
import { SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { block, blocksOf, read, root } from '../support/docs.ts';
import { inlineCommand } from '../support/inline-commands.ts';
import { until } from '../support/until.ts';

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

const execute = promisify(execFile);
const bash = async (script: string, env: Record<string, string> = {}) =>
  (await execute('bash', ['-euo', 'pipefail', '-c', script], { cwd: root, env: { ...process.env, ...env } })).stdout;

describe('K8 commands in the text', () => {
  const ends: (() => void)[] = [];
  afterEach(() => ends.splice(0).forEach((end) => end()));

  it('an agent that was stolen: the hub starts with a secret made as the settings say, and the emergency command ends the credential', async () => {
    const secret = (await bash('openssl rand -base64 32')).trim();
    const port = await freePort();
    const hub = spawn(process.execPath, [`${root}dist/hub.js`], {
      env: {
        PATH: process.env['PATH'],
        HOST: '127.0.0.1',
        PORT: `${port}`,
        METRICS_PORT: '0',
        JWT_SECRET: secret,
        ENROLMENT_TOKEN: secret,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    ends.push(() => hub.kill('SIGKILL'));
    let printed = '';
    for (const stream of [hub.stdout, hub.stderr]) stream.on('data', (chunk: Buffer) => (printed += String(chunk)));
    await until('the hub listens', () => printed.includes('hub listening'));
    const url = `http://127.0.0.1:${port}`;
    const enrolled = await fetch(`${url}/api/v1/agents/enrol`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ agent_id: 'eu-1' }),
    });
    const { credential } = (await enrolled.json()) as { credential: string };
    /** What an upgrade with the credential is answered. */
    const connect = async () => {
      const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
      const key = { 'sec-websocket-key': Buffer.alloc(16).toString('base64') };
      const request = httpGet(`${url}/api/v1/agent/connect`, {
        headers: {
          ...upgrade,
          ...key,
          'sec-websocket-protocol': 'streamspace.agent',
          authorization: `Bearer ${credential}`,
        },
      });
      const status = await new Promise<number | undefined>((resolve, reject) =>
        request
          .once('upgrade', ({ statusCode }, socket) => (socket.destroy(), resolve(statusCode)))
          .once('response', ({ statusCode }) => resolve(statusCode))
          .once('error', reject),
      );
      request.destroy();
      return status;
    };
    expect(await connect()).toBe(101);

    const token = await new SignJWT({ roles: ['admin'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('admin')
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(secret));
    const api = blocksOf('docs/operations.md', read('docs/operations.md'))
      .flatMap(({ text }) => text.split('\n'))
      .find((line) => line.startsWith('api() {'))!;
    const env = { HUB: url, TOKEN: token, AGENT: 'eu-1' };
    await bash(`${api}\n${inlineCommand('docs/operations.md#revoke')}`, env);
    expect(await connect()).toBe(401);
  });
});
