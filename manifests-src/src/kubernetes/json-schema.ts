import { isOpen, KUBE_TYPES, kubeType, QUANTITY, TAKES } from './types.ts';

type Json = Record<string, unknown>;

/** JSON schemas of Kubernetes' types, each once: `definitions` holds those that were asked for, and what they are made of. */
export class KubeSchemas {
  readonly definitions: Record<string, Json> = {};

  /** The schema of a type; an empty list or map is always right. */
  of(type: string): Json {
    // an object, or the text of a template
    if (type === 'Manifest') return { if: { type: 'string' }, else: this.of('Object') };
    const is = kubeType(type);
    switch (is.kind) {
      case 'list':
        return { type: 'array', items: this.of(is.of) };
      case 'map':
        return { type: 'object', additionalProperties: this.of(is.of) };
      case 'scalar':
        return this.#define(is.scalar, () => scalarSchema(is.scalar));
      case 'object':
        return this.#define(is.name, () => this.#object(is.name));
    }
  }

  #define(name: string, schema: () => Json): Json {
    if (name === 'any') return {};
    const key = `k8s.${name}`;
    if (!(key in this.definitions)) {
      // types hold themselves
      this.definitions[key] = {};
      this.definitions[key] = schema();
    }
    return { $ref: `#/definitions/${key}` };
  }

  #object(name: string): Json {
    const known = KUBE_TYPES[name]!;
    const required = Object.keys(known).filter((key) => known[key]!.endsWith('!'));
    return {
      type: 'object',
      ...(required.length > 0 ? { required } : {}),
      properties: Object.fromEntries(Object.entries(known).map(([key, type]) => [key, this.of(type)])),
      // the one says where, the other which names there are
      ...(isOpen(name) ? {} : { additionalProperties: false, propertyNames: { enum: Object.keys(known) } }),
    };
  }
}

/** Helm words the errors of a schema itself; a constant that can't be met says what is wanted. */
function scalarSchema(scalar: keyof typeof TAKES): Json {
  const type: Readonly<Record<string, Json>> = {
    string: { type: 'string' },
    integer: { type: 'integer' },
    boolean: { type: 'boolean' },
    quantity: { type: ['number', 'string'], pattern: QUANTITY },
    intOrString: { type: ['integer', 'string'] },
  };
  return { if: type[scalar], else: { const: TAKES[scalar] } };
}
