import { SessionSpec, StreamSpaceError } from '@streamspace/protocol';
import { Compile } from 'typebox/compile';

const check = Compile(SessionSpec);
/** Text that becomes names, files and annotations: half of a surrogate pair would become U+FFFD there, as any other half does. */
const TEXTS = ['user', 'name', 'image'] as const;

/** Throws `invalid_request`, naming the field, for what no session can be made of. */
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
