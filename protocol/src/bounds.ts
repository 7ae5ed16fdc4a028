import Type, { type TSchema } from 'typebox';
import { LIMITS } from './limits.ts';

/** Building blocks of every schema: each is bounded, so that memory, storage and answers are bounded [WIRE7]. */

/** Milliseconds, at most a day. */
export const Milliseconds = (minimum = 0) => Type.Integer({ minimum, maximum: 86_400_000 });
/** Counts: sessions, attempts. */
export const Count = (minimum = 0) => Type.Integer({ minimum, maximum: 1_000_000_000 });
/** Cores of a processor. */
export const Cores = Type.Number({ minimum: 0, maximum: 1_000_000 });
/** Bytes of memory or storage. */
export const Bytes = Type.Number({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** Text for people, or a name, of at most so many characters. */
export const Text = (maxLength: number, minLength = 0) => Type.String({ minLength, maxLength });

/** An object of any names: at most `most` of them, with at most `nameLength` characters each. */
export const Entries = <T extends TSchema>(value: T, most: number, nameLength: number) =>
  Type.Record(Type.String({ pattern: `^[\\s\\S]{0,${nameLength}}$` }), value, {
    maxProperties: most,
    additionalProperties: false,
  });

/** Unknown fields of an object on the wire [WIRE3]. */
export const OPEN = { maxProperties: LIMITS.fields } as const;
