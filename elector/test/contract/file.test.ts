import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { systemClock, withDeadline } from 'clock-port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileLock } from '../../src/file/index.ts';
import { VersionLog } from '../../src/file/version-log.ts';
import { ConflictError, type LeaseRecord } from '../../src/index.ts';
import { taggedIdentity, ownTag } from '../../src/file/process-tag.ts';
import { eventually, lockContract } from './lock.ts';

const open = (directory: string, replicaName: string) =>
  FileLock.open({ directory, replicaName, clock: systemClock, processes: process });
const forever = new AbortController().signal;
const record = (fields: Partial<LeaseRecord> = {}): LeaseRecord => ({
  holder: 'a',
  term: 1,
  durationMs: 1000,
  acquiredAt: '',
  renewedAt: '',
  transitions: 0,
  ...fields,
});

lockContract('file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'file-lock-'));
  return {
    open: (name) => open(directory, name),
    delete: async () => (await open(directory, 'operator')).delete(forever),
    close: () => rm(directory, { recursive: true }),
  };
});

describe('file lock', () => {
  let directory: string;
  let children: ChildProcess[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'file-lock-'));
    children = [];
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });

  /** A process that does nothing until it is killed, and its tag. */
  async function bystander() {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log("up")']);
    children.push(child);
    await once(child.stdout, 'data');
    const tag = await ownTag({ pid: child.pid!, kill: () => true });
    return { child, tag };
  }

  it('keeps a handful of versions, whatever the number of updates', async () => {
    const lock = await open(directory, 'a');
    let version = await lock.create(record(), forever);
    for (let i = 0; i < 100; i++) version = await lock.update(record(), version, forever);
    expect((await readdir(directory)).filter((name) => name.startsWith('lease.')).length).toBeLessThan(12);
    expect((await readdir(directory)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('a writer that was paused until its version was pruned has lost', async () => {
    const others = new VersionLog(directory, 'others');
    let tip = await others.append(0, record(), false, forever);
    // the paused one has listed the folder, and goes on only after the others have written twenty versions
    class Paused extends VersionLog {
      listed = 0;
      override async versions(): Promise<number[]> {
        const versions = await super.versions();
        if (this.listed++ > 0) return versions;
        for (let i = 0; i < 20; i++) tip = await others.append(tip, record({ holder: 'other' }), false, forever);
        return versions;
      }
    }
    await expect(
      new Paused(directory, 'paused').append(1, record({ holder: 'paused' }), false, forever),
    ).rejects.toBeInstanceOf(ConflictError);
    expect((await others.read(forever)).state).toMatchObject({ record: { holder: 'other' }, version: String(tip) });
    expect(await others.versions()).not.toContain(2);
  });

  it('an operator may empty the folder', async () => {
    const lock = await open(directory, 'a');
    const version = await lock.create(record({ term: 5 }), forever);
    await rm(directory, { recursive: true });
    expect(await lock.read(forever)).toBeUndefined();
    await expect(lock.update(record(), version, forever)).rejects.toBeInstanceOf(ConflictError);
    await lock.create(record({ term: 6 }), forever);
    expect((await lock.read(forever))?.record.term).toBe(6);
  });

  it('a damaged newest file releases the lease and keeps the terms', async () => {
    const lock = await open(directory, 'a');
    await lock.create(record({ term: 41 }), forever);
    await writeFile(join(directory, 'lease.2'), '');
    const state = await lock.read(forever);
    expect(state).toMatchObject({ record: { holder: '', term: 41 }, version: '2' });
    await lock.update(record({ term: 42 }), state!.version, forever);
  });

  it('knows within moments that the holder was killed', async () => {
    const { child, tag } = await bystander();
    const lock = await open(directory, 'a');
    const gone = lock.holderGone(record({ holder: taggedIdentity('b', tag) }), forever);
    child.kill('SIGKILL');
    await expect(withDeadline(systemClock, 5000, 'evidence', undefined, () => gone)).resolves.toContain(
      `process ${tag.pid}`,
    );
  });

  it('is not fooled by a process id that was used again', async () => {
    const { tag } = await bystander();
    const lock = await open(directory, 'a');
    const before = taggedIdentity('b', { ...tag, startedAt: '1' });
    await expect(lock.holderGone(record({ holder: before }), forever)).resolves.toContain('another');
  });

  it('says nothing of living holders, of other machines and of strangers', async () => {
    const { tag } = await bystander();
    const lock = await open(directory, 'a');
    const end = new AbortController();
    const words = [
      taggedIdentity('b', tag),
      taggedIdentity('b', { ...tag, machine: 'elsewhere', pid: 999_999 }),
      'c',
    ].map((holder) => lock.holderGone(record({ holder }), end.signal));
    const first = await Promise.race([
      ...words.map((word) => word.then(String)),
      lock.read(forever).then(() => 'silent'),
    ]);
    expect(first).toBe('silent');
    end.abort(new Error('enough'));
    for (const word of words) await expect(word).rejects.toThrow('enough');
  });

  it('forgets the replicas that died without a word', async () => {
    const { child, tag } = await bystander();
    const lock = await open(directory, 'a');
    const dead = taggedIdentity('dead', tag);
    const end = new AbortController();
    void lock.announce(dead, end.signal);
    await eventually(async () => expect(await lock.candidates()).toHaveLength(1));
    const gone = lock.holderGone(record({ holder: dead }), forever);
    child.kill('SIGKILL');
    await gone;
    expect(await lock.candidates()).toEqual([]);
    expect(await readdir(join(directory, 'members'))).toEqual([]);
    end.abort();
  });

  describe('replicas in containers of one host, with process ids of their own', () => {
    /** The identity of a replica in another container that takes part, and the function that kills or freezes it. */
    async function neighbour() {
      const program = [
        `import { ReplicaSockets } from ${JSON.stringify(new URL('../../src/file/replica-sockets.ts', import.meta.url).href)};`,
        `await new ReplicaSockets(process.argv[1]).show(process.argv[2]);`,
        `setInterval(() => {}, 1000); console.log('up');`,
      ].join('\n');
      const [boot] = (await ownTag(process)).machine.split('.');
      const identity = taggedIdentity('b', { machine: `${boot}.1`, pid: 1, startedAt: '7' });
      const args = ['--import', 'tsx', '--input-type=module', '-e', program, join(directory, 'alive'), identity];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      await once(child.stdout!, 'data');
      return { identity, child };
    }

    it('know within moments that the holder was killed, and not before', async () => {
      const { identity, child } = await neighbour();
      const lock = await open(directory, 'a');
      const gone = lock.holderGone(record({ holder: identity }), forever);
      child.kill('SIGSTOP');
      const frozen = withDeadline(systemClock, 400, 'evidence', undefined, () => gone);
      await expect(frozen).rejects.toThrow('evidence');
      child.kill('SIGKILL');
      await expect(withDeadline(systemClock, 5000, 'evidence', undefined, () => gone)).resolves.toContain('listens');
    });

    it('say nothing of a replica that shows no socket, or of another host', async () => {
      const { identity, child } = await neighbour();
      child.kill('SIGKILL');
      await once(child, 'exit');
      const lock = await open(directory, 'a');
      const end = new AbortController();
      const other = identity.replace(/@[0-9a-f]{8}/, '@00000000');
      const unknown = identity.replace(/7$/, '8');
      const words = [other, unknown].map((holder) => lock.holderGone(record({ holder }), end.signal));
      // by then the evidence about the third is there
      await lock.holderGone(record({ holder: identity }), forever);
      end.abort(new Error('enough'));
      for (const word of words) await expect(word).rejects.toThrow('enough');
    });

    it('forget the one that was killed, and its socket', async () => {
      const { identity, child } = await neighbour();
      const lock = await open(directory, 'a');
      await mkdir(join(directory, 'members'));
      await writeFile(
        join(directory, 'members', encodeURIComponent(identity)),
        JSON.stringify({ identity, since: '2026-01-01T00:00:00Z' }),
      );
      expect(await lock.candidates()).toHaveLength(1);
      child.kill('SIGKILL');
      await eventually(async () => expect(await lock.candidates()).toEqual([]));
      expect(await readdir(join(directory, 'alive'))).toEqual([]);
    });
  });
});
