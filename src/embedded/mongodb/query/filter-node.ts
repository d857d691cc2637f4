import { documentEnd, type RawDocument } from '../bson/raw';
import { findLeaf, type Test } from './tests';

/** A filter as a tree; a leaf asks one thing of one path. */
export type FilterNode =
  | { readonly kind: 'all'; readonly nodes: readonly FilterNode[] }
  | { readonly kind: 'any'; readonly nodes: readonly FilterNode[] }
  | { readonly kind: 'not'; readonly node: FilterNode }
  | { readonly kind: 'field'; readonly field: string; readonly path: readonly Buffer[]; readonly test: Test }
  /** What is evaluated on the document as a JavaScript object. */
  | { readonly kind: 'foreign'; readonly matches: (document: RawDocument) => boolean };

/** Whether the document that begins at `start` satisfies the filter. */
export function matches(node: FilterNode, bytes: Buffer, start: number): boolean {
  switch (node.kind) {
    case 'field':
      return findLeaf(bytes, start, node.path, 0, node.test);
    case 'all':
      for (const child of node.nodes) if (!matches(child, bytes, start)) return false;
      return true;
    case 'any':
      for (const child of node.nodes) if (matches(child, bytes, start)) return true;
      return false;
    case 'not':
      return !matches(node.node, bytes, start);
    case 'foreign':
      return node.matches({ bytes, start, end: documentEnd(bytes, start) });
  }
}
