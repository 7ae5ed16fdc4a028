import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SettingError } from '../../src/sessions/core/setting-error.ts';
import { readWarmTemplates } from '../../src/sessions/core/warm-templates.ts';

describe('SESSION_WARM_POOL', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warm-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const read = async (content: unknown) => {
    const path = join(folder, 'templates.json');
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return readWarmTemplates(path, { vncPort: 5900 }, 'kubernetes');
  };
  const refusal = async (content: unknown): Promise<string> => {
    const error = await read(content).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(SettingError);
    expect(error).toMatchObject({ setting: 'SESSION_WARM_POOL' });
    return (error as Error).message;
  };
  const none = { STREAMSPACE_HOME: 'none' };

  it('takes the control plane’s file, and of it the templates that are to be warm', async () => {
    const full = {
      id: 'browser',
      name: 'Browser',
      description: 'Chromium',
      platforms: ['kubernetes'],
      image: 'browser:1',
      cpu: 1,
      memory: 1024,
      storage: 0,
      env: none,
      warm: 2,
    };
    const { warm: _, ...cold } = { ...full, id: 'desktop', env: {} };
    expect(await read([full, cold, { ...cold, id: 'terminal', warm: 0 }])).toEqual([
      {
        id: 'browser',
        template: 'browser',
        image: 'browser:1',
        cpu: 1,
        memory: 1024,
        storage: 0,
        env: none,
        warm: 2,
      },
    ]);
    expect(await read([{ id: 'least', env: none, warm: 1 }])).toMatchObject([{ image: '', cpu: 0, env: none }]);
  });

  it('refuses what can’t work, all of it at once, and says why', async () => {
    const message = await refusal([
      { id: 'desktop', warm: 2 },
      { id: 'kept', env: { STREAMSPACE_HOME: 'kept' }, warm: 1 },
      { id: 'odd', env: { STREAMSPACE_HOME: 'never' }, warm: 1 },
      { id: 'port', env: { ...none, VNC_PORT: 'x' }, warm: 1 },
      { id: 'port', env: none, warm: 1 },
    ]);
    expect(message).toContain('desktop: warm: 2 needs STREAMSPACE_HOME=none');
    expect(message).toContain('kept: warm: 1 needs STREAMSPACE_HOME=none');
    expect(message).toContain('odd: env STREAMSPACE_HOME: takes kept');
    expect(message).toContain('port: env VNC_PORT');
    expect(message).toContain('port: is there twice');
  });

  it.each([
    ['{', 'can’t be read as JSON'],
    ['{}', 'templates.json: the file must be array'],
    [[{ id: 'a', warm: -1 }], '/0/warm must be >= 0'],
    [[{ id: 'A', warm: 1 }], '/0/id must match pattern'],
    [[{ warm: 1 }], 'must have required properties id'],
  ])('names the place of a mistake: %j', async (content, words) => {
    expect(await refusal(content)).toContain(words);
  });
});
