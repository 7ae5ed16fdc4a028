import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Agent, Command, Event } from '@streamspace/protocol';
import { NAMESPACE } from '../kind/install.ts';
import type { Component, Fact, Recorder } from './history.ts';
import type { Hub } from './hub.ts';
import type { Kube, KubeObject } from './kube.ts';
import { changeOf, leaseOf, podOf, recordOf } from './observed.ts';

const CORE = `/api/v1/namespaces/${NAMESPACE}`;
const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;

/** Log messages that belong to the history. */
const TOLD = new Set([
  'Registered agent',
  'Agent disconnected',
  'Agent refused',
  'Elected',
  'Lost the lead',
  'Term raised',
  'Leader observed',
  'Agent started',
  'Connected',
  'Connection lost',
  'Not connected',
  'Stopping',
  'Lock failed; going on',
]);

interface Container {
  pod: string;
  component: Component;
  id: string;
}

/**
 * Watches the cluster and the hub until the signal aborts, and records the observations in the current round: Lease, pods and
 * sessions from the API server, logs of hub and agents, and the hub's live events.
 */
export class Observer {
  readonly #kube: Kube;
  readonly #hub: Hub;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, Fact>();
  readonly #followed = new Set<string>();
  #recorder: Recorder | undefined;
  #logs = '';
  onCommand: (command: Command) => void = () => {};

  constructor(kube: Kube, hub: Hub, signal: AbortSignal) {
    this.#kube = kube;
    this.#hub = hub;
    this.#signal = signal;
  }

  start(): void {
    const watch = (of: string, path: string, query: string, seen: (type: string, object: KubeObject) => void) => {
      const broken = (why: string) => this.#note({ kind: 'watch', of, what: 'broken', why });
      void this.#kube.watch(path, query, seen, broken, this.#signal);
    };
    const keep = (type: string, uid: string, fact: Fact | undefined) => {
      if (fact === undefined) return;
      if (type === 'DELETED') this.#known.delete(uid);
      else this.#known.set(uid, fact);
      this.#note(fact);
    };
    watch('lease', LEASES, '', (type, object) => keep(type, object.metadata.uid, leaseOf(changeOf(type), object)));
    watch('services', `${CORE}/services`, 'labelSelector=app%3Dsession', (type, object) =>
      keep(type, object.metadata.uid, recordOf(changeOf(type), object)),
    );
    watch('pods', `${CORE}/pods`, '', (type, object) => {
      keep(type, object.metadata.uid, podOf(changeOf(type), object));
      for (const container of containersOf(object)) this.#follow(container);
    });
    void this.#hub.follow((event) => this.#event(event), this.#signal);
  }

  /** From now on observations go to that round, beginning with the existing objects. */
  async record(recorder: Recorder, folder: string): Promise<void> {
    this.#logs = join(folder, 'logs');
    await mkdir(this.#logs, { recursive: true });
    this.#recorder = recorder;
    for (const fact of this.#known.values()) recorder.note('change' in fact ? { ...fact, change: 'known' } : fact);
  }

  rest(): void {
    this.#recorder = undefined;
  }

  #note(fact: Fact): void {
    this.#recorder?.note(fact);
  }

  #event({ type, data, at }: Event): void {
    const recorder = this.#recorder;
    if (type === 'command.updated') this.onCommand(data as unknown as Command);
    if (recorder === undefined || !type.startsWith('agent.')) return;
    if (type === 'agent.registered') {
      const { term, leader, connection_id } = data as unknown as Agent & { connection_id: string };
      const about = { by: 'event', hub: '', replica: leader ?? '', term, connection: connection_id } as const;
      recorder.note({ kind: 'registered', ...about, at: recorder.at(at) });
    }
    if (type === 'agent.registered' || type === 'agent.updated') {
      const { connected, leader, term } = data as unknown as Agent;
      recorder.note({ kind: 'agent', connected, leader, term });
    } else {
      recorder.note({ kind: 'said', pod: 'hub', component: 'api', what: type, at: recorder.at(at), fields: data });
    }
  }

  #follow(container: Container): void {
    const key = `${container.pod} ${container.id}`;
    if (this.#followed.has(key)) return;
    this.#followed.add(key);
    void this.#read(container);
  }

  /** Reads the log of one run of a container to its end, from now on, or from its beginning if it began just now. */
  async #read({ pod, component, id }: Container): Promise<void> {
    const path = `${CORE}/pods/${pod}/log?follow=true&sinceSeconds=20`;
    for (let tries = 0; tries < 20 && !this.#signal.aborted; tries++) {
      try {
        for await (const line of this.#kube.lines(path, this.#signal)) this.#line(pod, component, id, line);
        return;
      } catch {
        // the container does not exist yet, or its node does not answer
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  #line(pod: string, component: Component, id: string, line: string): void {
    if (this.#logs !== '')
      void appendFile(join(this.#logs, `${pod}-${id.slice(0, 8)}.log`), `${line}\n`).catch(() => {});
    const recorder = this.#recorder;
    if (recorder === undefined || !line.startsWith('{')) return;
    let said: { msg?: string; time?: number } & Record<string, unknown>;
    try {
      said = JSON.parse(line) as typeof said;
    } catch {
      return;
    }
    const { msg = '', time = 0, level: _level, pid: _pid, hostname: _host, ...fields } = said;
    if (!TOLD.has(msg)) return;
    const at = recorder.at(time);
    recorder.note({ kind: 'said', pod, component, what: msg, at, fields });
    if (msg !== 'Registered agent') return;
    const { replica, term, connection } = fields as { replica: string; term: number; connection: string };
    recorder.note({ kind: 'registered', by: 'log', hub: pod, replica, term, connection, at });
  }
}

function containersOf(object: KubeObject): Container[] {
  const pod = podOf('known', object);
  if (pod === undefined || !['k8s-agent', 'api'].includes(pod.component)) return [];
  const { containerStatuses = [] } = object.status as {
    containerStatuses?: { containerID?: string; state?: { running?: object } }[];
  };
  return containerStatuses
    .filter(({ state }) => state?.running !== undefined)
    .map(({ containerID = '' }) => ({
      pod: pod.name,
      component: pod.component,
      id: containerID.replace(/^\w+:\/\//, ''),
    }));
}
