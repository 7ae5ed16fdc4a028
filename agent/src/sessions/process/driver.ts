import { cpus, totalmem } from 'node:os';
import type { Duplex } from 'node:stream';
import { type Capacity, type SessionIsolation, type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import { untilAborted } from 'clock-port';
import type { Operation, SessionDriver } from '../driver.ts';
import { capacityWithin } from '../core/capacity.ts';
import type { Live } from '../core/record.ts';
import { RecordDriver } from '../core/record-driver.ts';
import { notRunning } from '../core/refusals.ts';
import { Hosts } from './hosts.ts';
import { type Layout, layout } from './layout.ts';
import { Listing } from './listing.ts';
import { Neighbours } from './neighbours.ts';
import type { ProcessDriverOptions } from './options.ts';
import type { VersionedDraft, VersionedRecord } from '../core/record-text.ts';
import { RecordFiles } from './record-files.ts';
import { Removal } from './removal.ts';
import { SessionWatch } from './session-watch.ts';
import { connectSocket } from '../core/connect.ts';
import { Starter } from './starter.ts';

/**
 * Sessions as processes of this machine (spec P5): one detached session host per session, found again by its control socket. Sessions run as
 * the agent's own user: nothing enforces CPU and memory limits, only the hub's placement counts them. Between sessions there is a sandbox each,
 * or nothing: see {@link Isolation}.
 */
export function processDriver(options: ProcessDriverOptions): SessionDriver {
  return new ProcessDriver(options);
}

class ProcessDriver extends RecordDriver<VersionedRecord, VersionedDraft> {
  readonly platform = 'process';
  readonly isolation: SessionIsolation;
  protected readonly agentId: string;
  protected readonly records: RecordFiles;
  readonly #options: ProcessDriverOptions;
  readonly #layout: Layout;
  readonly #hosts: Hosts;
  readonly #starter: Starter;
  readonly #removal: Removal;
  readonly #listing: Listing;

  constructor(options: ProcessDriverOptions) {
    super();
    const { agentId, isolation, stateDir, tmpDir, clock, log, step } = options;
    this.#options = options;
    this.agentId = agentId;
    this.isolation = isolation.state;
    this.#layout = layout(stateDir, tmpDir);
    const hosts = new Hosts(this.#layout, options);
    const starts = (id: string) => hosts.starts(id);
    this.records = new RecordFiles({ agentId, clock, log, layout: this.#layout, starts });
    this.#hosts = hosts;
    this.#starter = new Starter(hosts, this.records, new Neighbours(isolation, this.#layout), options);
    this.#removal = new Removal(this.#layout, hosts, this.records, step);
    const { records, operations } = this;
    this.#listing = new Listing({ records, hosts, removal: this.#removal, options, operations });
  }

  capacity(): Promise<Capacity> {
    const machine = { cpu: cpus().length, memory: totalmem() };
    return Promise.resolve(capacityWithin([machine], machine, this.#options.maxSessions));
  }

  async watch(
    onChange: (sessionId: string, status: SessionStatus | undefined) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    const { operations, records } = this;
    const watch = new SessionWatch(
      {
        operations,
        open: async (id) => {
          const record = await records.read(id);
          if (record === undefined || record.problem !== undefined || record.desired !== 'running') return undefined;
          const connection = await this.#hosts.open(id, record.instance, signal);
          return connection === 'missing' || connection === 'dead' ? undefined : connection;
        },
        status: async (id) => {
          const record = await records.read(id);
          return record && this.#listing.look(record, signal);
        },
      },
      onChange,
    );
    const aborted = untilAborted(signal);
    const deafen = operations.listen(
      () => {},
      (id, ending) => void watch.follow(id, ending).catch(() => {}),
    );
    try {
      for (const { id, desired, problem } of await records.list()) {
        if (desired === 'running' && problem === undefined && !operations.concern(id))
          await watch.follow(id, 'running');
      }
      await aborted;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      deafen();
      watch.close();
    }
  }

  protected start(record: Live<VersionedRecord>, operation: Operation): Promise<SessionStatus> {
    return this.#starter.start(record, operation);
  }

  protected async stop({ id, instance }: VersionedRecord, signal: AbortSignal): Promise<void> {
    await this.#hosts.stopUpTo(id, instance, signal);
    await this.#options.step?.('host ended', id);
  }

  protected clear(record: VersionedRecord, signal: AbortSignal): Promise<void> {
    return this.#removal.clear(record, signal);
  }

  protected async statuses(signal: AbortSignal): Promise<SessionStatus[]> {
    return this.#listing.statuses(await this.records.list(), signal);
  }

  protected async open(record: Live<VersionedRecord>, signal: AbortSignal): Promise<Duplex> {
    const { id } = record;
    const { control, screen } = this.#layout.run(id, record.instance);
    try {
      // the programs of a host that was killed take connections until they have ended too: only a live host has a screen
      (await connectSocket(control, signal)).destroy();
      return await connectSocket(screen, signal);
    } catch (error) {
      signal.throwIfAborted();
      const status = await this.#listing.status(record, signal);
      if (status.state !== 'running') throw notRunning(id, status);
      const message = `The screen of session ${id} does not answer`;
      throw new StreamSpaceError('screen_unreachable', message, {}, { cause: error });
    }
  }

  protected override async written(sessionId: string): Promise<void> {
    await this.#options.step?.('record written', sessionId);
  }
}
