import { AGENT, HUB, type Setting, type Table } from '@streamspace/settings';

/** A variable of the person who installs, with its default: `${NAME:-default}`. Nested ones are resolved for the check of the default. */
const VARIABLE = /\$\{([A-Z_]+):?-((?:[^${}]|\$\{[^{}]*\})*)\}/;

/** The text with every variable at its default. */
export function atDefaults(text: string): string {
  for (let now = text; ;) {
    const next = now.replace(VARIABLE, '$2');
    if (next === now) return now;
    now = next;
  }
}

type Fields<T extends Table> = Partial<Record<keyof T & string, string>>;

/** Environment variables by the fields of a program's table. Throws for a default that the setting would refuse. */
function environmentOf<T extends Table>(table: T, given: Fields<T>): Record<string, string> {
  const entries = Object.entries(given as Record<string, string>).map(([field, text]) => {
    const { name, kind } = table[field] as Setting<unknown>;
    const value = atDefaults(text);
    if (value !== '' && kind.parse(value) === undefined) throw new Error(`${name}: takes ${kind.takes}, not ${value}`);
    return [name, text] as const;
  });
  return Object.fromEntries(entries);
}

export const hubEnvironment = (given: Fields<typeof HUB>) => environmentOf(HUB, given);
export const agentEnvironment = (given: Fields<typeof AGENT>) => environmentOf(AGENT, given);
