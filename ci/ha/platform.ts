import type { Component, PodEntry } from './history.ts';

/** A program of the installation from outside: a pod on Kubernetes, a container on Docker. */
export type Pod = PodEntry & { ip: string; hostIp: string; containers: { name: string; id: string }[] };

/** An agent's answer at `/leader`. */
export interface LeaderView {
  is_leader: boolean;
  leader: string;
  term: number;
}

/** What a replica of the agent can be cut from: the store of its lock, the hub, both; or it can send and hears nothing. */
export type Cut = 'lock' | 'hub' | 'both' | 'deaf';

/** An installation and all operations on it from outside: what scenarios, rounds and their observer need of a platform. */
export interface Platform {
  /** Number of running programs in a healthy installation. */
  readonly expected: Readonly<Record<Exclude<Component, 'session'>, number>>;
  pods(component: Component): Promise<Pod[]>;
  /** The replica that holds the lock; rejects when there is none now. */
  leader(): Promise<Pod>;
  /** The answer of a program's HTTP port, whatever is cut. */
  ask<T>(pod: Pod, port: number, path: string): Promise<T>;
  /** CPU that the program's process has used so far, and its memory in bytes. */
  use(pod: Pod): Promise<{ cpuSeconds: number; memory: number }>;
  /** The last lines of its log. */
  log(pod: Pod): Promise<string>;
  /** Asks the program to end, as a drain does; another takes its place. `seconds`: until it is killed. */
  stop(pod: Pod, seconds?: number): Promise<void>;
  /** Kills the program without warning; the platform starts it again. */
  kill(pod: Pod): Promise<void>;
  freeze(pod: Pod): Promise<void>;
  /** The program may have been replaced meanwhile. */
  thaw(pod: Pod): Promise<void>;
  /** Deletes the lease; false when there was none. */
  deleteLock(): Promise<boolean>;
  cut(pod: Pod, from: Cut): Promise<void>;
  heal(pod: Pod): Promise<void>;
  /** Material for a later analysis of a failed round. */
  leaveTraces(folder: string): Promise<void>;
}
