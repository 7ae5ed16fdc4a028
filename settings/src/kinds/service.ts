import { PORT } from './addresses.ts';
import type { Kind } from './kind.ts';

/** A port of a Service of Kubernetes. */
export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

const LABEL = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const PATTERN = `^${LABEL}/${LABEL}:${PORT}$`;

/** `namespace/name:port`. */
export const service: Kind<ServicePort> = {
  takes: 'a Service as namespace/name:port',
  parse(value) {
    if (!new RegExp(PATTERN).test(value)) return undefined;
    const [namespace, name, port] = value.split(/[/:]/) as [string, string, string];
    return { namespace, name, port: Number(port) };
  },
  print: ({ namespace, name, port }) => `${namespace}/${name}:${port}`,
  written: { type: 'string', pattern: PATTERN },
  examples: ['streamspace/streamspace-api:80'],
};
