import { sessionLabels } from '../../../core/names.ts';
import { parseRecord } from '../../../core/record-text.ts';
import { APP, FAILURE_LABEL, RECORD_LABEL, START_LABEL, USER_LABEL } from '../../objects/names.ts';
import { type DockerDraft, type DockerRecord, failedStartOf, recordLabels } from '../../objects/record.ts';
import { RECORD_IMAGE } from '../../images/record-image.ts';
import type { ServiceObject, ServiceSpec, TaskTemplate } from './swarm-objects.ts';
import { FORGOTTEN, serviceName } from './names.ts';

/** The record of a session, in the labels of its service. Its version is the service's index. */
export interface SwarmRecord extends DockerRecord {
  readonly service: ServiceObject;
}

/** What a service without a session's program would run; it has no replica. */
export const NOTHING: TaskTemplate = { ContainerSpec: { Image: RECORD_IMAGE } };

/** The record that a service holds; undefined: it is none of ours. One that has lost its record counts as that of a deleted session. */
export function swarmRecordIn(service: ServiceObject, now: string): SwarmRecord | undefined {
  const { Labels, Name, TaskTemplate } = service.Spec;
  const { app, agent, session: id } = Labels;
  if (app !== APP.session || id === undefined || Name !== serviceName(id)) return undefined;
  const version = service.Version.Index;
  const text = Labels[RECORD_LABEL];
  if (text !== undefined) {
    const record = parseRecord(id, version, text, Name);
    // the label by which records are found says whose it is, where the record can't
    return { ...record, agent: record.agent ?? agent, failure: failedStartOf(Labels[FAILURE_LABEL]), service };
  }
  return {
    id,
    agent,
    spec: undefined,
    desired: 'deleted',
    commandId: '',
    term: 0,
    deleteHome: false,
    instance: startOfTemplate(TaskTemplate),
    done: true,
    at: now,
    version,
    writes: [],
    kept: { record: {}, spec: {} },
    failure: undefined,
    service,
  };
}

/** Number of the start that a template is; 0: none. */
export const startOfTemplate = ({ ContainerSpec }: TaskTemplate): number =>
  Number(ContainerSpec.Labels?.[START_LABEL] ?? 0);

/** Whether the service runs the start that the record wants. */
export const isApplied = ({ service, instance }: SwarmRecord): boolean =>
  startOfTemplate(service.Spec.TaskTemplate) === instance && (service.Spec.Mode.Replicated?.Replicas ?? 0) > 0;

/**
 * The service that holds the draft. A program that it runs goes on only if it is the start that the draft wants: record and wish change
 * in one step.
 */
export function serviceOf(draft: DockerDraft, before: SwarmRecord | undefined, writes: readonly string[]): ServiceSpec {
  const current = before?.service.Spec;
  const { spec, desired, instance, failure, done, agent = '', id } = draft;
  const owner = spec === undefined ? {} : { ...sessionLabels(spec, agent), [USER_LABEL]: spec.user };
  const goesOn =
    current !== undefined &&
    desired === 'running' &&
    failure?.instance !== instance &&
    startOfTemplate(current.TaskTemplate) === instance;
  return {
    ...current,
    Name: serviceName(id),
    Labels: { ...owner, ...recordLabels(draft, before, writes), app: APP.session },
    Mode: { Replicated: { Replicas: goesOn ? (current.Mode.Replicated?.Replicas ?? 0) : 0 } },
    TaskTemplate: current === undefined || done ? NOTHING : current.TaskTemplate,
    // a virtual address, and a balancer behind it, would be of no use
    EndpointSpec: { Mode: 'dnsrr' },
  };
}

/** The service as it is before it goes for good. */
export const forgottenService = ({ Spec }: ServiceObject): ServiceSpec => ({
  ...Spec,
  Labels: { ...Spec.Labels, app: FORGOTTEN },
  Mode: { Replicated: { Replicas: 0 } },
});
