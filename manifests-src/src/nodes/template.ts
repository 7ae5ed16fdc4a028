import { type Expr, isExpr, NODE, typeOf } from './expression.ts';
import { goArgument, goText, type Helpers } from './go.ts';
import { nodeOf, presenceOf } from './presence.ts';
import { isPlain, literalKey, literalText } from './scalar.ts';

const STEP = 2;

/** Writes trees as YAML with template text in it. Each method gives lines without their newlines. */
export class TemplateWriter {
  readonly #helpers: Helpers;

  constructor(helpers: Helpers) {
    this.#helpers = helpers;
  }

  /** A whole document, or the entries of a named map. */
  document(tree: unknown): string[] {
    if (presenceOf(tree) !== true) throw new Error('a document must not be absent: give its resource a condition');
    return this.#entries(tree, 0);
  }

  condition(cond: Expr<boolean>): string {
    return `{{- if ${this.#truth(cond)} }}`;
  }

  /** A condition for `if`, which treats every non-empty value as true. */
  #truth(cond: Expr<boolean>): string {
    const node = cond[NODE];
    if (node.kind !== 'call') return goText(cond, this.#helpers);
    const [first] = node.args as [Expr<unknown>];
    if (node.name === 'truthy') return goText(first, this.#helpers);
    const inner = first[NODE];
    if (node.name === 'not' && inner.kind === 'call' && inner.name === 'truthy')
      return `not ${goArgument(inner.args[0]!, this.#helpers)}`;
    return goText(cond, this.#helpers);
  }

  /** Text of a helper's definition: conditions as blocks, so that a person can read them. */
  text(expression: Expr<string>): string[] {
    const node = expression[NODE];
    if (node.kind !== 'choice') return [`{{- ${goText(expression, this.#helpers)} }}`];
    return [
      this.condition(node.cond),
      ...this.text(node.yes as Expr<string>),
      '{{- else }}',
      ...this.text(node.no as Expr<string>),
      '{{- end }}',
    ];
  }

  #block(pad: string, cond: Expr<boolean>, then: string[], otherwise: string[] = []): string[] {
    if (then.length === 0) {
      return otherwise.length === 0
        ? []
        : [`${pad}{{- if not (${goText(cond, this.#helpers)}) }}`, ...otherwise, `${pad}{{- end }}`];
    }
    const rest = otherwise.length > 0 ? [`${pad}{{- else }}`, ...otherwise] : [];
    return [pad + this.condition(cond), ...then, ...rest, `${pad}{{- end }}`];
  }

  #range(pad: string, node: { over: Expr<unknown>; item: string; key: string }, body: string[]): string[] {
    return [
      `${pad}{{- range $${node.key}, $${node.item} := ${goText(node.over, this.#helpers)} }}`,
      ...body,
      `${pad}{{- end }}`,
    ];
  }

