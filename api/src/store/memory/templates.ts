import type { Template } from '@streamspace/protocol';
import type { TemplateStore } from '../store.ts';

export function memoryTemplates(): TemplateStore {
  const templates = new Map<string, Template>();
  return {
    async list() {
      return [...templates.values()];
    },
    async get(id) {
      return templates.get(id);
    },
    async put(template) {
      templates.set(template.id, { ...template });
    },
  };
}
