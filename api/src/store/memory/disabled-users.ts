import { DISABLED_USERS, type DisabledUser, type DisabledUserStore } from '../store.ts';

export function memoryDisabledUsers(): DisabledUserStore {
  const users = new Map<string, DisabledUser>();
  let version = 0;
  return {
    async put(disabled) {
      if (!users.has(disabled.user) && users.size >= DISABLED_USERS) return false;
      users.set(disabled.user, { ...disabled });
      version += 1;
      return true;
    },
    async remove(user) {
      if (users.delete(user)) version += 1;
    },
    version: async () => `${version}`,
    list: async () => ({ version: `${version}`, users: [...users.values()] }),
  };
}