  /** A key whose value is only an expression; omitted if the expression is empty. */
  #with(key: string, of: Expr<unknown>, indent: number): string[] {
    const pad = ' '.repeat(indent);
    return [
      `${pad}{{- with ${goText(of, this.#helpers)} }}`,
      `${pad}${key}:`,
      `${pad}  {{- toYaml . | nindent ${indent + STEP} }}`,
      `${pad}{{- end }}`,
    ];
  }

  #toYaml(of: Expr<unknown>, indent: number): string {
    return `{{- toYaml ${goArgument(of, this.#helpers)} | nindent ${indent} }}`;
  }

  /** Lines of a map's entries. */
  #entries(tree: unknown, indent: number): string[] {
    const pad = ' '.repeat(indent);
    const node = nodeOf(tree);
    switch (node?.kind) {
      case undefined:
        if (isExpr(tree)) return [pad + this.#toYaml(tree, indent)];
        return Object.entries(tree as object).flatMap(([key, value]) => this.#entry(literalKey(key), value, indent));
      case 'entries':
        return node.parts.flatMap((part) => this.#entries(part, indent));
      case 'include':
        return [
          indent === 0
            ? `{{ include ${JSON.stringify(this.#helpers.use(node.helper))} $ }}`
            : `${pad}{{- include ${JSON.stringify(this.#helpers.use(node.helper))} $ | nindent ${indent} }}`,
        ];
      case 'when':
        return this.#block(
          pad,
          node.cond,
          this.#entries(node.yes, indent),
          node.no === undefined ? [] : this.#entries(node.no, indent),
        );
      case 'spread': {
        return [
          `${pad}{{- with ${goText(node.of, this.#helpers)} }}`,
          `${pad}{{- toYaml . | nindent ${indent} }}`,
          `${pad}{{- end }}`,
        ];
      }
      case 'eachEntry':
        return this.#range(
          pad,
          node,
          this.#entry(`{{ ${goText(node.name, this.#helpers)} | quote }}`, node.body, indent),
        );
      default:
        throw new Error(`${node!.kind} can't stand among the entries of a map`);
    }
  }

  #entry(key: string, value: unknown, indent: number): string[] {
    const node = nodeOf(value);
    const pad = ' '.repeat(indent);
    const only = onlySpread(value);
    if (only !== undefined) return this.#with(key, only, indent);
    if (node?.kind === 'when') {
      return this.#block(
        pad,
        node.cond,
        this.#entry(key, node.yes, indent),
        node.no === undefined ? [] : this.#entry(key, node.no, indent),
      );
    }
    const presence = presenceOf(value);
    if (presence === false) return [];
    const lines = this.#value(value, indent, `${pad}${key}:`, ' ');
    return presence === true ? lines : this.#block(pad, presence, lines);
  }

  /** Lines of a value that follows `before` (a key with its colon, or an item's dash). */
  #value(value: unknown, indent: number, before: string, between: string): string[] {
    const inner = indent + STEP;
    if (isExpr(value)) {
      const type = typeOf(value);
      if (type === 'any') return [`${before} ${this.#toYaml(value, inner)}`];
      const text = type === 'string' ? `${goText(value, this.#helpers)} | quote` : goText(value, this.#helpers);
      return [`${before}${between}{{ ${text} }}`];
    }
    if (Array.isArray(value))
      return value.length === 0
        ? [`${before}${between}[]`]
        : [before, ...value.flatMap((item) => this.#item(item, inner))];
    if (typeof value === 'object' && value !== null) {
      return isPlain(value) && Object.keys(value).length === 0
        ? [`${before}${between}{}`]
        : [before, ...this.#entries(value, inner)];
    }
    const [first, ...rest] = literalText(value, inner);
    return [`${before}${between}${first}`, ...rest];
  }

  #item(item: unknown, indent: number): string[] {
    const pad = ' '.repeat(indent);
    const node = nodeOf(item);
    switch (node?.kind) {
      case 'when': {
        const lines = (chosen: unknown) =>
          chosen === undefined
            ? []
            : (Array.isArray(chosen) ? chosen : [chosen]).flatMap((each) => this.#item(each, indent));
        return this.#block(pad, node.cond, lines(node.yes), lines(node.no));
      }
      case 'spread':
        return [
          `${pad}{{- with ${goText(node.of, this.#helpers)} }}`,
          `${pad}{{- toYaml . | nindent ${indent} }}`,
          `${pad}{{- end }}`,
        ];
      case 'each':
        return this.#range(pad, node, this.#item(node.body, indent));
    }
    const presence = presenceOf(item);
    if (presence === false) return [];
    const lines = this.#itemLines(item, indent, pad);
    return presence === true ? lines : this.#block(pad, presence, lines);
  }

  #itemLines(item: unknown, indent: number, pad: string): string[] {
    if (
      typeof item !== 'object' ||
      item === null ||
      isExpr(item) ||
      Array.isArray(item) ||
      (isPlain(item) && Object.keys(item).length === 0)
    ) {
      return this.#value(item, indent, `${pad}-`, ' ');
    }
    const [first, ...rest] = this.#entries(item, indent + STEP);
    // a first line that is an action would swallow the dash's line
    return first!.trimStart().startsWith('{{-')
      ? [`${pad}-`, first!, ...rest]
      : [`${pad}- ${first!.trimStart()}`, ...rest];
  }
}

/** The expression of a list or map that is nothing else, or of `when(given(x), x)`. */
function onlySpread(value: unknown): Expr<unknown> | undefined {
  const node = nodeOf(value);
  if (node?.kind === 'when' && node.no === undefined && isExpr(node.yes) && typeOf(node.yes) === 'any') {
    const cond = node.cond[NODE];
    return cond.kind === 'call' && cond.name === 'truthy' && cond.args[0] === node.yes ? node.yes : undefined;
  }
  const parts = node?.kind === 'entries' ? node.parts : Array.isArray(value) ? (value as unknown[]) : [];
  const part = parts.length === 1 ? nodeOf(parts[0]) : undefined;
  return part?.kind === 'spread' ? part.of : undefined;
}
