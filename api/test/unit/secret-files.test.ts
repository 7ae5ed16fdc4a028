import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeSecretFiles } from '../../src/secrets/files.ts';

let folder: string;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secret-files-'));
  for (const each of ['hub', 'agent', 'store', 'data']) mkdirSync(join(folder, each));
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const make = (...args: string[]) => makeSecretFiles(args, { randomBytes, tell: (line) => void said.push(line) });
const text = (path: string) => readFileSync(join(folder, path), 'utf8');
const all = () => ['hub/env', 'agent/env', 'store/users.acl'].map(text);

describe('D9 hub secret-files', () => {
  it('makes what hub, agent and store share, each in a folder of its own', async () => {
    await make(folder, 'store:6379', join(folder, 'data'));
    const [hub, agent] = [parseEnv(text('hub/env')), parseEnv(text('agent/env'))];
    expect(Object.keys(hub).toSorted()).toEqual(['ENROLMENT_TOKEN', 'JWT_SECRET', 'STORE_URL']);
    expect(hub.STORE_URL).toMatch(/^redis:\/\/hub:[\w-]{43}@store:6379\/0$/);
    expect(agent).toEqual({
      AGENT_TOKEN: hub.ENROLMENT_TOKEN,
      LEASE_LOCK: expect.stringMatching(/^redis:\/\/lease:[\w-]{43}@store:6379$/),
    });
    for (const url of [hub.STORE_URL!, agent.LEASE_LOCK!])
      expect(text('store/users.acl')).not.toContain(new URL(url).password);
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o777);
    expect(statSync(join(folder, 'hub/env')).mode & 0o777).toBe(0o444);
  });

  it('changes nothing the second time, and completes what was lost', async () => {
    await make(folder, 'store:6379');
    const before = all();
    said = [];
    await make(folder, 'store:6379');
    expect(all()).toEqual(before);
    expect(said).toEqual([expect.stringMatching(/there already$/), expect.anything(), expect.anything()]);
    rmSync(join(folder, 'agent/env'));
    await make(folder, 'store:6379');
    const [hub, agent] = all();
    expect(hub).toBe(before[0]);
    expect(parseEnv(agent!).AGENT_TOKEN).toBe(parseEnv(hub!).ENROLMENT_TOKEN);
    expect(text('store/users.acl')).not.toBe(before[2]);
  });

  it('refuses a value that its setting does not take, and leaves the files as they are', async () => {
    writeFileSync(join(folder, 'hub/env'), 'JWT_SECRET=short\n');
    await expect(make(folder, 'store:6379')).rejects.toThrow(/JWT_SECRET: takes .*hub\/env has 5 characters/);
    expect(text('hub/env')).toBe('JWT_SECRET=short\n');
  });

  it('says how it is called', async () => {
    await expect(make(folder)).rejects.toThrow(/hub secret-files FOLDER STORE/);
    await expect(make(folder, 'redis://store')).rejects.toThrow(/host:port/);
  });
});
