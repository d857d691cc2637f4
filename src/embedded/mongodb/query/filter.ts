import type { RawDocument, RawValue } from '../bson/raw';
import { compileFilter } from './filter-compiler';
import type { FilterNode } from './filter-node';

/** A compiled filter: what a document must satisfy, and its conjunction for the planner. */
export interface Filter {
  readonly node: FilterNode;
  /** The leaves that must all hold, `$and` flattened. */
  readonly conjuncts: readonly FilterNode[];
}

export function filterOf(query: RawDocument): Filter {
  const node = compileFilter(query);
  const conjuncts: FilterNode[] = [];
  flatten(node, conjuncts);
  return { node, conjuncts };
}

function flatten(node: FilterNode, into: FilterNode[]): void {
  if (node.kind === 'all') for (const child of node.nodes) flatten(child, into);
  else into.push(node);
}

/** The values the filter fixes by equality, by dotted name: what an upsert starts its document from. */
export function equalitiesOf(filter: Filter): Map<string, RawValue> {
  const equalities = new Map<string, RawValue>();
  for (const node of filter.conjuncts) {
    if (node.kind !== 'field') continue;
    if (node.test.kind === 'equal') equalities.set(node.field, node.test.operand);
    else if (node.test.kind === 'in' && node.test.operands.length === 1 && node.test.patterns.length === 0)
      equalities.set(node.field, node.test.operands[0]!);
  }
  return equalities;
}
