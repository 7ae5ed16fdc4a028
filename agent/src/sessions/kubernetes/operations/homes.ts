import type { V1PersistentVolumeClaim, V1Pod } from '@kubernetes/client-node';
import { type SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import { type Clock, sleep } from 'clock-port';
import { ApiError, isStatus, type KubeClient } from 'kube-client';
import { claimFor, type HomeConfig, isHomeOf } from '../objects/claim.ts';
import { hasHome } from '../../core/environment.ts';
import { ANNOTATIONS } from '../objects/names.ts';
import { homeName, oldHomeName } from '../../core/names.ts';
import { refusalOf } from '../state/refusal.ts';
import type { View } from '../state/view.ts';

const LOOK_AGAIN_MS = 500;
const LET_GO_MS = 10_000;

/** Reason of a running session whose previous home was missing, whatever the cause. */
export const HOME_ANEW = 'Its home was missing and has been made again: it is empty';

/** A session's home, once it exists. */
export interface Home {
  /** Name of its claim; undefined: the session has no home. */
  readonly name?: string;
  /** Whether the home existed, was made, or was made in place of a lost one. */
  readonly was: 'there' | 'made' | 'made anew';
}

export interface HomesParts {
  readonly client: KubeClient;
  readonly config: HomeConfig;
  readonly clock: Clock;
  readonly view: View;
}

/** The users' homes: one claim per user and template. */
export class Homes {
  readonly #parts: HomesParts;

  constructor(parts: HomesParts) {
    this.#parts = parts;
  }

  /** The user's home for the template, under any of its possible names; undefined when there is none, or only one of another owner. */
  async read(spec: SessionSpec, signal: AbortSignal): Promise<V1PersistentVolumeClaim | undefined> {
    return (await this.#readAll(spec, signal))[0];
  }

  /**
   * Makes the home if the session needs one and it does not exist. Waits for the end of a home that is being deleted, reports that to `tell`,
   * and makes a new one. Throws `home_of_another` for a claim of that name with another owner.
   */
  async ensure(spec: SessionSpec, tell: (reason: string) => void, signal: AbortSignal): Promise<Home> {
    if (!hasHome(spec)) return { was: 'there' };
    const { client, config, clock, view } = this.#parts;
    for (let waited = false; ; waited = true) {
      const home = await this.read(spec, signal);
      if (home === undefined) {
        const made = claimFor(spec, config);
        try {
          await client.create('persistentvolumeclaims', made, signal);
          return { name: made.metadata!.name!, was: waited ? 'made anew' : 'made' };
        } catch (error) {
          if (!isStatus(error, 409, 'AlreadyExists'))
            throw error instanceof ApiError ? refusalOf(error, 'home') : error;
        }
        // another writer was faster, or the claim existed and belongs to another owner
        await this.#refuseAnothers(spec, signal);
        continue;
      }
      if (home.metadata?.deletionTimestamp === undefined) return { name: home.metadata!.name!, was: 'there' };
      tell(leavingReason(home, view.pods.all()));
      await sleep(clock, LOOK_AGAIN_MS, signal);
    }
  }

  /** Another session that uses the home and is not being deleted; undefined: this session is the last one. */
  housemateOf(spec: SessionSpec): string | undefined {
    const other = this.#parts.view.records().find(
      (record) =>
        record.id !== spec.id &&
        record.phase !== 'deleting' &&
        hasHome(record.spec) &&
        record.spec.user === spec.user &&
        // of a session with a lost spec only the user is known, if at all
        (record.specLost === true || record.spec.template === spec.template),
    );
    return other?.id;
  }

  /** Removes the home, and waits briefly for its end: the cluster keeps it while a pod uses it. */
  async remove(spec: SessionSpec, signal: AbortSignal): Promise<void> {
    if (!hasHome(spec)) return;
    const { client, clock } = this.#parts;
    const homes = await this.#readAll(spec, signal);
    for (const { metadata } of homes) await client.remove('persistentvolumeclaims', metadata!.name!, {}, signal);
    for (let waited = 0, pause = 25; homes.length > 0 && waited < LET_GO_MS; waited += pause, pause *= 2) {
      const left = await this.#readAll(spec, signal);
      if (!left.some((claim) => homes.some(({ metadata }) => metadata?.uid === claim.metadata?.uid))) return;
      await sleep(clock, pause, signal);
    }
  }

  /** Two homes if an earlier version made one after this version had made another. */
  async #readAll(spec: SessionSpec, signal: AbortSignal): Promise<V1PersistentVolumeClaim[]> {
    const names = [oldHomeName(spec), homeName(spec)];
    const found = await Promise.all(names.map((name) => this.#readClaim(name, signal)));
    return found.filter((claim) => claim !== undefined && isHomeOf(claim, spec)) as V1PersistentVolumeClaim[];
  }

  async #readClaim(name: string, signal: AbortSignal): Promise<V1PersistentVolumeClaim | undefined> {
    try {
      return await this.#parts.client.get<V1PersistentVolumeClaim>('persistentvolumeclaims', name, signal);
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  async #refuseAnothers(spec: SessionSpec, signal: AbortSignal): Promise<void> {
    const name = homeName(spec);
    const claim = await this.#readClaim(name, signal);
    if (claim === undefined || isHomeOf(claim, spec)) return;
    throw new StreamSpaceError(
      'home_of_another',
      `PersistentVolumeClaim ${name} is not marked as the home of this user in this template, and is left alone: an operator may rename or remove it, ` +
        `or mark it (annotations ${ANNOTATIONS.user} and ${ANNOTATIONS.template})`,
    );
  }
}

function leavingReason({ metadata }: V1PersistentVolumeClaim, pods: readonly V1Pod[]): string {
  const name = metadata?.name ?? '';
  const users = pods
    .filter(({ spec }) => spec?.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === name) === true)
    .map((pod) => pod.metadata?.name ?? '');
  const until =
    users.length > 0
      ? `pod ${users.slice(0, 3).join(', ')} still uses it: delete or hibernate that session`
      : `it has the finalizers ${metadata?.finalizers?.join(', ') || 'that are not known'}`;
  return `Its home ${name} is being deleted, and a new one can be made only then; ${until}`;
}
