import { BsonType, ElementWalker, type RawDocument, type RawValue } from './raw';
import { DocumentWriter } from './writer';

/**
 * A document being changed. Only the levels a change passes through are taken apart; everything else stays a range of the original
 * bytes, so untouched values keep their exact bytes and fields keep their order.
 */
export type Node = RawValue | ObjectNode | ArrayNode;

export class ObjectNode {
  readonly kind = 'object';

  constructor(readonly fields: Map<string, Node> = new Map()) {}

  static parse({ bytes, start }: RawDocument): ObjectNode {
    const fields = new Map<string, Node>();
    const walker = new ElementWalker(bytes, start);
    while (walker.next()) fields.set(walker.name, walker.value());
    return new ObjectNode(fields);
  }

  write(writer: DocumentWriter, name?: string): void {
    writer.begin(name);
    for (const [field, node] of this.fields) writeNode(writer, field, node);
    writer.finish();
  }
}

export class ArrayNode {
  readonly kind = 'array';

  constructor(readonly items: Node[] = []) {}

  static parse({ bytes, start }: RawDocument): ArrayNode {
    const items: Node[] = [];
    const walker = new ElementWalker(bytes, start);
    while (walker.next()) items.push(walker.value());
    return new ArrayNode(items);
  }

  write(writer: DocumentWriter, name: string): void {
    writer.begin(name, BsonType.array);
    for (let i = 0; i < this.items.length; i++) writeNode(writer, String(i), this.items[i]!);
    writer.finish();
  }
}

function writeNode(writer: DocumentWriter, name: string, node: Node): void {
  if (node instanceof ObjectNode || node instanceof ArrayNode) node.write(writer, name);
  else writer.value(name, node.type, node.bytes, node.start, node.end);
}

/** Taken apart when it is a document or an array that still is a range of bytes. */
export function opened(node: Node): Node {
  if (node instanceof ObjectNode || node instanceof ArrayNode) return node;
  if (node.type === BsonType.object) return ObjectNode.parse(node);
  if (node.type === BsonType.array) return ArrayNode.parse(node);
  return node;
}

/** A node as bytes again. */
export function asRaw(node: Node): RawValue {
  if (!(node instanceof ObjectNode) && !(node instanceof ArrayNode)) return node;
  const writer = new DocumentWriter();
  writer.begin();
  node.write(writer, 'v');
  writer.finish();
  const end = writer.length - 1;
  const bytes = writer.take();
  return { type: bytes[4]!, bytes, start: 7, end };
}
