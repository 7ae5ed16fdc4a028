import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CredentialOptions, Credentials } from '../../src/link/credential.ts';

const { signal } = new AbortController();
let folder: string;
let file: string;
let enrolled: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credential-'));
  file = join(folder, 'agents', 'agent-1', 'credential');
  enrolled = [];
});
afterEach(() => rm(folder, { recursive: true }));

const make = (options: Partial<CredentialOptions> = {}) =>
  new Credentials({
    file,
    token: 'sse_enrolment',
    tokenFile: undefined,
    log: pino({ level: 'silent' }),
    enrol: async (token, standby) => {
      enrolled.push(standby ? `${token}, standby` : token);
      return `ssa_${enrolled.length}`;
    },
    ...options,
  });

describe('credential', () => {
  it('[AUTH3] enrols once and keeps what it got, for its owner only', async () => {
    expect(await make().current(signal)).toBe('ssa_1');
    expect(await make().current(signal)).toBe('ssa_1');
    expect(enrolled).toEqual(['sse_enrolment']);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    // no drafts lie about
    expect(await readdir(join(folder, 'agents', 'agent-1'))).toEqual(['credential']);
  });

  it('[AUTH3] takes what an operator made up for an enrolment token', async () => {
    expect(await make({ token: 'bWFkZSB1cCBieSBvcGVuc3NsIHJhbmQ=' }).current(signal)).toBe('ssa_1');
    expect(enrolled).toEqual(['bWFkZSB1cCBieSBvcGVuc3NsIHJhbmQ=']);
  });

  it('[AUTH5] a stored one is younger than the configured one', async () => {
    const credentials = make({ token: 'ssa_configured' });
    expect(await credentials.current(signal)).toBe('ssa_configured');
    await credentials.store('ssa_rotated');
    expect(await credentials.current(signal)).toBe('ssa_rotated');
    expect(await readFile(file, 'utf8')).toBe('ssa_rotated\n');
  });

  it('enrols again when the hub refuses the stored one', async () => {
    const credentials = make();
    await credentials.store('ssa_old');
    expect(await credentials.refused('ssa_old')).toBe(true);
    expect(await credentials.current(signal)).toBe('ssa_1');
  });

  it('takes what another replica stored meanwhile, instead of enrolling', async () => {
    const credentials = make();
    await credentials.store('ssa_old');
    await credentials.refused('ssa_old');
    await make().store('ssa_new');
    expect(await credentials.current(signal)).toBe('ssa_new');
    expect(enrolled).toEqual([]);
  });

  it('goes back to the configured one, then names the remedy, then tries again', async () => {
    const credentials = make({ token: 'ssa_configured' });
    await credentials.store('ssa_stored');
    expect(await credentials.refused('ssa_stored')).toBe(true);
    expect(await credentials.current(signal)).toBe('ssa_configured');
    expect(await credentials.refused('ssa_configured')).toBe(false);
    await expect(credentials.current(signal)).rejects.toMatchObject({
      code: 'unauthenticated',
      message: expect.stringContaining('AGENT_TOKEN'),
    });
    expect(await credentials.current(signal)).toBe('ssa_stored');
  });

  it('reads the token’s file anew each time', async () => {
    const tokenFile = join(folder, 'token');
    const credentials = make({ token: undefined, tokenFile });
    await expect(credentials.current(signal)).rejects.toMatchObject({
      message: expect.stringContaining('AGENT_TOKEN_FILE'),
    });
    await writeFile(tokenFile, 'sse_from_file\n');
    expect(await credentials.current(signal)).toBe('ssa_1');
    expect(enrolled).toEqual(['sse_from_file']);
  });

  it('[AUTH3] a standby enrols ahead, where there is something to enrol with and nothing that it has', async () => {
    await make({ token: 'ssa_configured' }).prepare(signal);
    await make({ token: undefined }).prepare(signal);
    expect(enrolled).toEqual([]);
    await make().prepare(signal);
    expect(enrolled).toEqual(['sse_enrolment, standby']);
    await make().prepare(signal);
    expect(await make().current(signal)).toBe('ssa_1');
    expect(enrolled).toHaveLength(1);
  });

  it('[AUTH3] a standby leaves what a replica in the same folder has stored meanwhile', async () => {
    const credentials = make({
      enrol: async () => {
        await make().store('ssa_leader');
        return 'ssa_standby';
      },
    });
    await credentials.prepare(signal);
    expect(await credentials.current(signal)).toBe('ssa_leader');
  });

  it('without any token names the remedy', async () => {
    await expect(make({ token: undefined }).current(signal)).rejects.toMatchObject({
      message: expect.stringContaining('AGENT_TOKEN_FILE'),
    });
  });
});
