import { AGENT } from './agent.ts';
import { HUB } from './hub.ts';
import { meantFor } from './meant-for.ts';
import type { Setting, Settings, Table } from './setting.ts';

export interface ConfigProblem {
  /** Of the variable. */
  readonly name: string;
  readonly message: string;
}

/** All problems of the environment at once. `message` has a line for each. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    super(
      `The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.map((problem) => `  ${problem.message}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** By convention these are also read in lower case. */
const LOWER = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'];
/** A variable of one program is no misspelling of the other program's: both may share one environment. */
const KNOWN = [AGENT, HUB].flatMap((table) => Object.values<Setting<unknown>>(table).map(({ name }) => name));

/** What was read, and what is wrong. A field whose text was refused is undefined, and its variable among `malformed`. */
export interface Reading<T> {
  readonly values: Settings<T>;
  readonly problems: ConfigProblem[];
  readonly malformed: ReadonlySet<string>;
}

/** Reads an environment by a table. An empty variable counts as absent. Reports all problems at once. */
export function readSettings<T extends Table>(table: T, env: Environment): Reading<T> {
  const problems: ConfigProblem[] = [];
  const values: Record<string, unknown> = {};
  const malformed = new Set<string>();
  for (const [field, setting] of Object.entries(table)) {
    const { name, kind } = setting;
    const given = env[name] || (LOWER.includes(name) ? env[name.toLowerCase()] : undefined) || undefined;
    if (given === undefined) {
      if (setting.default === undefined) problems.push({ name, message: `${name}: required; it takes ${kind.takes}` });
      else values[field] = setting.default === null ? undefined : kind.parse(setting.default);
      continue;
    }
    values[field] = kind.parse(given);
    if (values[field] !== undefined) continue;
    malformed.add(name);
    problems.push({ name, message: refusal(setting, given) });
  }
  const own = Object.values(table).map(({ name }) => name);
  for (const name of Object.keys(env).sort()) {
    if (KNOWN.includes(name) || LOWER.includes(name.toUpperCase())) continue;
    const meant = meantFor(name, env[name] ?? '', own);
    if (meant !== undefined)
      problems.push({
        name,
        message: `${name}: unknown variable; did you mean ${meant}? Unset it if it is meant for another program`,
      });
  }
  return { values: values as Settings<T>, problems, malformed };
}

function refusal({ name, kind }: Setting<unknown>, given: string): string {
  const shown =
    kind.secret === true
      ? `a value of ${given.length} characters`
      : JSON.stringify((kind.shown?.(given) ?? given).slice(0, 200));
  const link = /^(tcp|udp|sctp):\/\//.test(given)
    ? '; Kubernetes sets it for a Service of that name: turn enableServiceLinks off for the pod'
    : '';
  return `${name}: takes ${kind.takes}; given was ${shown}${link}`;
}
