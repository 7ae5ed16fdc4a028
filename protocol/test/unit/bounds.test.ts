import { unbounded } from '@streamspace/testkit';
import { describe, expect, it } from 'vitest';
import * as protocol from '../../src/index.ts';

const { agentCodec, AgentMessages, HubMessages, StreamSpaceError } = protocol;
/** What crosses the wire and is looked at, never kept: the bound of a control message is theirs. */
const ANY = [/\.details\.\*$/, /\.data\.\*$/];

const schemas: [name: string, schema: object][] = [
  ...Object.entries(AgentMessages).map(([name, schema]) => [`agent: ${name}`, schema] as [string, object]),
  ...Object.entries(HubMessages).map(([name, schema]) => [`hub: ${name}`, schema] as [string, object]),
  ...(Object.entries(protocol) as [string, object][]).filter(([, each]) => typeof each === 'object' && '~kind' in each),
];

describe('S3 [WIRE7] every schema has bounds', () => {
  it('all of them are looked at', () => {
    expect(schemas.map(([name]) => name)).toEqual(
      expect.arrayContaining(['agent: heartbeat', 'hub: command', 'SessionSpec', 'CreateSession', 'Session', 'Event']),
    );
  });

  it.each(schemas)('%s', (_name, schema) => {
    expect(unbounded(schema, '$', ANY)).toEqual([]);
  });

  it.each([
    [{ type: 'string' }, '$: maxLength'],
    [{ type: 'number', minimum: 0 }, '$: maximum'],
    [{ type: 'array', maxItems: 3, items: { type: 'integer', minimum: 1, maximum: 2 }, x: 1 }, undefined],
    [{ type: 'array', items: { type: 'null' } }, '$: maxItems'],
    [{ type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false }, '$.a: maxLength'],
    [{ type: 'object', properties: {} }, '$: maxProperties'],
    [{ anyOf: [{ type: 'null' }, {}] }, '$: a type'],
  ])('the walk itself: %j', (schema, problem) => {
    expect(unbounded(schema)).toEqual(problem === undefined ? [] : [problem]);
  });
});

describe('S3 what an agent says is bounded', () => {
  const heartbeat = (since: string) => ({
    type: 'heartbeat',
    seq: 1,
    status: 'online',
    capacity: { cpu: 1, memory: 1, max_sessions: 1 },
    active_sessions: 0,
    replicas: [{ name: 'r', role: 'leader', since }],
  });
  const refusal = (message: object): unknown => {
    try {
      agentCodec.decode(JSON.stringify(message));
      return undefined;
    } catch (error) {
      return (error as InstanceType<typeof StreamSpaceError>).code;
    }
  };

  it('a time of 15,000 digits is malformed; one of nine is not', () => {
    expect(refusal(heartbeat(`2026-01-02T03:04:05.${'0'.repeat(15_000)}Z`))).toBe('malformed_frame');
    expect(refusal(heartbeat('2026-01-02T03:04:05.123456789Z'))).toBeUndefined();
  });

  it('[WIRE3] unknown fields pass, thousands of them do not', () => {
    const more = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, n]));
    expect(refusal({ ...heartbeat('2026-01-02T03:04:05Z'), ...more(8) })).toBeUndefined();
    expect(refusal({ ...heartbeat('2026-01-02T03:04:05Z'), ...more(8_000) })).toBe('malformed_frame');
  });

  it.each([
    ['storage', 1e300],
    ['cpu', 1e12],
    ['env', Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`V${n}`, '']))],
    ['env', { ['N'.repeat(300)]: '' }],
    ['env', { ['a\nb'.repeat(300)]: '' }],
  ])('a session whose %s is %j is malformed', (field, value) => {
    const spec = {
      id: 's1',
      user: 'u',
      template: 't',
      name: 'n',
      cpu: 1,
      memory: 1,
      storage: 1,
      image: '',
      env: {},
      created_at: '2026-01-02T03:04:05Z',
    };
    expect(refusal({ type: 'session_state', session: { spec, state: 'running' } })).toBeUndefined();
    const changed = { spec: { ...spec, [field]: value }, state: 'running' };
    expect(refusal({ type: 'session_state', session: changed })).toBe('malformed_frame');
  });
});
