import { SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import { Compile } from 'typebox/compile';

const check = Compile(SessionSpec);
/**
 * Text fields that become names, files and annotations: there, a lone surrogate would become U+FFFD, so different texts would become the same.
 */
const TEXTS = ['user', 'name', 'image'] as const;

/** Throws `invalid_request`, naming the field, for a spec that no platform can run. */
export function checkSpec(spec: SessionSpec): void {
  if (!check.Check(spec)) {
    const [error] = check.Errors(spec);
    throw new StreamSpaceError(
      'invalid_request',
      `spec${error?.instancePath ?? ''}: ${error?.message ?? 'not a session spec'}`,
    );
  }
  for (const field of TEXTS) {
    if (spec[field].isWellFormed()) continue;
    throw new StreamSpaceError(
      'invalid_request',
      `spec/${field}: has half of a surrogate pair, which is no character: send well-formed Unicode`,
    );
  }
}
