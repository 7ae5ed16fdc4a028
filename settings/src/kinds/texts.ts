import type { Kind } from './kind.ts';

/** Any text that matches `pattern`. */
export function text(takes: string, pattern: string, ...examples: string[]): Kind<string> {
  const regex = new RegExp(pattern, 'u');
  return {
    takes,
    parse: (value) => (regex.test(value) ? value : undefined),
    print: (value) => value,
    written: { type: 'string', pattern },
    examples,
  };
}

export function oneOf<const T extends string>(...values: T[]): Kind<T, T> {
  return {
    takes: values.length === 1 ? values[0]! : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`,
    parse: (value) => values.find((each) => each === value),
    print: (value) => value,
    written: { type: 'string', enum: values },
    examples: values,
  };
}

/** A text of at most so many characters in one line. */
export const line = (most: number): Kind<string> =>
  text(
    `a name of at most ${most} characters`,
    `^[^\\x00-\\x1f\\x7f]{0,${most}}$`,
    '\u00fc'.repeat(most),
    '"quoted" {{ x }}',
  );

/** Printable characters without spaces. */
export const word = (takes: string): Kind<string> => ({
  ...text(takes, '^[!-~]{1,1000}$', 'x', 'https://idp.example.com/'),
  parse: (value) => (/^\S+$/.test(value) ? value : undefined),
});

/** Name of an agent, a namespace: a DNS label. */
export const id = (takes: string): Kind<string> =>
  text(takes, '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$', 'a', '0'.repeat(63));

/** Name of an object of Kubernetes. */
export const objectName = (takes: string): Kind<string> =>
  text(takes, '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?){0,2}$', 'a', 'a.b-c');

/** A path; opening it shows whether it exists. */
export const path = (takes = 'a path'): Kind<string> => text(takes, '^[^\\x00]+$', '/tmp');

/** At least so many bytes (UTF-8). */
export function secret(bytes: number): Kind<string> {
  return {
    ...text(
      `a secret of at least ${bytes} bytes, e.g. from \`openssl rand -base64 ${bytes}\``,
      `^[!-~]{${bytes},}$`,
      '{{"x}}\'y'.repeat(bytes).slice(0, bytes),
    ),
    secret: true,
    parse: (value) => (Buffer.byteLength(value) >= bytes ? value : undefined),
  };
}

/**
 * One secret of at least so many bytes; or two with a comma between, the present one and the former one, while it is rotated. A comma in
 * what is no two secrets is a part of the one.
 */
export function secrets(bytes: number): Kind<readonly string[]> {
  const one = secret(bytes);
  return {
    takes: `${one.takes}; or two, \`PRESENT,FORMER\`, while it is rotated`,
    secret: true,
    parse: (value) => {
      const both = value.split(',').map((each) => one.parse(each.trim()));
      if (both.length === 2 && both.every((each) => each !== undefined)) return Object.freeze(both);
      const whole = one.parse(value);
      return whole === undefined ? undefined : Object.freeze([whole]);
    },
    print: (value) => value.join(','),
    written: one.written,
    examples: one.examples,
  };
}
