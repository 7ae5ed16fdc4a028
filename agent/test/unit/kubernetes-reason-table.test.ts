import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import { expect, it } from 'vitest';
import { type Diagnosis, reasonFor } from '../../src/sessions/kubernetes/state/reason.ts';

interface Case {
  /** As the API server gives it, as far as it matters. */
  readonly pod: V1Pod;
  readonly state: Diagnosis['state'];
  /** Parts of the reason. */
  readonly words: readonly string[];
  /** No parts of it. */
  readonly never?: readonly string[];
  readonly final?: boolean;
  readonly code?: Diagnosis['code'];
}

const folder = join(import.meta.dirname, 'kubernetes-reasons');
const files = readdirSync(folder).toSorted();

it.each(files)('K6 [ERR2] reason of %s', (file) => {
  const { pod, state, words, never = [], final, code } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Case;
  const diagnosis = reasonFor(pod);
  expect(diagnosis.state).toBe(state);
  for (const word of words) expect(diagnosis.reason).toContain(word);
  for (const word of never) expect(diagnosis.reason).not.toContain(word);
  expect(diagnosis.code).toBe(code);
  if (final !== undefined) expect(diagnosis.final).toBe(final);
});
