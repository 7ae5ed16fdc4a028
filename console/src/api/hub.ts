import type {
  Accepted,
  Agent,
  AuditEntry,
  CreateSession,
  DisabledUserView,
  Event,
  Me,
  Quota,
  Session,
  SignIn,
  SignInOffer,
  Template,
  Ticket,
} from '@streamspace/protocol';
import type { Http } from './http.ts';

/** Longest wait for a picture, in milliseconds: the hub waits for an agent. */
const PICTURE_MS = 25_000;

/** A list of the API: `{items: [...]}`. */
interface Items<T> {
  items: T[];
}

/** The answer to the end of sign-ins. */
interface Ended {
  provider_sign_out: string | null;
}

/** The REST API as the console uses it. Every call rejects with `RestError`. */
export interface HubApi {
  /** Where users can sign in. */
  signInOffers(): Promise<SignInOffer[]>;
  me(): Promise<Me>;
  /** Ends the sign-in of this browser. Page of the provider that ends it there, too; null: none. */
  signOut(): Promise<string | null>;
  /** The same for all sign-ins of the user. */
  signOutEverywhere(): Promise<string | null>;
  signIns(): Promise<SignIn[]>;
  endSignIn(id: string): Promise<void>;
  disabledUsers(): Promise<DisabledUserView[]>;
  disableUser(user: string): Promise<void>;
  enableUser(user: string): Promise<void>;
  /** A page of the audit log. */
  audit(query: URLSearchParams): Promise<{ items: AuditEntry[]; next: number | null }>;
  /** The same as a file for spreadsheets. */
  auditFile(query: URLSearchParams): Promise<Blob>;
  agents(): Promise<Agent[]>;
  /** Stops (or resumes) new sessions on an agent; its running sessions go on. */
  setDraining(id: string, draining: boolean): Promise<Agent>;
  timeline(id: string): Promise<Event[]>;
  templates(): Promise<Template[]>;
  /** The user's own limits and use. */
  quota(): Promise<Quota>;
  /** The user's own, or (admins only) all users'. */
  sessions(all: boolean): Promise<Session[]>;
  session(id: string): Promise<Session>;
  rename(id: string, name: string): Promise<Session>;
  create(wish: CreateSession): Promise<Accepted>;
  remove(id: string, deleteHome: boolean): Promise<Accepted>;
  hibernate(id: string): Promise<Accepted>;
  wake(id: string): Promise<Accepted>;
  stayAwake(id: string): Promise<Session>;
  /** Its last picture as a data URL, with its time (milliseconds since 1970). */
  picture(id: string): Promise<{ url: string; at: number }>;
  ticket(id: string, signal?: AbortSignal): Promise<Ticket>;
  /** Asks for the hub's knowledge of a ticket whose WebSocket did not open: always rejects, with the answer. */
  whyNoSocket(id: string, ticket: string, signal: AbortSignal): Promise<never>;
}

export function createHub(http: Http): HubApi {
  const list = async <T>(path: string): Promise<T[]> => {
    const answer = await http.request<Items<T> | T[]>('GET', path);
    return Array.isArray(answer) ? answer : answer.items;
  };
  const at = (kind: string, id: string, rest = '') => `/${kind}/${encodeURIComponent(id)}${rest}`;
  return {
    signInOffers: () => list('/sign-in/providers'),
    me: () => http.request('GET', '/me'),
    signOut: async () => (await http.request<Ended>('DELETE', '/sign-ins/current')).provider_sign_out,
    signOutEverywhere: async () => (await http.request<Ended>('DELETE', '/sign-ins')).provider_sign_out,
    signIns: () => list('/sign-ins'),
    endSignIn: (id) => http.request('DELETE', at('sign-ins', id)),
    disabledUsers: () => list('/users/disabled'),
    disableUser: (user) => http.request('POST', '/users/disable', { user }),
    enableUser: (user) => http.request('POST', '/users/enable', { user }),
    audit: (query) => http.request('GET', `/audit?${query}`),
    async auditFile(query) {
      return (await http.open(`/audit?format=csv&${query}`, {}, AbortSignal.timeout(PICTURE_MS))).blob();
    },
    agents: () => list('/agents'),
    setDraining: (id, draining) => http.request('PATCH', at('agents', id), { status: draining ? 'offline' : 'online' }),
    timeline: (id) => list(at('agents', id, '/timeline')),
    templates: () => list('/templates'),
    quota: () => http.request('GET', '/quota'),
    sessions: (all) => list(all ? '/sessions?all=true' : '/sessions'),
    session: (id) => http.request('GET', at('sessions', id)),
    rename: (id, name) => http.request('PATCH', at('sessions', id), { name }),
    create: (wish) => http.request('POST', '/sessions', wish),
    remove: (id, deleteHome) => http.request('DELETE', at('sessions', id, deleteHome ? '?delete_home=true' : '')),
    hibernate: (id) => http.request('POST', at('sessions', id, '/hibernate'), {}),
    wake: (id) => http.request('POST', at('sessions', id, '/wake'), {}),
    stayAwake: (id) => http.request('POST', at('sessions', id, '/stay-awake'), {}),
    async picture(id) {
      const answer = await http.open(at('sessions', id, '/picture'), {}, AbortSignal.timeout(PICTURE_MS));
      const taken = Date.parse(answer.headers.get('last-modified') ?? '');
      return { url: await dataUrl(await answer.blob()), at: Number.isNaN(taken) ? 0 : taken };
    },
    whyNoSocket: (id, ticket, signal) =>
      http.request('GET', at('sessions', id, `/vnc?ticket=${encodeURIComponent(ticket)}`), undefined, signal),
    ticket: (id, signal) => http.request('POST', at('sessions', id, '/ticket'), {}, signal),
  };
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error ?? new Error('The picture could not be read'));
    reader.readAsDataURL(blob);
  });
}
