import { StreamSpaceError } from '@streamspace/protocol';
import type { Viewer } from './viewer.ts';

/** Identity of a viewer across its connections [VIEW5]. */
export interface ViewerName {
  readonly session: string;
  readonly user: string;
  readonly viewer: string;
}

const VIEWER = /^[\w-]{1,64}$/;

/** The name in an upgrade's query; undefined without one. Throws `invalid_request`. */
export function viewerOf(query: URLSearchParams): string | undefined {
  const viewer = query.get('viewer');
  if (viewer === null) return undefined;
  if (!VIEWER.test(viewer))
    throw new StreamSpaceError('invalid_request', 'viewer: takes 1 to 64 letters, digits, dashes and underscores');
  return viewer;
}

/** The newest connection of each named viewer, at the replica that holds its agent: a new one ends the former. */
export class Successions {
  readonly #newest = new Map<string, Viewer>();

  take(name: ViewerName, viewer: Viewer): void {
    const key = keyOf(name);
    const former = this.#newest.get(key);
    this.#newest.set(key, viewer);
    former?.close(new StreamSpaceError('superseded', 'this viewer has connected again'));
  }

  /** The viewer has left; no effect if another followed it. */
  leave(name: ViewerName, viewer: Viewer): void {
    const key = keyOf(name);
    if (this.#newest.get(key) === viewer) this.#newest.delete(key);
  }
}

const keyOf = ({ session, user, viewer }: ViewerName): string => JSON.stringify([session, user, viewer]);
