import { randomBytes } from 'node:crypto';
import { StreamSpaceError } from '@streamspace/protocol';
import { iso } from 'clock-port';
import type { RecordChange } from '../../../core/record.ts';
import type { RecordStore } from '../../../core/record-store.ts';
import { changedRecord } from '../../../core/record-text.ts';
import { APP } from '../../objects/names.ts';
import type { DockerDraft, FailedStart } from '../../objects/record.ts';
import { FORGOTTEN, serviceName } from '../objects/names.ts';
import { forgottenService, swarmRecordIn, serviceOf, type SwarmRecord } from '../objects/record.ts';
import type { ServiceObject, TaskTemplate } from '../objects/swarm-objects.ts';
import type { SwarmDriverOptions } from '../options.ts';
import type { Services } from '../services.ts';

/** Writes that a record remembers: more than others can make between a write and its reading. */
const WRITES = 16;

/** The sessions' records in the labels of their services. The swarm refuses an update that is based on another version than the service's last one. */
export class SwarmRecords implements RecordStore<SwarmRecord, DockerDraft> {
  readonly exclusive = true;
  readonly tombstones = true;
  readonly #options: Pick<SwarmDriverOptions, 'agentId' | 'clock'>;
  readonly #services: Services;

  constructor(options: Pick<SwarmDriverOptions, 'agentId' | 'clock'>, services: Services) {
    this.#options = options;
    this.#services = services;
  }

  async read(sessionId: string, signal: AbortSignal): Promise<SwarmRecord | undefined> {
    const service = await this.#services.find(serviceName(sessionId), signal);
    const record = service && this.#swarmRecordIn(service);
    return record?.id === sessionId ? record : undefined;
  }

  async list(signal: AbortSignal): Promise<SwarmRecord[]> {
    const found = await this.#services.list([`app=${APP.session}`, `agent=${this.#options.agentId}`], signal);
    return found.map((service) => this.#swarmRecordIn(service)).filter((record) => record !== undefined);
  }

  draft(
    id: string,
    current: SwarmRecord | undefined,
    change: RecordChange & { readonly failure?: FailedStart },
  ): DockerDraft {
    const { agentId, clock } = this.#options;
    const draft = changedRecord(id, current, change, { agentId, now: iso(clock.now()) });
    return { ...draft, failure: change.failure ?? current?.failure };
  }

  async write(
    draft: DockerDraft,
    expected: SwarmRecord | undefined,
    signal: AbortSignal,
  ): Promise<SwarmRecord | undefined> {
    const own = randomBytes(8).toString('hex');
    const spec = serviceOf(draft, expected, [own, ...(expected?.writes ?? [])].slice(0, WRITES));
    if (expected === undefined) {
      if (!(await this.#services.create(spec, signal))) {
        await this.#clearTheWay(draft.id, signal);
        return undefined;
      }
    } else if (!(await this.#services.update(expected.service, spec, signal))) return undefined;
    // an update tells no new version
    const now = await this.#services.find(serviceName(draft.id), signal);
    const record = now && this.#swarmRecordIn(now);
    if (record?.writes[0] === own) return record;
    // somebody has changed it since: what was written counts, and nothing can be based on it any more
    const service = { ID: now?.ID ?? expected?.service.ID ?? '', Version: { Index: 0 }, Spec: spec };
    return this.#swarmRecordIn(service);
  }

  async remove(record: SwarmRecord, signal: AbortSignal): Promise<void> {
    await this.write({ ...this.draft(record.id, record, {}), done: true }, record, signal);
  }

  /** Has the service run what the record wants, unless anything has changed since it was read. */
  apply({ service }: SwarmRecord, template: TaskTemplate, auth: string | undefined, signal: AbortSignal) {
    const spec = { ...service.Spec, Mode: { Replicated: { Replicas: 1 } }, TaskTemplate: template };
    return this.#services.update(service, spec, signal, auth);
  }

  /** Forgets the session if nobody changed it since `record` was read. A removal compares nothing, so nobody may write the service any more before it. */
  async forget({ service }: SwarmRecord, signal: AbortSignal): Promise<void> {
    if (await this.#services.update(service, forgottenService(service), signal))
      await this.#services.remove(service, signal);
  }

  #swarmRecordIn(service: ServiceObject): SwarmRecord | undefined {
    return swarmRecordIn(service, iso(this.#options.clock.now()));
  }

  /** A service that is none of ours would be in the way for ever; one that is being forgottenService goes. */
  async #clearTheWay(sessionId: string, signal: AbortSignal): Promise<void> {
    const name = serviceName(sessionId);
    const found = await this.#services.find(name, signal);
    if (found === undefined) return;
    const { app, session } = found.Spec.Labels;
    if (app === FORGOTTEN) return this.#services.remove(found, signal);
    if (app === APP.session && session === sessionId) return;
    throw new StreamSpaceError(
      'driver_failed',
      `The swarm has a service ${name} that StreamSpace did not make for session ${sessionId}, and it is left alone: remove it, or choose another id`,
    );
  }
}
