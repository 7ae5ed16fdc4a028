interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  $ref?: string;
  anyOf?: Schema[];
  allOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  patternProperties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  maxProperties?: number;
  items?: Schema;
  maxItems?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}

/**
 * Every place of a JSON schema that accepts unbounded values, with its missing keyword: `$.name: maxLength`. A `$ref` counts as bounded:
 * check its target separately. `any`: places (named as here) that may hold any value within the bounds of their parent.
 */
export function unbounded(given: unknown, at = '$', any: readonly RegExp[] = []): string[] {
  const schema = given as Schema;
  const inside = (each: unknown, where: string) => unbounded(each, where, any);
  if (schema.$ref !== undefined || schema.const !== undefined || schema.enum !== undefined) return [];
  const either = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (either !== undefined) return either.flatMap((each) => inside(each, at));
  const lacks = (name: string, there: boolean) => (there ? [] : [`${at}: ${name}`]);
  switch (schema.type) {
    case 'string':
      return lacks('maxLength', schema.maxLength !== undefined);
    case 'integer':
    case 'number':
      return [
        ...lacks('minimum', schema.minimum !== undefined || schema.exclusiveMinimum !== undefined),
        ...lacks('maximum', schema.maximum !== undefined || schema.exclusiveMaximum !== undefined),
      ];
    case 'array':
      return [...lacks('maxItems', schema.maxItems !== undefined), ...inside(schema.items ?? {}, `${at}[]`)];
    case 'object': {
      const { properties = {}, patternProperties = {}, additionalProperties } = schema;
      const names = Object.keys(patternProperties);
      const closed = additionalProperties === false && names.length === 0;
      return [
        ...lacks('maxProperties', closed || schema.maxProperties !== undefined),
        ...lacks(
          'names of bounded length',
          names.every((name) => /\{\d+,\d+\}\$$/.test(name)),
        ),
        ...lacks('additionalProperties: false', names.length === 0 || additionalProperties === false),
        ...Object.entries(properties).flatMap(([name, each]) => inside(each, `${at}.${name}`)),
        ...Object.values(patternProperties).flatMap((each) => inside(each, `${at}.*`)),
        ...(typeof additionalProperties === 'object' ? inside(additionalProperties, `${at}.*`) : []),
      ];
    }
    case 'boolean':
    case 'null':
      return [];
    default:
      return lacks(
        'a type',
        any.some((each) => each.test(at)),
      );
  }
}
