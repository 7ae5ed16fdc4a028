import { randomBytes } from 'node:crypto';
import type { SessionSpec } from '@streamspace/protocol';
import { sleep, systemClock } from 'clock-port';
import type { WarmTemplate } from '../../agent/src/sessions/core/warm-templates.ts';
import { DockerDriver } from '../../agent/src/sessions/docker/driver.ts';
import { engineAddress } from '../../agent/src/sessions/docker/engine/address.ts';
import { inspect, removeContainer } from '../../agent/src/sessions/docker/engine/containers.ts';
import { Engine } from '../../agent/src/sessions/docker/engine/engine.ts';
import type { ContainerSummary } from '../../agent/src/sessions/docker/objects/engine-objects.ts';
import { Screens } from '../../agent/src/sessions/docker/screens/screen.ts';
import { RecordContainers } from '../../agent/src/sessions/docker/state/record-containers.ts';
import { desktopSpec } from '../../agent/test/support/spec.ts';

export const IMAGE = 'streamspace/desktop:latest';
const PORT = 5900;
const LIMIT_MS = 300_000;
/** Between two looks at a plain container's screen, milliseconds. */
const LOOK_MS = 10;
export const soon = (): AbortSignal => AbortSignal.timeout(LIMIT_MS);
const log = { info() {}, warn() {} };

/** An agent's driver on the engine of DOCKER_HOST, and plain containers of the same image beside it. */
export class Place {
  readonly agentId = `bench-${randomBytes(4).toString('hex')}`;
  readonly engine = new Engine(
    engineAddress(process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock', undefined),
    systemClock,
  );
  readonly records: RecordContainers;
  readonly #screens = new Screens(this.engine, systemClock, true);
  #made = 0;

  constructor() {
    this.records = new RecordContainers({ agentId: this.agentId, engine: this.engine, clock: systemClock, log });
  }

  driver(warm?: readonly WarmTemplate[]): DockerDriver {
    const { agentId, engine } = this;
    const options = {
      agentId,
      engine,
      sessionImageRegistry: undefined,
      sessionDefaultCpu: 1,
      sessionDefaultMemory: 1e9,
      vncPort: PORT,
      sessionNetwork: 'streamspace-sessions',
      sessionRuntime: undefined,
      sessionGpus: undefined,
      sessionImagePullPolicy: 'Never',
      dockerConfig: '/nowhere',
      maxSessions: 1_000,
      reservedCpu: 0,
      reservedMemory: 0,
      startDeadline: LIMIT_MS,
      warm,
      clock: systemClock,
      log,
    } as const;
    return new DockerDriver(options, this.#screens);
  }

  spec(changes: Partial<SessionSpec> = {}): SessionSpec {
    return desktopSpec(`${this.agentId}-${this.#made++}`, { user: this.agentId, cpu: 1, memory: 1e9, ...changes });
  }

  op(): { commandId: string; term: number; signal: AbortSignal } {
    return { commandId: randomBytes(8).toString('hex'), term: 1, signal: soon() };
  }

  /** As `docker run -d` of the same image and limits, until its screen greets. */
  async plain(): Promise<void> {
    const { engine } = this;
    const HostConfig = { NanoCpus: 1e9, Memory: 1e9, NetworkMode: 'bridge' };
    const body = { Image: IMAGE, Labels: { agent: this.agentId, app: 'plain' }, HostConfig };
    const { Id } = await engine.json<{ Id: string }>('/containers/create', { method: 'POST', body }, soon());
    await engine.json(`/containers/${Id}/start`, { method: 'POST' }, soon());
    const container = (await inspect(engine, Id, soon()))!;
    while (!(await this.#screens.speaks(container, PORT, soon()))) await sleep(systemClock, LOOK_MS);
  }

  /** Ends all sessions and plain containers. */
  async clear(): Promise<void> {
    const driver = this.driver();
    for (const { spec } of await driver.list(soon())) await driver.delete(spec.id, { deleteHome: true }, this.op());
    await this.#remove(['app=plain']);
  }

  /** Removes everything that was made. */
  async close(): Promise<void> {
    await this.clear();
    await this.#remove([]);
    this.engine.close();
  }

  async #remove(labels: readonly string[]): Promise<void> {
    const filters = { label: [`agent=${this.agentId}`, ...labels] };
    const query = { all: true, filters };
    const left = await this.engine.json<ContainerSummary[]>('/containers/json', { query }, soon());
    await Promise.all(left.map(({ Id }) => removeContainer(this.engine, Id, 0, soon())));
  }
}

/** Milliseconds of the work. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = systemClock.monotonic();
  await work();
  return systemClock.monotonic() - since;
}
