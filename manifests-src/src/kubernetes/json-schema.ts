import { conditionSchema, REFUSED_PARTS } from './pod-template.ts';
import { isPart, kubeType, othersOf, propertiesOf, QUANTITY, type Scalar, TAKES } from './types.ts';

type Json = Record<string, unknown>;
type ObjectType = Parameters<typeof propertiesOf>[0];

/** JSON schemas of Kubernetes' types, each once: `definitions` holds the requested types and those that they refer to. */
export class KubeSchemas {
  readonly definitions: Record<string, Json> = {};

  /** The schema of a type; an empty list or map is always valid. */
  of(type: string): Json {
    // an object, or the text of a template
    if (type === 'Manifest') return { if: { type: 'string' }, else: this.of('Object') };
    const is = kubeType(type);
    switch (is.kind) {
      case 'list':
        return { type: 'array', items: this.of(is.of) };
      case 'map':
        return { type: 'object', additionalProperties: isPart(is.of) ? this.#orNull(is.of) : this.of(is.of) };
      case 'word':
        return { const: is.word };
      case 'scalar':
        return this.#define(is.scalar, () => scalarSchema(is.scalar));
      case 'object':
        return this.#define(is.part ? `part.${is.name}` : is.name, () => (is.part ? this.#part(is) : this.#object(is)));
    }
  }

  #define(name: string, schema: () => Json): Json {
    if (name === 'any') return {};
    const key = `k8s.${name}`;
    if (!(key in this.definitions)) {
      // types may contain themselves
      this.definitions[key] = {};
      this.definitions[key] = schema();
    }
    return { $ref: `#/definitions/${key}` };
  }

  #object(is: ObjectType): Json {
    const { known, required } = propertiesOf(is);
    return {
      type: 'object',
      ...(required.length > 0 ? { required } : {}),
      properties: Object.fromEntries(Object.entries(known).map(([key, type]) => [key, this.of(type)])),
      ...this.#others(is.name, Object.keys(known)),
    };
  }

  #others(name: string, keys: readonly string[]): Json {
    const others = othersOf(name);
    // the first tells the place of an error, the second the known names
    if (others === undefined) return { additionalProperties: false, propertyNames: { enum: keys } };
    return others === 'any' ? {} : { additionalProperties: this.of(others) };
  }

  #part(is: ObjectType): Json {
    const { known, required, patched } = propertiesOf(is);
    const rules = (REFUSED_PARTS[is.name] ?? []).map(({ when, says }) => ({
      if: conditionSchema(when),
      // oxlint-disable-next-line unicorn/no-thenable -- the schema's own word
      then: { const: says },
    }));
    const properties = Object.entries(known).map(([key, type]) => [
      key,
      patched.includes(key) ? this.of(type) : this.#orNull(type),
    ]);
    return {
      type: 'object',
      ...(patched.length > 0 ? { required: patched } : {}),
      if: { required: ['$patch'] },
      else: { required },
      ...(rules.length > 0 ? { allOf: rules } : {}),
      properties: Object.fromEntries(properties),
      ...this.#others(is.name, Object.keys(known)),
    };
  }

  /** Null removes a key of the pod. */
  #orNull(type: string): Json {
    const schema = this.of(type);
    if (!('$ref' in schema)) return { if: { type: 'null' }, else: schema };
    const key = `${(schema['$ref'] as string).slice('#/definitions/'.length)}.null`;
    this.definitions[key] ??= { if: { type: 'null' }, else: schema };
    return { $ref: `#/definitions/${key}` };
  }
}

/** Helm formulates schema errors itself; an unsatisfiable constant shows the expected form. */
function scalarSchema(scalar: Scalar): Json {
  const type: Readonly<Record<string, Json>> = {
    nothing: { not: {} },
    patch: { enum: ['replace', 'delete'] },
    string: { type: 'string' },
    integer: { type: 'integer' },
    boolean: { type: 'boolean' },
    quantity: { type: ['number', 'string'], pattern: QUANTITY },
    intOrString: { type: ['integer', 'string'] },
  };
  return { if: type[scalar], else: { const: TAKES[scalar] } };
}
