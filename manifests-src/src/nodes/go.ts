import { type Expr, type ExprNode, NODE, type ValueType } from './expression.ts';
import { FUNCTIONS } from './functions.ts';
import type { Helper } from './expression.ts';

/** A string literal for Go's lexer. */
export const goString = (text: string): string =>
  JSON.stringify(text).replace(UNSEEN, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

// oxlint-disable-next-line no-control-regex, no-misleading-character-class -- it is about them
const UNSEEN = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** Collects the helpers that the written templates need. */
export interface Helpers {
  /** Full name of a helper in this chart. */
  use(helper: Helper): string;
}

const BUILTINS = {
  'release.name': '$.Release.Name',
  'release.namespace': '$.Release.Namespace',
  'release.service': '$.Release.Service',
  'chart.name': '$.Chart.Name',
  'chart.version': '$.Chart.Version',
  'chart.appVersion': '$.Chart.AppVersion',
} as const;

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `$.Values.a.b`, with `index` if a key is no identifier. */
function pathText(root: string, path: readonly string[]): string {
  return path.reduce(
    (text, key) => (IDENTIFIER.test(key) ? `${text}.${key}` : `(index ${text} ${goString(key)})`),
    root,
  );
}

/** Template text of an expression; not yet in parentheses. */
export function goText(expression: Expr<unknown>, helpers: Helpers): string {
  const node: ExprNode = expression[NODE];
  switch (node.kind) {
    case 'literal':
      return literal(node.value);
    case 'value':
      return typed(pathText('$.Values', node.path), node.type);
    case 'local':
      return typed(pathText(`$${node.name}`, node.path), node.type);
    case 'builtin':
      return BUILTINS[node.name];
    case 'call':
      return FUNCTIONS[node.name].go(...(node.args.map((arg) => goArgument(arg, helpers)) as [string, string, string]));
    case 'choice':
      return `ternary ${goArgument(node.yes, helpers)} ${goArgument(node.no, helpers)} ${goArgument(node.cond, helpers)}`;
    case 'helper':
      return `include ${goString(helpers.use(node.helper))} $`;
  }
}

/** The same, ready as an argument. */
export function goArgument(expression: Expr<unknown>, helpers: Helpers): string {
  const text = goText(expression, helpers);
  return /^[^\s"]+$/.test(text) || /^"(?:[^"\\]|\\.)*"$/.test(text) || /^\([^()]*\)$/.test(text) ? text : `(${text})`;
}

/** Helm reads numbers of files as floating point, those of --set as integers: comparisons need one kind. */
const typed = (text: string, type: ValueType): string => (type === 'integer' ? `int64 ${text}` : text);

function literal(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return goString(value);
    case 'boolean':
      return String(value);
    case 'number':
      if (Number.isSafeInteger(value)) return `${value}`;
      break;
    case 'object':
      if (Array.isArray(value)) return value.length === 0 ? 'list' : `(list ${value.map(literal).join(' ')})`;
      if (value !== null)
        return Object.keys(value).length === 0
          ? '(dict)'
          : `(dict ${Object.entries(value)
              .map(([key, inner]) => `${goString(key)} ${literal(inner)}`)
              .join(' ')})`;
  }
  throw new Error(`no template text for ${JSON.stringify(value)}`);
}
