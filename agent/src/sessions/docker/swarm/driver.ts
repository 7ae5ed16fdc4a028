import type { Duplex } from 'node:stream';
import { type Capacity, type SessionSpec, type SessionStatus, StreamSpaceError } from '@streamspace/protocol';
import { checkEnvironment, homePath, screenPort } from '../../core/environment.ts';
import { housemateOf } from '../../core/housemates.ts';
import { kindOf } from '../../core/failure.ts';
import type { Live } from '../../core/record.ts';
import { RecordDriver, type Running } from '../../core/record-driver.ts';
import { notRunning } from '../../core/refusals.ts';
import type { Operation } from '../../driver.ts';
import { EngineError } from '../engine/error.ts';
import type { DockerDraft } from '../objects/record.ts';
import { withEngineInSight } from '../operations/in-sight.ts';
import { Screens } from '../screens/screen.ts';
import { engineRefusal, isFull } from '../state/reason.ts';
import { EngineWatch } from '../watch.ts';
import { SwarmHomes } from './homes.ts';
import type { SwarmRecord } from './objects/record.ts';
import { swarmAdditions } from './objects/service.ts';
import { emptyHome } from './operations/empty-home.ts';
import { startService, type SwarmStartParts } from './operations/start.ts';
import { untilEnded } from './operations/stop.ts';
import type { SwarmDriverOptions } from './options.ts';
import { SwarmScreens } from './screens.ts';
import { Services } from './services.ts';
import { SwarmListing } from './state/listing.ts';
import { SwarmRecords } from './state/swarm-records.ts';
import { taskOf, troubleOf } from './state/tasks.ts';

/** A swarm tells nothing of its tasks: they are looked at so often, milliseconds. */
const LOOK_MS = 1_000;

/** Sessions as services of a Docker swarm, each with one replica at most. The record is in the service's labels; one update changes both. */
export class SwarmDriver extends RecordDriver<SwarmRecord, DockerDraft> {
  readonly platform = 'docker';
  protected readonly agentId: string;
  protected readonly records: SwarmRecords;
  readonly #options: SwarmDriverOptions;
  readonly #parts: SwarmStartParts;
  readonly #listing: SwarmListing;

  constructor(options: SwarmDriverOptions, screens = new Screens(options.engine, options.clock)) {
    super();
    this.#options = options;
    this.agentId = options.agentId;
    const services = new Services(options.engine);
    this.records = new SwarmRecords(options, services);
    const homes = new SwarmHomes(options, services);
    this.#parts = { options, services, records: this.records, homes, screens: new SwarmScreens(options, screens) };
    this.#listing = new SwarmListing({
      ...this.#parts,
      operations: this.operations,
      finishDelete: (record, signal) => this.finishDelete(record, signal),
      restart: (record, reason, signal) => void this.#restart(record, reason, signal),
    });
  }

  capacity(signal: AbortSignal): Promise<Capacity> {
    return this.settled(signal, async () => {
      const { reservedCpu = 0, reservedMemory = 0, maxSessions } = this.#options;
      const usable = (await this.#parts.services.nodes(signal)).filter((node) => troubleOf(node) === undefined);
      const sum = (of: (size: { readonly NanoCPUs?: number; readonly MemoryBytes?: number }) => number) =>
        usable.reduce((all, { Description }) => all + Math.max(0, of(Description.Resources)), 0);
      return {
        cpu: sum(({ NanoCPUs = 0 }) => NanoCPUs / 1e9 - reservedCpu),
        memory: sum(({ MemoryBytes = 0 }) => MemoryBytes - reservedMemory),
        max_sessions: maxSessions,
      };
    });
  }

  async watch(
    onChange: (sessionId: string, status: SessionStatus | undefined) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    const { operations } = this;
    const parts = { options: this.#options, listing: this.#listing, operations, onNews() {}, resyncMs: LOOK_MS };
    try {
      await new EngineWatch(parts, onChange, signal).run();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  get trouble(): string | undefined {
    return this.#options.engine.trouble;
  }

  onTrouble(listener: () => void): () => void {
    return this.#options.engine.onTrouble(listener);
  }

  protected override check(spec: SessionSpec): void {
    checkEnvironment(spec, this.#options);
    swarmAdditions(spec, this.#options);
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

  protected start(record: Live<SwarmRecord>, operation: Operation): Promise<SessionStatus> {
    const { id, spec } = record;
    return startService(this.#parts, record, operation, (reason) =>
      this.operations.tell(id, { spec, state: 'starting', reason }),
    );
  }

  protected stop({ service }: Live<SwarmRecord>, signal: AbortSignal): Promise<void> {
    return untilEnded(this.#parts, service.ID, signal);
  }

  protected async clear(record: SwarmRecord, signal: AbortSignal): Promise<void> {
    const { log, step } = this.#options;
    const { id, spec, deleteHome, specLost, service } = record;
    await untilEnded(this.#parts, service.ID, signal);
    if (!deleteHome || spec === undefined || specLost === true) return;
    const housemate = housemateOf(spec, await this.records.list(signal));
    if (housemate !== undefined)
      return log.info({ session: id, housemate }, 'Home is kept: another session lives in it');
    const empty = () => emptyHome(this.#parts, { ...record, spec }, homePath(spec), signal);
    await this.#parts.homes.remove(spec, empty, signal);
    await step?.('home removed', id);
  }

  protected statuses(signal: AbortSignal): Promise<SessionStatus[]> {
    return this.#listing.statuses(signal);
  }

  protected async open({ id, spec, instance, service }: Live<SwarmRecord>, signal: AbortSignal): Promise<Duplex> {
    const { services, screens } = this.#parts;
    const task = taskOf(instance, await services.tasks({ service: [service.ID] }, signal));
    const port = screenPort(spec, this.#options);
    try {
      if (task?.Status.State !== 'running') throw new Error('its task does not run');
      return await screens.connect(task, port, signal);
    } catch (error) {
      signal.throwIfAborted();
      const status = (await this.#listing.statuses(signal)).find((each) => each.spec.id === id);
      if (status?.state !== 'running') throw notRunning(id, status ?? { state: 'failed' });
      const message = `The screen of session ${id} does not answer on port ${port}: ${(error as Error).message}`;
      throw new StreamSpaceError('screen_unreachable', message, {}, { cause: error });
    }
  }

  /** What the swarm has ended is started with the next number, by whoever writes that into the record first. */
  async #restart(record: Live<SwarmRecord>, reason: string, signal: AbortSignal): Promise<void> {
    const { id, spec, term, commandId } = record;
    this.#options.log.info({ session: id, reason }, 'Session is started again');
    try {
      await this.operations.during(id, async () => {
        this.operations.tell(id, { spec, state: 'starting', reason });
        const next = await this.records.write(this.records.draft(id, record, { desired: 'running' }), record, signal);
        if (next === undefined) throw new Error('its record has changed meanwhile');
        const status = await this.start(next as Live<SwarmRecord>, { commandId, term, signal });
        this.operations.tell(id, status);
        return status;
      });
    } catch (err) {
      if (!signal.aborted) this.#options.log.warn({ session: id, err }, 'Session could not be started again');
    }
  }
}
