/** A value of a kind as YAML holds it: the part of JSON Schema that says so. `parse` refuses nothing that it accepts, except by `range`. */
export interface Written {
  readonly type: 'string' | 'integer' | 'boolean' | 'array' | readonly ['string', 'number'];
  /** For JavaScript (flag u) and RE2 alike. */
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Written;
  /** Of an item: what it must be, in words. */
  readonly takes?: string;
}

/** Parses the text of one setting, and writes a value as text. */
/** `Y`: the type of the value in YAML. */
export interface Kind<T, Y = string> {
  /** Never there: holds the type. */
  readonly yaml?: Y;
  /** What the text must be, in words: for error messages and the documentation's tables. Goes on after "takes". */
  readonly takes: string;
  /** undefined: the text is not one of these. */
  parse(text: string): T | undefined;
  /** The text of a value: `parse` gives the value again. */
  print(value: T): string;
  readonly written: Written;
  /** Bounds that a pattern can't say, in milliseconds: texts that `written` accepts are refused outside of them. */
  readonly range?: { readonly min: number; readonly max: number };
  /** Some things that it takes, the least and the most among them, as YAML holds them. */
  readonly examples: readonly unknown[];
  /** Never repeated: neither in messages nor in logs. */
  readonly secret?: boolean;
  /** How a text is repeated in a message, where a part of it is secret. */
  shown?(text: string): string;
}
