import { hasOperators } from '../query/filter-compiler';
import { BsonType, ElementWalker, elementsOf, type RawDocument, type RawValue } from '../bson/raw';
import type { ObjectNode } from '../bson/tree';
import { toPlainDocument } from '../bson/values';
import { CommandError } from '../errors';
import { applyOperator, operatorNames, type Operator, type OperatorName } from './operators';
import { pipelineUpdate } from './pipeline';

/** What an update statement does to a document. */
export type Update =
  | { readonly kind: 'replace'; readonly replacement: RawDocument }
  | { readonly kind: 'operators'; readonly operators: readonly Operator[] }
  | { readonly kind: 'pipeline'; readonly apply: (document: RawDocument) => RawDocument };

/** Compiles the `u` of a statement. Throws FailedToParse, ConflictingUpdateOperators and the like. */
export function compileUpdate(u: RawValue): Update {
  if (u.type === BsonType.array) return { kind: 'pipeline', apply: pipelineUpdate(elementsOf(u).map((stage) => toPlainDocument(stage))) };
  if (u.type !== BsonType.object) throw new CommandError('FailedToParse', 'Update argument must be either an object or an array');
  if (!hasOperators(u)) return { kind: 'replace', replacement: refuseDollars(u) };
  const operators: Operator[] = [];
  for (const group of elementsOf(u)) {
    if (!operatorNames.has(group.name as OperatorName)) {
      throw new CommandError(
        'FailedToParse',
        `Unknown modifier: ${group.name}. Expected a valid update modifier or pipeline-style update specified as an array`,
      );
    }
    if (group.type !== BsonType.object) {
      throw new CommandError(
        'FailedToParse',
        `Modifiers operate on fields but we found another type instead. For example: {$mod: {<field>: ...}} not {${group.name}: …}`,
      );
    }
    for (const element of elementsOf(group))
      operators.push({ name: group.name as OperatorName, field: element.name, path: updatePath(element.name), operand: element });
  }
  return { kind: 'operators', operators: inOrder(operators) };
}

function refuseDollars(u: RawDocument): RawDocument {
  const walker = new ElementWalker(u.bytes, u.start);
  while (walker.next()) {
    if (walker.bytes[walker.nameStart] !== dollar) continue;
    throw new CommandError(
      'DollarPrefixedFieldName',
      `The dollar ($) prefixed field '${walker.name}' is not allowed in the context of an update's replacement document. Consider using an aggregation pipeline with $replaceWith.`,
    );
  }
  return u;
}

const dollar = 0x24;

function updatePath(field: string): string[] {
  const path = field.split('.');
  for (const part of path) {
    if (part === '') throw new CommandError('BadValue', `The update path '${field}' contains an empty field name, which is not allowed.`);
    if (part === '$' || part.startsWith('$[')) {
      throw new CommandError(
        'NotImplemented',
        `the positional path '${field}' is not supported by this server: read the document and set the whole array`,
      );
    }
  }
  if (path[0]!.startsWith('$'))
    throw new CommandError('DollarPrefixedFieldName', `The dollar ($) prefixed field '${field}' is not valid for storage.`);
  return path;
}

/** In order of path, as MongoDB adds fields, after refusing paths of which one contains another. */
function inOrder(operators: Operator[]): Operator[] {
  const paths = operators.flatMap((operator) =>
    operator.name === '$rename' ? [operator.path, updatePath(renameTarget(operator))] : [operator.path],
  );
  const sorted = [...paths].sort(comparePaths);
  for (let i = 1; i < sorted.length; i++) {
    const [shorter, longer] = [sorted[i - 1]!, sorted[i]!];
    if (shorter.every((part, at) => longer[at] === part)) {
      throw new CommandError(
        'ConflictingUpdateOperators',
        `Updating the path '${longer.join('.')}' would create a conflict at '${shorter.join('.')}'`,
      );
    }
  }
  return operators.length === 1 ? operators : operators.sort((a, b) => comparePaths(a.path, b.path));
}

function renameTarget(operator: Operator): string {
  const { operand } = operator;
  if (operand.type !== BsonType.string)
    throw new CommandError('BadValue', `The 'to' field for $rename must be a string: ${operator.field}`);
  return operand.bytes.toString('utf8', operand.start + 4, operand.end - 1);
}

const digits = /^(0|[1-9][0-9]*)$/;

function comparePaths(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    if (x === y) continue;
    if (digits.test(x) && digits.test(y)) return Number(x) - Number(y);
    return x < y ? -1 : 1;
  }
  return a.length - b.length;
}

/** Applies the operators in place. `inserting`: an upsert is creating the document, so $setOnInsert counts. */
export function applyOperators(document: ObjectNode, operators: readonly Operator[], inserting: boolean, now: Date): void {
  for (const operator of operators) {
    if (operator.name !== '$setOnInsert' || inserting) applyOperator(document, operator, now);
  }
}
