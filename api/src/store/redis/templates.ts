import type { Template } from '@streamspace/protocol';
import type { TemplateStore } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { KEYS } from './keys.ts';

/** Templates of all hub replicas. Those that this replica stored are still offered after the store was emptied. */
export function redisTemplates(connection: RedisConnection): TemplateStore {
  const own = new Map<string, Template>();
  return {
    async list() {
      const texts = await connection.do((client) => client.hvals(KEYS.templates));
      const all = new Map(own);
      for (const template of texts.map((text) => JSON.parse(text) as Template)) all.set(template.id, template);
      return [...all.values()];
    },
    async get(id) {
      const text = await connection.do((client) => client.hget(KEYS.templates, id));
      return text === null ? own.get(id) : (JSON.parse(text) as Template);
    },
    async put(template) {
      await connection.do((client) => client.hset(KEYS.templates, template.id, JSON.stringify(template)));
      own.set(template.id, { ...template });
    },
  };
}
