import { and, given, or } from './build.ts';
import { type Expr, isExpr, NODE } from './expression.ts';
import type { Each, EachEntry, EntryMap, Spread, When } from './tree.ts';

type Node = (When<unknown> | Each<unknown> | Spread<unknown> | EachEntry | EntryMap<unknown>)[typeof NODE];
export const nodeOf = (thing: unknown): Node | undefined =>
  typeof thing === 'object' && thing !== null && NODE in thing && !isExpr(thing)
    ? (thing as { [NODE]: Node })[NODE]
    : undefined;

/** Whether anything is left of a tree after its conditions: always, never, or by an expression. */
export type TreePresence = boolean | Expr<boolean>;

const any = (all: readonly TreePresence[]): TreePresence => {
  if (all.includes(true)) return true;
  const open = all.filter((each): each is Expr<boolean> => each !== false);
  return open.length === 0 ? false : or(...open);
};
const both = (cond: Expr<boolean>, inner: TreePresence): TreePresence =>
  inner === true ? cond : inner === false ? false : and(cond, inner);

/** `part`: the tree is a part of a list or map, not a separate item. */
export function presenceOf(tree: unknown): TreePresence {
  if (tree === undefined) return false;
  if (isExpr(tree)) return true;
  if (Array.isArray(tree)) return tree.length === 0 ? true : any(tree.map(presenceOf));
  if (typeof tree !== 'object' || tree === null) return true;
  const node = nodeOf(tree);
  switch (node?.kind) {
    case undefined: {
      const all = Object.values(tree);
      return all.length === 0 ? true : any(all.map(presenceOf));
    }
    case 'when': {
      const yes = presenceOf(node.yes);
      const no = presenceOf(node.no);
      if (yes === true && no === true) return true;
      return no === false ? both(node.cond, yes) : any([both(node.cond, yes), no]);
    }
    case 'each':
      if (presenceOf(node.body) !== true) throw new Error(`the body of the loop over ${node.item} may be absent`);
      return given(node.over);
    case 'eachEntry':
      if (presenceOf(node.body) !== true) throw new Error(`the body of the loop over ${node.item} may be absent`);
      return given(node.over);
    case 'spread':
      return given(node.of);
    case 'entries':
      return any(node.parts.map(presenceOf));
    case 'include':
      return true;
  }
}
