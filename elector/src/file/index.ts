import { randomUUID } from 'node:crypto';
import { watch as watchFiles } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, iso, pause, scope, sleep, untilAborted } from 'clock-port';
import { ConflictError, type Candidate, type LeaseRecord, type LeaseState, type Lock } from '../lock.ts';
import { Members } from './members.ts';
import { ReplicaSockets } from './replica-sockets.ts';
import {
  goneEvidence,
  isSameHost,
  taggedIdentity,
  ownTag,
  tagOf,
  type ProcessTable,
  type ProcessTag,
} from './process-tag.ts';
import { VersionLog } from './version-log.ts';

/** How often the folder is listed besides its change events. */
const LIST_PERIOD_MS = 1000;
/** How often the holder's process is looked for. */
const HOLDER_PERIOD_MS = 100;

export interface FileLockOptions {
  /** The folder that holds the lease; created when missing. Local to the machine: every replica runs on it. */
  readonly directory: string;
  readonly clock: Clock;
  /** Node's `process`. */
  readonly processes: ProcessTable;
  /** What people call this replica; the lock adds what makes it unique. */
  readonly replicaName: string;
}

export type { ProcessTable } from './process-tag.ts';

/** A lease for replicas on one machine, kept in a folder. Make one with {@link FileLock.open}, and give its `identity` to the elector. */
export class FileLock implements Lock {
  readonly name: string;
  /** `replicaName` and a tag that no other process has. */
  readonly identity: string;
  readonly #options: FileLockOptions;
  readonly #tag: ProcessTag;
  readonly #log: VersionLog;
  readonly #members: Members;
  readonly #sockets: ReplicaSockets;

  static async open(options: FileLockOptions): Promise<FileLock> {
    await mkdir(options.directory, { recursive: true });
    return new FileLock(options, await ownTag(options.processes));
  }

  private constructor(options: FileLockOptions, tag: ProcessTag) {
    this.name = options.directory;
    this.#options = options;
    this.#tag = tag;
    this.identity = taggedIdentity(options.replicaName, tag);
    this.#log = new VersionLog(options.directory, randomUUID());
    this.#sockets = new ReplicaSockets(join(options.directory, 'alive'));
    this.#members = new Members(join(options.directory, 'members'), async (identity) => {
      if ((await this.#evidence(identity)) === undefined) return false;
      await this.#sockets.forget(identity);
      return true;
    });
  }

  async read(signal: AbortSignal): Promise<LeaseState | undefined> {
    return (await this.#log.read(signal)).state;
  }

  async create(record: LeaseRecord, signal: AbortSignal): Promise<string> {
    const { state, tip } = await this.#log.read(signal);
    if (state) throw new ConflictError('the lease exists already');
    return String(await this.#log.append(tip, record, true, signal));
  }

  async update(record: LeaseRecord, version: string, signal: AbortSignal): Promise<string> {
    const { state, tip } = await this.#log.read(signal);
    if (state?.version !== version) throw new ConflictError('the lease is not at the version named');
    // a renewal may be lost with the machine, a term must not
    const durable = record.term !== state.record.term;
    return String(await this.#log.append(tip, record, durable, signal));
  }

  /** Deletes the lease, as an operator would. */
  async delete(signal: AbortSignal): Promise<void> {
    for (;;) {
      const { state, tip } = await this.#log.read(signal);
      if (!state) return;
      try {
        await this.#log.append(tip, undefined, true, signal);
        return;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
    }
  }

  async watch(onChange: (state: LeaseState | undefined) => void, signal: AbortSignal): Promise<void> {
    const { directory, clock } = this.#options;
    await mkdir(directory, { recursive: true });
    const { ino } = await stat(directory);
    let changed = () => undefined as void;
    let failure: Error | undefined;
    const watcher = watchFiles(directory, { persistent: false }, (_, name) => {
      if (name === null || name.startsWith('lease.')) changed();
    });
    watcher.on('error', (error) => {
      failure = error;
      changed();
    });
    try {
      for (let last = -1; !signal.aborted;) {
        const next = scope(signal);
        changed = () => next.end();
        const { state, tip } = await this.#log.read(signal);
        if (tip !== last) {
          last = tip;
          onChange(state);
        }
        if (signal.aborted) break;
        await pause(clock, LIST_PERIOD_MS, next.signal);
        next.end();
        if (failure) throw failure;
        // the folder was replaced: the watch looks at one that is gone
        if ((await stat(directory)).ino !== ino) throw new Error('the folder was replaced');
      }
    } finally {
      watcher.close();
    }
  }

  async holderGone(record: LeaseRecord, signal: AbortSignal): Promise<string> {
    const { clock } = this.#options;
    const named = tagOf(record.holder) !== undefined;
    for (;;) {
      const evidence = await this.#evidence(record.holder);
      if (evidence !== undefined) return evidence;
      await sleep(clock, named ? HOLDER_PERIOD_MS : 60_000, signal);
    }
  }

  async announce(identity: string, signal: AbortSignal): Promise<void> {
    const hide = await this.#sockets.show(identity);
    try {
      await this.#members.add({ identity, since: iso(this.#options.clock.now()) });
      await untilAborted(signal);
      await this.#members.remove(identity);
    } finally {
      hide();
    }
  }

  candidates(): Promise<Candidate[]> {
    return this.#members.list();
  }

  /** Why that replica can't act any more, in words; undefined while it lives, or when nothing can be said. */
  async #evidence(identity: string): Promise<string | undefined> {
    const tag = tagOf(identity);
    if (tag === undefined) return undefined;
    if (tag.machine === this.#tag.machine) return goneEvidence(tag, this.#tag, this.#options.processes);
    // a container beside this one has process ids of its own; another host can't ask the socket
    if (!isSameHost(tag, this.#tag) || !(await this.#sockets.isGone(identity))) return undefined;
    return `nobody listens any more for ${identity}`;
  }
}
