import type { Duplex } from 'node:stream';
import { type Capacity, type SessionSpec, type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import { scope } from 'clock-port';
import { kindOf } from '../core/failure.ts';
import { housemateOf } from '../core/housemates.ts';
import type { Live } from '../core/record.ts';
import { RecordDriver, type Running } from '../core/record-driver.ts';
import { notRunning } from '../core/refusals.ts';
import type { Operation } from '../driver.ts';
import { checkEnvironment, screenPort } from '../core/environment.ts';
import { inspect } from './engine/containers.ts';
import { EngineError } from './engine/error.ts';
import { additionsOf } from './objects/additions.ts';
import type { EngineInfo } from './objects/engine-objects.ts';
import { removeHome } from './objects/home.ts';
import { containerName } from './objects/names.ts';
import type { DockerDraft, DockerRecord } from './objects/record.ts';
import { withEngineInSight } from './operations/in-sight.ts';
import { start } from './operations/start.ts';
import { removeStarts } from './operations/stop.ts';
import type { DockerDriverOptions } from './options.ts';
import { Screens } from './screens/screen.ts';
import { EngineListing } from './state/listing.ts';
import { isFull, engineRefusal } from './state/reason.ts';
import { RecordContainers } from './state/record-containers.ts';
import { WarmContainers } from './warm/pool.ts';
import { EngineWatch } from './watch.ts';

/** Sessions as containers of one Docker or Podman engine (spec P2). The record is in a container that never runs; container and home follow from it. */
export class DockerDriver extends RecordDriver<DockerRecord, DockerDraft> {
  readonly platform = 'docker';
  protected readonly agentId: string;
  protected readonly records: RecordContainers;
  readonly #options: DockerDriverOptions;
  readonly #screens: Screens;
  readonly #listing: EngineListing;
  readonly #pool: WarmContainers;

  constructor(options: DockerDriverOptions, screens = new Screens(options.engine, options.clock)) {
    super();
    this.#options = options;
    this.agentId = options.agentId;
    this.records = new RecordContainers(options);
    this.#screens = screens;
    this.#listing = new EngineListing({
      options,
      records: this.records,
      operations: this.operations,
      finishDelete: (record, signal) => this.finishDelete(record, signal),
    });
    this.#pool = new WarmContainers({
      options,
      screens,
      look: (signal) => this.#listing.look(signal),
      capacity: (signal) => this.capacity(signal),
    });
  }

  capacity(signal: AbortSignal): Promise<Capacity> {
    return this.settled(signal, async () => {
      const { engine, reservedCpu, reservedMemory, maxSessions } = this.#options;
      const { NCPU, MemTotal } = await engine.json<EngineInfo>('/info', {}, signal);
      return {
        cpu: Math.max(0, NCPU - (reservedCpu ?? 0)),
        memory: Math.max(0, MemTotal - (reservedMemory ?? 0)),
        max_sessions: maxSessions,
      };
    });
  }

  async watch(
    onChange: (sessionId: string, status: SessionStatus | undefined) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    const onNews = () => this.#pool.changed();
    const parts = { options: this.#options, listing: this.#listing, operations: this.operations, onNews };
    const both = scope(signal);
    try {
      await Promise.all([new EngineWatch(parts, onChange, both.signal).run(), this.#pool.keep(both.signal)]);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      both.end();
    }
  }

  /** Containers that wait for their session, and are ready. */
  get warm(): number {
    return this.#pool.ready;
  }

  get trouble(): string | undefined {
    return this.#options.engine.trouble;
  }

  onTrouble(listener: () => void): () => void {
    return this.#options.engine.onTrouble(listener);
  }

  protected override check(spec: SessionSpec): void {
    checkEnvironment(spec, this.#options);
    additionsOf(spec, this.#options.sessionAllow);
  }

  /** With the engine in sight. */
  protected override during<T>(operation: Running, work: () => Promise<T>): Promise<T> {
    return withEngineInSight(this.#options, this.operations, operation, work);
  }

  protected override async written(sessionId: string): Promise<void> {
    await this.#options.step?.('record written', sessionId);
  }

  protected override meaning(error: unknown): StreamSpaceError | undefined {
    if (!(error instanceof EngineError)) return undefined;
    const { reason, code } = engineRefusal(error, '');
    return new StreamSpaceError(isFull(error) ? 'disk_full' : 'driver_failed', reason, kindOf(code), { cause: error });
  }

  protected start(record: Live<DockerRecord>, operation: Operation): Promise<SessionStatus> {
    const { id, spec } = record;
    const parts = { options: this.#options, records: this.records, screens: this.#screens, pool: this.#pool };
    return start(parts, record, operation, (reason) => this.operations.tell(id, { spec, state: 'starting', reason }));
  }

  protected stop(record: Live<DockerRecord>, signal: AbortSignal): Promise<void> {
    return removeStarts({ options: this.#options }, record.id, (start) => start <= record.instance, signal);
  }

  protected async clear(record: DockerRecord, signal: AbortSignal): Promise<void> {
    const { engine, step, log } = this.#options;
    const { id, spec, deleteHome, specLost } = record;
    await removeStarts({ options: this.#options }, id, () => true, signal);
    if (!deleteHome || spec === undefined || specLost === true) return;
    const housemate = housemateOf(spec, await this.records.list(signal));
    if (housemate !== undefined)
      return log.info({ session: id, housemate }, 'Home is kept: another session lives in it');
    await removeHome(engine, spec, signal);
    await step?.('home removed', id);
  }

  protected statuses(signal: AbortSignal): Promise<SessionStatus[]> {
    return this.#listing.statuses(signal);
  }

  protected async open(record: Live<DockerRecord>, signal: AbortSignal): Promise<Duplex> {
    const { id, spec } = record;
    const { engine } = this.#options;
    const container = await inspect(engine, containerName(id, record.instance), signal);
    try {
      if (container?.State.Status !== 'running') throw new Error('its container does not run');
      return await this.#screens.connect(container, screenPort(spec, this.#options), signal);
    } catch (error) {
      signal.throwIfAborted();
      const status = (await this.#listing.statuses(signal)).find((each) => each.spec.id === id);
      if (status?.state !== 'running') throw notRunning(id, status ?? { state: 'failed' });
      const message = `The screen of session ${id} does not answer on port ${screenPort(spec, this.#options)}: ${(error as Error).message}`;
      throw new StreamSpaceError('screen_unreachable', message, {}, { cause: error });
    }
  }
}
