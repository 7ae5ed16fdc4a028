import { NAMESPACE } from '../../kind/install.ts';
import type { Component } from '../history.ts';
import type { Eyes, Sink } from '../observer.ts';
import type { Kube, KubeObject } from './kube.ts';
import { changeOf, leaseOf, podOf, recordOf } from './observed.ts';

const CORE = `/api/v1/namespaces/${NAMESPACE}`;
const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;

interface Container {
  pod: string;
  component: Component;
  id: string;
}

/** Lease, pods and sessions from the API server, and the logs of hub and agents. */
export class KubeEyes implements Eyes {
  readonly #kube: Kube;
  readonly #followed = new Set<string>();

  constructor(kube: Kube) {
    this.#kube = kube;
  }

  look(sink: Sink, signal: AbortSignal): void {
    const watch = (of: string, path: string, query: string, seen: (type: string, object: KubeObject) => void) => {
      const broken = (why: string) => sink.note({ kind: 'watch', of, what: 'broken', why });
      void this.#kube.watch(path, query, seen, broken, signal);
    };
    const gone = (type: string) => type === 'DELETED';
    watch('lease', LEASES, '', (type, object) =>
      sink.keep(object.metadata.uid, leaseOf(changeOf(type), object), gone(type)),
    );
    watch('services', `${CORE}/services`, 'labelSelector=app%3Dsession', (type, object) =>
      sink.keep(object.metadata.uid, recordOf(changeOf(type), object), gone(type)),
    );
    watch('pods', `${CORE}/pods`, '', (type, object) => {
      sink.keep(object.metadata.uid, podOf(changeOf(type), object), gone(type));
      for (const container of containersOf(object)) this.#follow(container, sink, signal);
    });
  }

  #follow(container: Container, sink: Sink, signal: AbortSignal): void {
    const key = `${container.pod} ${container.id}`;
    if (this.#followed.has(key)) return;
    this.#followed.add(key);
    void this.#read(container, sink, signal);
  }

  /** Reads the log of one run of a container to its end, from now on, or from its beginning if it began just now. */
  async #read({ pod, component, id }: Container, sink: Sink, signal: AbortSignal): Promise<void> {
    const path = `${CORE}/pods/${pod}/log?follow=true&sinceSeconds=20`;
    for (let tries = 0; tries < 20 && !signal.aborted; tries++) {
      try {
        for await (const line of this.#kube.lines(path, signal)) sink.line(pod, component, id, line);
        return;
      } catch {
        // the container does not exist yet, or its node does not answer
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
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
