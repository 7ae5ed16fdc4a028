import type { SessionSpec } from '@streamspace/protocol';

/** A spec of a small desktop for a user of its own, unless `changes` say otherwise. */
export function desktopSpec(id: string, changes: Partial<SessionSpec> = {}): SessionSpec {
  return {
    id,
    user: id,
    template: 'desktop',
    name: '',
    cpu: 0.5,
    memory: 5e8,
    storage: 1e9,
    image: '',
    env: {},
    created_at: '2026-01-31T12:00:00.000Z',
    ...changes,
  };
}
