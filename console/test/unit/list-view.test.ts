import type { Session, SessionState } from '@streamspace/protocol';
import { describe, expect, it } from 'vitest';
import { arranged, createListView, WHOLE } from '../../src/state/list-view.ts';

const session = (name: string, state: SessionState = 'running', more: Partial<Session> = {}): Session => ({
  id: `s-${name.toLowerCase()}`,
  name,
  user: 'ann',
  template: 'desktop',
  agent: 'desk',
  platform: 'process',
  region: '',
  state,
  reason: null,
  cpu: 1,
  memory: 1e9,
  storage: 1e9,
  created_at: '2030-01-01T00:00:00Z',
  updated_at: '2030-01-01T00:00:00Z',
  command: null,
  ...more,
});
const names = (sessions: readonly Session[]) => sessions.map(({ name }) => name);

describe('V9 a list of sessions', () => {
  const some = [
    session('Report 10', 'running', { created_at: '2030-01-03T00:00:00Z' }),
    session('Report 9', 'hibernated', { created_at: '2030-01-02T00:00:00Z', user: 'Zoë' }),
    session('Mail', 'failed', { agent: 'k8s-eu-1' }),
    session('New', 'starting', { created_at: '2030-01-04T00:00:00Z' }),
  ];

  it('is searched in all that it shows, whatever the case and the accents', () => {
    const found = (search: string) => names(arranged(some, { ...WHOLE, search }));
    expect(found('REPORT')).toEqual(['Report 10', 'Report 9']);
    expect(found('zoe report')).toEqual(['Report 9']);
    expect(found(' k8s ')).toEqual(['Mail']);
    expect(found('.*')).toEqual([]);
    expect(found('')).toHaveLength(4);
  });

  it('is filtered by state and by owner', () => {
    expect(names(arranged(some, { ...WHOLE, state: 'changing' }))).toEqual(['New']);
    expect(names(arranged(some, { ...WHOLE, owner: 'Zoë' }))).toEqual(['Report 9']);
  });

  it('is sorted, numbers as numbers, and always in one order', () => {
    expect(names(arranged(some, { ...WHOLE, sort: 'name' }))).toEqual(['Mail', 'New', 'Report 9', 'Report 10']);
    expect(names(arranged(some, { ...WHOLE, sort: 'state' }))).toEqual(['Report 10', 'Report 9', 'Mail', 'New']);
    const many = Array.from({ length: 300 }, (_, n) => session(`S${n}`));
    expect(arranged(many.toReversed(), WHOLE)).toEqual(arranged(many, WHOLE));
  });

  it('keeps order and layout in this browser, and takes nothing unknown from there', () => {
    const storage = { getItem: () => '{"sort":"name","layout":"spiral"}', setItem: () => {} } as unknown as Storage;
    expect(createListView(storage).value).toEqual({ ...WHOLE, sort: 'name' });
  });
});
