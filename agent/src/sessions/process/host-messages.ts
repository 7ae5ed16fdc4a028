import { Id } from '@streamspace/protocol';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';

/** The order for a session host: one JSON argument. It contains nothing secret (arguments are public); the spec is in the record. */
export const HostOrder = Type.Object({
  id: Id,
  instance: Type.Integer({ minimum: 1 }),
  state_dir: Type.String({ minLength: 1 }),
  tmp_dir: Type.String({ minLength: 1 }),
  desktop: Type.Enum(['auto', 'builtin', 'xvnc']),
  /** Absent: the desktop runs like any other program of the agent's user. */
  sandbox: Type.Optional(
    Type.Object({
      /** Path of bubblewrap. */
      bwrap: Type.String({ minLength: 1 }),
      /** Files and folders that are hidden from sessions. */
      secret: Type.Array(Type.String({ minLength: 1 })),
    }),
  ),
});
export type HostOrder = Static<typeof HostOrder>;

/** A session host's report of itself: on its control socket on connection and at every change, and in its status file. */
export const HostState = Type.Object({
  /** Absent if no host was made for the start. */
  pid: Type.Optional(Type.Integer({ minimum: 1 })),
  instance: Type.Integer({ minimum: 1 }),
  state: Type.Enum(['starting', 'running', 'stopping', 'ended', 'failed']),
  reason: Type.String({ maxLength: 4096 }),
});
export type HostState = Static<typeof HostState>;

const order = Compile(HostOrder);
const state = Compile(HostState);

export function parseOrder(text: string): HostOrder {
  const value: unknown = JSON.parse(text);
  if (order.Check(value)) return value;
  throw new Error(`not a session host's order: ${order.Errors(value)[0]?.message ?? text}`);
}

export function parseState(text: string): HostState | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return state.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The only request to a session host. */
export const STOP = '{"type":"stop"}\n';

/** Longest line on the control socket, bytes. */
export const CONTROL_LINE = 16 * 1024;

/** Name of the status file of a start, in the session's folder. */
export const statusFile = (instance: number) => `host.${instance}.json`;
