import { effect, type Signal, signal } from '@preact/signals';
import type { Session, SessionState } from '@streamspace/protocol';

export const SORTS = ['newest', 'oldest', 'name', 'state', 'user'] as const;
export const LAYOUTS = ['cards', 'lines'] as const;
/** Groups of states for the filter of a long list. */
export const GROUPS = ['all', 'running', 'hibernated', 'failed', 'changing'] as const;

/** Filter, sort order and layout of the list of sessions. */
export interface ListView {
  readonly search: string;
  readonly state: (typeof GROUPS)[number];
  /** A user, or all users. */
  readonly owner: string | null;
  readonly sort: (typeof SORTS)[number];
  readonly layout: (typeof LAYOUTS)[number];
}

export const WHOLE: ListView = { search: '', state: 'all', owner: null, sort: 'newest', layout: 'cards' };

const groupOf = (state: SessionState): ListView['state'] =>
  state === 'running' || state === 'hibernated' || state === 'failed' ? state : 'changing';

/** Letters without case and accents: “zoe” finds “Zoë”. */
const plain = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase();

/** The sessions that a view shows, in its order. Every word of the search must be in the name, template, user, agent, region or id. */
export function arranged(sessions: readonly Session[], view: ListView): Session[] {
  const words = plain(view.search).split(/\s+/).filter(Boolean);
  const fits = (session: Session) => {
    if (view.state !== 'all' && groupOf(session.state) !== view.state) return false;
    if (view.owner !== null && session.user !== view.owner) return false;
    const { name, template, user, agent, region, id } = session;
    const text = plain([name, template, user, agent, region, id].join(' '));
    return words.every((word) => text.includes(word));
  };
  const newest = (a: Session, b: Session) => b.created_at.localeCompare(a.created_at) || a.id.localeCompare(b.id);
  const byName = (a: Session, b: Session) =>
    (a.name || a.template).localeCompare(b.name || b.template, undefined, { numeric: true });
  const orders: Record<ListView['sort'], (a: Session, b: Session) => number> = {
    newest,
    oldest: (a, b) => newest(b, a),
    name: byName,
    state: (a, b) => GROUPS.indexOf(groupOf(a.state)) - GROUPS.indexOf(groupOf(b.state)),
    user: (a, b) => a.user.localeCompare(b.user),
  };
  return sessions.filter(fits).toSorted((a, b) => orders[view.sort](a, b) || newest(a, b));
}

const KEY = 'streamspace.list';

/** The view of this browser; sort and layout are kept, the search is not. */
export function createListView(storage: Storage): Signal<ListView> {
  const view = signal<ListView>({ ...WHOLE, ...kept(storage.getItem(KEY)) });
  effect(() => {
    const { sort, layout } = view.value;
    storage.setItem(KEY, JSON.stringify({ sort, layout }));
  });
  return view;
}

function kept(text: string | null): Partial<ListView> {
  try {
    const { sort, layout } = JSON.parse(text ?? '{}') as Partial<ListView>;
    return {
      sort: SORTS.find((one) => one === sort) ?? WHOLE.sort,
      layout: LAYOUTS.find((one) => one === layout) ?? WHOLE.layout,
    };
  } catch {
    return {};
  }
}
