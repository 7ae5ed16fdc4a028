import { readFile } from 'node:fs/promises';
import { type Platform, Template } from '@streamspace/protocol';
import Type from 'typebox';
import { Compile } from 'typebox/compile';

const GIB = 1024 ** 3;
const IMAGE = 'streamspace/desktop:latest';

/** The built-in templates. On the `process` platform the machine's own programs are used, not the image. */
export const DEFAULT_TEMPLATES: readonly Template[] = [
  {
    id: 'desktop',
    name: 'Desktop',
    description: 'A desktop with a window manager and a terminal',
    platforms: ['process', 'kubernetes', 'docker'],
    image: IMAGE,
    cpu: 1,
    memory: 1 * GIB,
    storage: 10 * GIB,
    env: {},
  },
  {
    id: 'terminal',
    name: 'Terminal',
    description: 'One terminal, full screen: starts fast, needs little',
    platforms: ['process', 'kubernetes', 'docker'],
    image: IMAGE,
    cpu: 0.25,
    memory: GIB / 4,
    storage: 5 * GIB,
    // for the image (images/desktop)
    env: { STREAMSPACE_START: 'terminal' },
  },
];

const Templates = Compile(Type.Array(Template));

/** The templates of a JSON file. Throws with the file's name and every problem in it. */
export async function readTemplates(path: string): Promise<Template[]> {
  const refuse = (problem: string, cause?: unknown) => new Error(`TEMPLATES_FILE ${path}: ${problem}`, { cause });
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw refuse(`can't be read as JSON (${(error as Error).message})`, error);
  }
  if (!Templates.Check(parsed)) {
    const problems = Templates.Errors(parsed).map(
      ({ instancePath, message }) => `${instancePath || 'the file'} ${message}`,
    );
    throw refuse(problems.join('; '));
  }
  return parsed;
}

/** The image for the agent: empty on `process`, which ignores images, unless the template is for that platform alone. */
export function imageFor(template: Template, platform: Platform): string {
  return platform === 'process' && template.platforms.length > 1 ? '' : template.image;
}
