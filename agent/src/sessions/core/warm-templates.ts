import { readFile } from 'node:fs/promises';
import type { Platform } from '@streamspace/protocol';
import { KEPT_READY } from '@streamspace/settings';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { checkEnvironment, hasHome, type ScreenDefaults } from './environment.ts';
import { SettingError } from './setting-error.ts';

const SETTING = 'SESSION_WARM_POOL';
/** Most of one template that may be kept ready. */
const MOST = 1000;

// further fields of a control plane's template do not concern the agent
const Template = Type.Object({
  id: Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' }),
  platforms: Type.Optional(Type.Array(Type.String())),
  image: Type.Optional(Type.String({ maxLength: 1024 })),
  cpu: Type.Optional(Type.Number({ minimum: 0 })),
  memory: Type.Optional(Type.Number({ minimum: 0 })),
  storage: Type.Optional(Type.Number({ minimum: 0 })),
  env: Type.Optional(Type.Record(Type.String(), Type.String())),
  warm: Type.Optional(Type.Integer({ minimum: 0, maximum: MOST })),
});
const check = Compile(Type.Array(Template));

/** A template of which pods or containers are kept ready. Memory and storage are bytes, cpu is cores; 0: the agent's default. */
export interface WarmTemplate extends Required<Omit<Static<typeof Template>, 'platforms'>> {
  /** The id, under the field name of a spec. */
  readonly template: string;
}

/**
 * The templates of a file (the control plane's `TEMPLATES_FILE`, or a part of it) to keep ready; none that names other platforms only. Throws
 * {@link SettingError}.
 */
export async function readWarmTemplates(
  path: string,
  config: ScreenDefaults,
  platform: Platform,
): Promise<WarmTemplate[]> {
  const refused = (problems: readonly string[], cause?: unknown) =>
    new SettingError(
      SETTING,
      problems.map((problem) => `${path}: ${problem}`),
      { cause },
    );
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw refused([`can’t be read as JSON: ${(error as Error).message}`], error);
  }
  if (!check.Check(parsed)) {
    throw refused(
      [...check.Errors(parsed)].map(({ instancePath, message }) => `${instancePath || 'the file'} ${message}`),
    );
  }
  const problems: string[] = [];
  const templates = parsed.flatMap(
    ({ id, platforms, image = '', cpu = 0, memory = 0, storage = 0, env = {}, warm = 0 }) => {
      if (warm === 0 || platforms?.includes(platform) === false) return [];
      try {
        checkEnvironment({ env }, config);
        if (hasHome({ env })) {
          problems.push(`${id}: warm: ${warm} ${KEPT_READY.remedy}`);
        }
      } catch (error) {
        problems.push(`${id}: ${(error as Error).message}`);
      }
      return [{ id, template: id, image, cpu, memory, storage, env, warm }];
    },
  );
  const twice = templates.find(({ id }, index) => templates.findIndex((each) => each.id === id) !== index);
  if (twice !== undefined) problems.push(`${twice.id}: is there twice; give each template one entry`);
  if (problems.length > 0) throw refused(problems);
  return templates;
}
