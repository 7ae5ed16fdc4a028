import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { StreamSpaceError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type AgentMessage, AgentMessages, type HubMessage, HubMessages } from '../messages.ts';

/** Messages of one direction as text frames. */
export interface Codec<M> {
  /** The message as one JSON text frame. Throws `invalid_request` for a message that does not match its schema. */
  encode(message: M): string;
  /** One text frame as a message. Throws `malformed_frame`, `unknown_message` or `message_too_large` [WIRE2]. */
  decode(frame: string): M;
}

function codec<M extends { type: string }>(schemas: Record<string, TSchema>): Codec<M> {
  const validators = new Map(Object.entries(schemas).map(([type, schema]) => [type, Compile(schema)]));

  const problem = (type: string, message: unknown): string | undefined => {
    const validator = validators.get(type)!;
    if (validator.Check(message)) return undefined;
    const first = validator.Errors(message)[0];
    return `${type}${first?.instancePath ?? ''}: ${first?.message ?? 'does not match'}`;
  };

  return {
    encode(message) {
      const wrong = validators.has(message.type) ? problem(message.type, message) : `${message.type}: no such message`;
      if (wrong !== undefined) throw new StreamSpaceError('invalid_request', wrong);
      return JSON.stringify(message);
    },
    decode(frame) {
      if (frame.length > LIMITS.controlMessage) {
        throw new StreamSpaceError(
          'message_too_large',
          `control message of ${frame.length} characters; at most ${LIMITS.controlMessage}`,
        );
      }
      let parsed: unknown;
      try {
        parsed = JSON.parse(frame);
      } catch {
        throw new StreamSpaceError('malformed_frame', 'a text frame holds exactly one JSON object');
      }
      if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
        throw new StreamSpaceError('malformed_frame', 'a text frame holds exactly one JSON object');
      }
      const type = (parsed as { type?: unknown }).type;
      if (typeof type !== 'string' || !validators.has(type)) {
        throw new StreamSpaceError(
          'unknown_message',
          `unknown message type ${JSON.stringify(String(type).slice(0, 64))}`,
        );
      }
      const wrong = problem(type, parsed);
      if (wrong !== undefined) throw new StreamSpaceError('malformed_frame', wrong);
      return parsed as M;
    },
  };
}

/** Messages from agents to the hub. */
export const agentCodec: Codec<AgentMessage> = codec<AgentMessage>(AgentMessages);
/** Messages from the hub to agents. */
export const hubCodec: Codec<HubMessage> = codec<HubMessage>(HubMessages);
